package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/sandbox/service"

	"google.golang.org/grpc/test/bufconn"

	"odoo-upgrade-action/internal/sandbox"
)

// TestFaultSchedules takes a dump through a platform and over lines on which things
// go wrong, as a seed says, in virtual time. However a run ends, what it says is
// held against what the platform has, and a second run continues it to the end.
// ODOO_UPGRADE_TEST_SEEDS sets how many seeds, ODOO_UPGRADE_TEST_SEED repeats one.
func TestFaultSchedules(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	first, last := 1, 20
	if text := os.Getenv("ODOO_UPGRADE_TEST_SEEDS"); text != "" {
		last, _ = strconv.Atoi(text)
	}
	if text := os.Getenv("ODOO_UPGRADE_TEST_SEED"); text != "" {
		first, _ = strconv.Atoi(text)
		last = first
	}
	var mu sync.Mutex
	results := map[string]int{}
	t.Run("seeds", func(t *testing.T) {
		for seed := first; seed <= last; seed++ {
			t.Run(strconv.Itoa(seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					result := newSchedule(t, uint64(seed)).play()
					mu.Lock()
					defer mu.Unlock()
					results[result]++
				})
			})
		}
	})
	t.Logf("how the first runs ended: %v", results)
}

// schedule is what goes wrong, and with what.
type schedule struct {
	t        *testing.T
	random   *rand.Rand
	dir      string
	dump     []byte
	inputs   map[string]string
	faults   []string
	cuts     []cut
	outcome  string
	pace     time.Duration
	stop     time.Duration // when the run is cancelled, 0 for never
	engine   sandbox.Engine
	log      bytes.Buffer
	listener map[string]*bufconn.Listener
}

// cut breaks a connection, the how many-eth that is made, or freezes it.
type cut struct {
	connection int
	after      int64 // bytes either way
	freeze     bool
}

func newSchedule(t *testing.T, seed uint64) *schedule {
	r := rand.New(rand.NewPCG(seed, 4))
	s := &schedule{t: t, random: r, dir: t.TempDir(), outcome: "done", pace: time.Duration(r.IntN(90)) * time.Minute}
	var dump bytes.Buffer
	noise := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	if err := realtest.Backup(&dump, io.LimitReader(noise, int64(100_000+r.IntN(3<<20)))); err != nil {
		t.Fatal(err)
	}
	s.dump = dump.Bytes()
	s.inputs = map[string]string{
		"contract": "M123456-abcdef", "email": "john.doe@example.com", "target": "17.0", "dump": "db.dump",
		"server-url": "http://platform.test", "preflight": "off", "transport": pick(r, "auto", "https", "sftp"),
		"skip-test": pick(r, "false", "false", "true"), "timeout": pick(r, "5h", "5h", "5h", "30m"), "download": pick(r, "upgraded-dump", "upgraded-dump", "upgraded-dump,notes,original-dump"),
	}
	if s.inputs["protocol"] = pick(r, "v1", "v1", "json-rpc", "json-rpc", "auto"); s.inputs["protocol"] == "json-rpc" {
		s.inputs["skip-test"] = "false"
		s.inputs["download"] = pick(r, "upgraded-dump", "upgraded-dump,notes,log")
	}
	if s.inputs["transport"] == "sftp" {
		s.inputs["skip-test"] = "false" // what is delivered, not done, is refused by SFTP
	}
	if r.IntN(10) == 0 {
		s.outcome = pick(r, "failed", "cancelled")
	}
	if r.IntN(8) == 0 {
		s.stop = time.Duration(r.Int64N(int64(2 * time.Hour)))
	}
	for range r.IntN(8) {
		s.faults = append(s.faults, s.fault())
	}
	for range r.IntN(5) {
		s.cuts = append(s.cuts, cut{1 + r.IntN(14), r.Int64N(int64(len(s.dump))), r.IntN(3) == 0})
	}
	return s
}

func pick(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }

// fault writes one as the command sandbox takes it.
func (s *schedule) fault() string {
	r := s.random
	from := []int{1, 1, 1, 2, 3}[r.IntN(5)]
	calls := fmt.Sprintf(":%d-%d", from, from+r.IntN(3))
	bytes := strconv.Itoa(r.IntN(len(s.dump)))
	if s.inputs["protocol"] != "v1" && r.IntN(2) == 0 {
		if r.IntN(3) == 0 {
			return pick(r, "rsync"+calls+"=no-inplace", "rsync"+calls+"=script-only", "sftp"+calls+"=cut:"+bytes, "sftp"+calls+"=refuse:20s")
		}
		on := pick(r, "rpc-create", "rpc-process", "rpc-process", "rpc-status", "rpc-status", "transfer-start", "transfer-stop", "logs")
		return on + calls + "=" + pick(r, "reset", "lost", "lost", "truncated", "html", "hang", "slow:20s", "slow:2m", "late:5s", "late:90s", "429", "503", "503:2m", "500", "502", "504", "cut:100")
	}
	if r.IntN(4) == 0 {
		return "sftp" + calls + "=" + pick(r, "refuse:20s", "refuse:0s", "cut:"+bytes, "one-session", "no-reading", "growing", "replaced")
	}
	on := pick(r, "create", "upload", "request_sftp_access", "process", "process", "skip_test", "status", "status", "page")
	switch {
	case on == "upload" && r.IntN(3) == 0:
		return on + calls + "=early:" + bytes
	case on == "page" && r.IntN(3) == 0:
		return on + calls + "=" + pick(r, "swapped", "wrong-total", "416")
	case on == "process" && r.IntN(3) == 0:
		return on + calls + "=late:" + pick(r, "5s", "90s")
	}
	return on + calls + "=" + pick(r, "reset", "lost", "lost", "truncated", "html", "hang", "slow:20s", "slow:2m", "429", "429:40s", "503", "503:2m", "500", "502", "504", "404", "cut:"+bytes)
}

func (s *schedule) String() string {
	return fmt.Sprintf("faults %v, cuts %v, outcome %s, pace %v, stop %v, inputs %v", s.faults, s.cuts, s.outcome, s.pace, s.stop, s.inputs)
}

// play makes the run, holds it against the platform, and continues it without
// faults until it is over. It returns how the first run ended.
func (s *schedule) play() string {
	t := s.t
	if err := os.WriteFile(filepath.Join(s.dir, "db.dump"), s.dump, 0o600); err != nil {
		t.Fatal(err)
	}
	end := s.platform(s.faults)
	ctx, cancel := context.WithCancel(t.Context())
	if s.stop > 0 {
		defer time.AfterFunc(s.stop, cancel).Stop()
	}
	begin := time.Now()
	result, set := s.run(ctx, s.cuts)
	took := time.Since(begin)
	cancel()
	if took > 12*time.Hour {
		t.Errorf("it took %v", took)
	}
	end()
	s.truthful(result, set)
	if set["handle"] != "" && !t.Failed() {
		s.resume(set["handle"])
	}
	if t.Failed() {
		t.Logf("%v\n%s\nrepeat it: ODOO_UPGRADE_TEST_SEED=%s go test -run TestFaultSchedules ./internal/cli", s, s.log.String(), filepath.Base(t.Name()))
	}
	return result
}

// resume continues a request by its handle, on a platform and a line without faults.
func (s *schedule) resume(handle string) {
	end := s.platform(nil)
	defer end()
	s.inputs["handle"], s.inputs["timeout"] = handle, "50h"
	result, set := s.run(s.t.Context(), nil)
	want := map[bool]string{true: "success", false: "upgrade-failed"}[s.outcome == "done"]
	if result != want {
		s.t.Errorf("resuming ended as %s, want %s", result, want)
	}
	s.truthful(result, set)
}

// run is one run of the action.
func (s *schedule) run(ctx context.Context, cuts []cut) (result string, set map[string]string) {
	s.t.Helper()
	_ = os.Remove(filepath.Join(s.dir, "outputs"))
	environment := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": s.dir,
		"GITHUB_OUTPUT": filepath.Join(s.dir, "outputs"), "GITHUB_STEP_SUMMARY": filepath.Join(s.dir, "summary")}
	for name, value := range s.inputs {
		environment["INPUT_"+strings.ToUpper(name)] = value
	}
	var log bytes.Buffer
	p := &program{ctx: ctx, getenv: func(name string) string { return environment[name] }, stdout: &log, stderr: &log, dial: s.dialer(cuts)}
	status := p.main(nil)
	s.log.Write(log.Bytes())
	set, err := realtest.Outputs(filepath.Join(s.dir, "outputs"))
	if err != nil {
		s.t.Fatalf("%v\n%s", err, &log)
	}
	if (status == 0) != (set["result"] == "success" || set["result"] == "pending") {
		s.t.Errorf("exit status %d with result %s", status, set["result"])
	}
	for line := range strings.Lines(log.String()) {
		key := strings.TrimRight(set["request-key"], "=")
		if key != "" && strings.Contains(line, key) && !strings.HasPrefix(line, "::add-mask::") {
			s.t.Errorf("the key is in the log: %s", line)
		}
	}
	return set["result"], set
}

// taken is what the platform knows of a request.
type taken struct {
	ID        int       `json:"id"`
	State     string    `json:"state"`
	Processed time.Time `json:"processed"`
}

// truthful holds the end of a run against what the platform has on disk.
func (s *schedule) truthful(result string, set map[string]string) {
	t := s.t
	t.Helper()
	var mine taken
	processed := 0
	records, _ := filepath.Glob(filepath.Join(s.dir, "platform/requests/*/request.json"))
	for _, path := range records {
		text, err := os.ReadFile(path)
		var r taken
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		if strconv.Itoa(r.ID) == set["request-id"] {
			mine = r
		}
		if r.Processed.IsZero() {
			continue
		}
		processed++
		original, err := os.ReadFile(filepath.Join(filepath.Dir(path), "original"))
		if err != nil || !bytes.Equal(original, s.dump) {
			t.Errorf("request %d was processed with another dump: %d bytes of %d, %v", r.ID, len(original), len(s.dump), err)
		}
	}
	if processed > 1 {
		t.Errorf("%d requests were processed", processed)
	}
	states := map[string][]string{
		"success": {"done", "delivered"}, "upgrade-failed": {"failed", "cancelled"}, "timeout": {"pending", "progress", "done", "delivered", "failed", "cancelled"},
		"upload-failed": {"draft"}, "download-failed": {"done", "delivered"}, "interrupted": nil, "error": nil,
	}
	if strings.Contains(strings.Join(s.faults, " "), "=early:") {
		// What fits the connection's buffers was sent, though the platform has not read it:
		// it says so when it is asked to process nothing.
		states["refused"] = []string{"draft"}
	}
	want, known := states[result]
	if !known || want != nil && !slices.Contains(want, mine.State) {
		t.Errorf("it ended as %s while the platform's state is %q", result, mine.State)
	}
	if result == "success" {
		got, err := os.ReadFile(filepath.Join(s.dir, set["upgraded-dump-path"]))
		if err != nil || !bytes.Equal(got, s.dump) {
			t.Errorf("success, but the file has %d bytes of %d (%v)", len(got), len(s.dump), err)
		}
	}
}

// platform serves the sandbox in memory, on what an earlier one left.
func (s *schedule) platform(texts []string) (end func()) {
	t := s.t
	t.Helper()
	faults, err := sandbox.ParseFaults(texts)
	if err != nil {
		t.Fatal(err)
	}
	server, err := service.New(t.Context(), service.Config{Config: sandbox.Config{Data: filepath.Join(s.dir, "platform"), Outcome: s.outcome, Pace: s.pace, Faults: faults, Engine: s.engine}})
	if err != nil {
		t.Fatal(err)
	}
	web, sftp := bufconn.Listen(256<<10), bufconn.Listen(256<<10)
	s.listener = map[string]*bufconn.Listener{"80": web, "2200": sftp}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Serve(ctx, web, at2200{sftp}) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// at2200 is a listener that has a port, which the platform tells.
type at2200 struct{ net.Listener }

func (at2200) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2200} }

// dialer connects to the platform by its port, over lines that break.
func (s *schedule) dialer(cuts []cut) func(context.Context, string, string) (net.Conn, error) {
	var mu sync.Mutex
	count := 0
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		mu.Lock()
		count++
		n := count
		mu.Unlock()
		_, port, _ := net.SplitHostPort(address)
		conn, err := s.listener[port].DialContext(ctx)
		for _, c := range cuts {
			if err == nil && c.connection == n {
				conn = &badConn{Conn: conn, left: c.after, freeze: c.freeze, closed: make(chan struct{})}
			}
		}
		return conn, err
	}
}

// badConn breaks or freezes after some bytes. A frozen one takes what is written and
// loses it, as a line does whose other end is gone: no write may block, because
// a goroutine that writes to SSH holds a lock, and virtual time stands still before locks.
type badConn struct {
	net.Conn
	mu     sync.Mutex
	left   int64
	freeze bool
	frozen bool
	once   sync.Once
	closed chan struct{}
}

// pass counts n bytes, and tells whether the line is still whole.
func (c *badConn) pass(n int) (whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left -= int64(n)
	switch {
	case c.left >= 0:
		return true
	case !c.freeze:
		_ = c.Close()
	case !c.frozen:
		c.frozen = true
		go func() { _, _ = io.Copy(io.Discard, c.Conn) }()
	}
	return false
}

func (c *badConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.pass(n) {
		return n, err
	}
	if c.freeze {
		<-c.closed
	}
	return 0, net.ErrClosed
}

func (c *badConn) Write(b []byte) (int, error) {
	if c.pass(len(b)) {
		return c.Conn.Write(b)
	}
	if c.freeze {
		return len(b), nil
	}
	return 0, net.ErrClosed
}

func (c *badConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
