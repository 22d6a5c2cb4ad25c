//go:build unix

package v1

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sftp"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// access stands for the API: the server is there already.
type access struct{ address, user, file string }

func (a *access) requestSFTPAccess(context.Context, upgrade.Ticket, []byte) (sftpAccess, error) {
	host, port, _ := net.SplitHostPort(a.address)
	n, _ := strconv.Atoi(port)
	return sftpAccess{Hostname: host, Port: n, User: a.user, SharedFile: a.file}, nil
}

// another is a client of a real server, through an address, as another process would
// begin.
func another(t testing.TB, s *realtest.SSHD, address string) *overSFTP {
	t.Helper()
	text, err := os.ReadFile(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newSFTP(platform.Config{
		Getenv: func(string) string { return "" }, Tell: func(event.Event) {}, Keeper: new(kept),
		Transfer: dial.TransferSettings{Streams: 4, SSHKnownHosts: s.KnownHosts(address), SSHPrivateKey: string(text)},
	}, &access{address: address, user: s.User, file: "shared.dump"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// kept are the references that were kept.
type kept []platform.Reference

func (k *kept) Keep(r platform.Reference) { *k = append(*k, r) }

// put uploads a dump once.
func put(ctx context.Context, c *overSFTP, d dump.Info) error {
	_, err := c.upload(ctx, ticket, d, untold)
	return err
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

func untold(int64) {}

func untoldOf(int64, int64) {}

// TestCuts breaks transfers at pseudo-random bytes, and continues in the same process
// or as another one would. ODOO_UPGRADE_TEST_CUTS sets how many; .ci/run makes 500.
func TestCuts(t *testing.T) {
	realtest.Long(t)
	cuts := 28
	text, alone := os.LookupEnv("ODOO_UPGRADE_TEST_CUTS")
	if alone {
		var err error
		if cuts, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	} else {
		t.Parallel()
	}
	s := realtest.StartSSHD(t, "ed25519")
	cutter := realtest.StartCutter(t, s.Address)
	var moved, wanted int64
	const each = 4
	for seed := range uint64(cuts / each) {
		random := rand.New(rand.NewPCG(seed, 7))
		content := noise(seed, 32<<20+random.IntN(16<<20))
		at := make([]int64, each)
		for i := range at {
			at[i] = 20_000 + random.Int64N(int64(len(content))/each-20_000)
		}
		cutter.Reset(at)
		up := seed%2 == 0
		if up {
			cutUpload(t, seed, random, s, content, func() *overSFTP { return another(t, s, cutter.Address) })
		} else {
			cutDownload(t, seed, random, s, cutter.Address, content)
		}
		there, back, n := cutter.Counts()
		if n != each {
			t.Errorf("seed %d: %d cuts, want %d", seed, n, each)
		}
		if up {
			back = 0
		} else {
			there = 0
		}
		moved, wanted = moved+there+back, wanted+int64(len(content))
	}
	ratio := float64(moved) / float64(wanted)
	t.Logf("%d cuts, %.3f times the bytes", cuts, ratio)
	// On a busy machine the handshake looks like high latency, and more is in flight
	// at each cut: the tight limit is for a run of its own.
	limit := 2.0
	if alone {
		limit = 1.25
	}
	if ratio > limit {
		t.Errorf("%.3f times the bytes were sent, want at most %.2f", ratio, limit)
	}
}

// cutUpload uploads by processes that begin makes.
func cutUpload(t *testing.T, seed uint64, random *rand.Rand, s *realtest.SSHD, content []byte, begin func() *overSFTP) {
	t.Helper()
	d := dumpOf(t, content)
	if err := os.Truncate(s.File(), 0); err != nil {
		t.Fatal(err)
	}
	c := begin()
	err := errors.New("not started")
	for range 20 {
		if err = put(t.Context(), c, d); err == nil {
			break
		}
		if !retry.IsTransient(err) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if random.IntN(2) == 0 {
			c = begin() // another process
		}
	}
	there, _ := os.ReadFile(s.File())
	if err != nil || !bytes.Equal(there, content) {
		t.Errorf("seed %d: %v; %d bytes there of %d, equal: %t", seed, err, len(there), len(content), bytes.Equal(there, content))
	}
}

// TestCutsFarBehindTheFirstByte is TestCuts with uploads that run less far ahead, so
// that what another process takes to be durable is more than nothing, and the more
// so where it may not read.
func TestCutsFarBehindTheFirstByte(t *testing.T) {
	realtest.Long(t)
	for name, mode := range map[string]os.FileMode{"readable": 0o666, "unreadable": 0o222} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := realtest.StartSSHD(t, "ed25519")
			if err := os.Chmod(s.File(), mode); err != nil {
				t.Fatal(err)
			}
			cutter := realtest.StartCutter(t, s.Address)
			resumed := 0
			for seed := range uint64(3) {
				random := rand.New(rand.NewPCG(seed, 8))
				content := noise(seed, 24<<20)
				cutter.Reset([]int64{random.Int64N(12 << 20), random.Int64N(6 << 20), random.Int64N(6 << 20)})
				cutUpload(t, seed, random, s, content, func() *overSFTP {
					c := another(t, s, cutter.Address)
					c.ahead, c.SameDump = 2<<20, true
					c.Tell = func(e event.Event) {
						if _, ok := e.(event.Resumed); ok {
							resumed++
						}
					}
					return c
				})
			}
			if resumed == 0 { // what was in the sockets' buffers is lost, on a busy machine much of it
				t.Error("it was never resumed")
			}
		})
	}
}

func cutDownload(t *testing.T, seed uint64, random *rand.Rand, s *realtest.SSHD, address string, content []byte) {
	t.Helper()
	if err := os.WriteFile(s.File(), content, 0o666); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	folder, err := workspace.Open("", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	c := another(t, s, address)
	c.Folder = folder
	var a workspace.File
	for range 20 {
		if a, _, err = c.fetch(t.Context(), upgrade.Status{Ticket: ticket}, upgrade.UpgradedDump, untoldOf); err == nil {
			break
		}
		if !retry.IsTransient(err) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if random.IntN(2) == 0 {
			c = another(t, s, address)
			c.Folder = folder
		}
	}
	here, _ := os.ReadFile(a.Path)
	if err != nil || !bytes.Equal(here, content) {
		t.Errorf("seed %d: %v; %d bytes here of %d", seed, err, len(here), len(content))
	}
}

// TestResume says what is sent when there is something at the platform already.
func TestResume(t *testing.T) {
	realtest.Long(t)
	s := realtest.StartSSHD(t, "ed25519")
	content := noise(1, 5<<20)
	d := dumpOf(t, content)
	wrong := bytes.Clone(content[:3<<20])
	wrong[2<<20+100] ^= 1 // in what only a comparison of all of it finds
	old := bytes.Clone(content[:3<<20])
	old[100] ^= 1
	hole := bytes.Clone(content[:4<<20])
	clear(hole[2<<20 : 3<<20])
	tests := map[string]struct {
		there []byte
		mode  os.FileMode
		ours  bool
		sent  int64 // bytes of the dump, about
		err   string
	}{
		"nothing":                        {nil, 0o666, false, 5 << 20, ""},
		"a part":                         {content[:3<<20], 0o666, false, 2 << 20, ""},
		"all":                            {content, 0o666, false, 0, ""},
		"a part with a hole":             {hole, 0o666, false, 3 << 20, ""},
		"something else":                 {noise(2, 3<<20), 0o666, false, 5 << 20, ""},
		"one wrong bit":                  {wrong, 0o666, false, 3<<20 - 100, ""},
		"one wrong bit in what is old":   {old, 0o666, false, 5 << 20, ""},
		"more than the dump":             {noise(1, 6<<20), 0o666, false, 0, "something else was uploaded"},
		"a part, unreadable":             {content[:3<<20], 0o222, true, 4 << 20, ""},
		"a part of whatever, unreadable": {content[:3<<20], 0o222, false, 5 << 20, ""},
		"rubbish, unreadable":            {noise(3, 3<<20), 0o222, false, 5 << 20, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cutter := realtest.StartCutter(t, s.Address)
			if err := errors.Join(os.WriteFile(s.File(), test.there, 0o666), os.Chmod(s.File(), test.mode)); err != nil {
				t.Fatal(err)
			}
			c := another(t, s, cutter.Address)
			c.ahead, c.SameDump = 2<<20, test.ours
			err := put(t.Context(), c, d)
			up, _, _ := cutter.Counts()
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || retry.IsTransient(err) || up > 50_000 {
					t.Errorf("%v, with %d bytes sent", err, up)
				}
				return
			}
			there, _ := os.ReadFile(s.File())
			if err != nil || !bytes.Equal(there, content) {
				t.Errorf("%v, %d bytes there", err, len(there))
			}
			if up < test.sent || up > test.sent+100_000 {
				t.Errorf("%d bytes were sent, want about %d", up, test.sent)
			}
		})
	}
}

// TestNothingOldIsTakenForNew finds that something else is at the platform, is cut
// while it sends all again, and continues as another process, which must not take
// what is behind the cut for its own.
func TestNothingOldIsTakenForNew(t *testing.T) {
	realtest.Long(t)
	s := realtest.StartSSHD(t, "ed25519")
	cutter := realtest.StartCutter(t, s.Address)
	content := noise(1, 16<<20)
	old := bytes.Clone(content)
	old[0] ^= 1 // in a block that is always compared
	clear(old[8<<20 : 9<<20])
	if err := os.WriteFile(s.File(), old, 0o666); err != nil {
		t.Fatal(err)
	}
	d := dumpOf(t, content)
	c := another(t, s, cutter.Address)
	c.ahead = 2 << 20
	if err := put(t.Context(), c, d); err == nil || !strings.Contains(err.Error(), "differs from the dump") {
		t.Fatal(err)
	}
	cutter.Reset([]int64{3 << 20})
	if err := put(t.Context(), c, d); !retry.IsTransient(err) || c.distrust {
		t.Fatalf("%v; another try would begin again: %t", err, c.distrust)
	}
	c = another(t, s, cutter.Address)
	c.ahead = 2 << 20
	err := put(t.Context(), c, d)
	if there, _ := os.ReadFile(s.File()); err != nil || !bytes.Equal(there, content) {
		t.Errorf("%v, %d bytes there, which are others", err, len(there))
	}
}

// TestDumpCutShortWhileItIsCompared is none of the platform's faults.
func TestDumpCutShortWhileItIsCompared(t *testing.T) {
	s := realtest.StartSSHD(t, "ed25519")
	content := noise(1, 3<<20)
	for name, there := range map[string][]byte{"its beginning": content, "something else": noise(2, 3<<20)} {
		if err := os.WriteFile(s.File(), there, 0o666); err != nil {
			t.Fatal(err)
		}
		d := dumpOf(t, content)
		c := another(t, s, s.Address)
		c.api = &shrinking{c.api, d.Path}
		err := put(t.Context(), c, d)
		if _, unusable := errors.AsType[*dump.UnusableError](err); !unusable {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := os.ReadFile(s.File()); !bytes.Equal(after, there) {
			t.Errorf("%s: the platform's file was changed", name)
		}
	}
}

// shrinking cuts a file short when access is asked for.
type shrinking struct {
	accesser
	path string
}

func (s *shrinking) requestSFTPAccess(ctx context.Context, t upgrade.Ticket, key []byte) (sftpAccess, error) {
	if err := os.Truncate(s.path, 1<<20); err != nil {
		return sftpAccess{}, err
	}
	return s.accesser.requestSFTPAccess(ctx, t, key)
}

// TestDownloadOfAFileThatChanges has a file that grows, or is replaced, while it is
// downloaded.
func TestDownloadOfAFileThatChanges(t *testing.T) {
	realtest.Long(t)
	s := realtest.StartSSHD(t, "ed25519")
	old, replacement := noise(1, 24<<20), noise(2, 24<<20)
	for name, change := range map[string]func() error{
		"it grows": func() error {
			file, err := os.OpenFile(s.File(), os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = file.WriteAt(old, 0)
			return errors.Join(err, file.Close())
		},
		"it is replaced": func() error {
			return errors.Join(os.WriteFile(s.File()+".new", replacement, 0o666), os.Rename(s.File()+".new", s.File()))
		},
	} {
		begin := old
		if name == "it grows" {
			begin = old[:5<<20]
		}
		past := time.Now().Add(-time.Hour)
		if err := errors.Join(os.WriteFile(s.File(), begin, 0o666), os.Chtimes(s.File(), past, past)); err != nil {
			t.Fatal(err)
		}
		c := another(t, s, s.Address)
		folder, err := workspace.Open("", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close()
		c.Folder = folder
		changed := false
		f, _, err := c.fetch(t.Context(), upgrade.Status{Ticket: ticket}, upgrade.UpgradedDump, func(int64, int64) {
			if !changed {
				changed = true
				if err := change(); err != nil {
					t.Error(err)
				}
			}
		})
		if !retry.IsTransient(err) || !strings.Contains(err.Error(), "changed while it was downloaded") {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
		now, _ := os.ReadFile(s.File())
		if f, _, err = c.fetch(t.Context(), upgrade.Status{Ticket: ticket}, upgrade.UpgradedDump, untoldOf); err != nil || f.SHA256 != sum(now) {
			t.Errorf("%s, again: %+v, %v", name, f, err)
		}
	}
}

// TestReadBack compares all of a file with what the platform has: blocks of it would find
// one wrong byte now and then.
func TestReadBack(t *testing.T) {
	realtest.Long(t)
	s := realtest.StartSSHD(t, "ed25519")
	content := noise(1, 24<<20)
	if err := os.WriteFile(s.File(), content, 0o666); err != nil {
		t.Fatal(err)
	}
	pool, _, err := another(t, s, s.Address).open(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	there, _, err := pool.Open("shared.dump", os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{-1, 7 << 20, firstStep, firstStep - 1, int64(len(content)) - sampleSize - 1} {
		own := bytes.Clone(content)
		if at >= 0 {
			own[at] ^= 1
		}
		for _, differed := range []bool{false, true} {
			var last event.ReadBack
			c := &overSFTP{differed: differed, Config: platform.Config{Tell: func(e event.Event) { last = e.(event.ReadBack) }}}
			got, err := c.readBack(pool, there, bytes.NewReader(own), int64(len(own)))
			sampled := at >= 0 && got <= at && got > at-sampleSize // a block may have found it before
			if err != nil || got != at && !sampled || at < 0 && (last.Bytes != last.Total || !last.Over) {
				t.Errorf("changed at %d: %d, %v, %+v", at, got, err, last)
			}
		}
	}
}

// TestServerThatRefusesToRead opens the file for reading, too, and reads nothing.
func TestServerThatRefusesToRead(t *testing.T) {
	s := realtest.StartSSHD(t, "ed25519", "ForceCommand internal-sftp -d / -P read")
	content := noise(1, 3<<20)
	if err := os.WriteFile(s.File(), content[:2<<20], 0o666); err != nil {
		t.Fatal(err)
	}
	err := put(t.Context(), another(t, s, s.Address), dumpOf(t, content))
	there, _ := os.ReadFile(s.File())
	if err != nil || !bytes.Equal(there, content) {
		t.Errorf("%v, %d bytes there", err, len(there))
	}
}

// TestUploadIsClosed reads OpenSSH's own log of a session: what was not closed when
// it ended, it closes by force, and other servers take that for a transfer that
// failed.
func TestUploadIsClosed(t *testing.T) {
	s := realtest.StartSSHD(t, "ed25519", "ForceCommand internal-sftp -d / -l INFO")
	if err := os.Mkdir(filepath.Join(s.Folder, "dev"), 0o755); err != nil {
		t.Fatal(err)
	}
	log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(s.Folder, "dev", "log"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := os.Chmod(log.LocalAddr().String(), 0o666); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 1)
	go func() { told <- readSessions(log, 1<<20) }() // sshd blocks once the socket's queue is full
	c := another(t, s, s.Address)
	c.Transfer.Streams = 1
	if err := put(t.Context(), c, dumpOf(t, noise(1, 1<<20))); err != nil {
		t.Fatal(err)
	}
	if text := <-told; strings.Contains(text, "forced close") || strings.Contains(text, "timeout") {
		t.Error(text)
	}
}

var writtenShape = regexp.MustCompile(`written (\d+)`)

// readSessions reads OpenSSH's log until so many bytes were written, and every session
// that was opened is closed. On a busy machine there are several: the handshake looks like
// high latency.
func readSessions(log net.Conn, bytes int) string {
	_ = log.SetReadDeadline(time.Now().Add(time.Minute))
	var all strings.Builder
	for b := make([]byte, 1000); ; {
		n, err := log.Read(b)
		if err != nil {
			return all.String() + err.Error()
		}
		all.Write(append(b[:n], '\n'))
		written := 0
		for _, found := range writtenShape.FindAllStringSubmatch(all.String(), -1) {
			n, _ := strconv.Atoi(found[1])
			written += n
		}
		if opened := strings.Count(all.String(), "session opened"); written == bytes && opened == strings.Count(all.String(), "session closed") {
			return all.String()
		}
	}
}

func TestChangedDumpIsNotSent(t *testing.T) {
	s := realtest.StartSSHD(t, "ed25519")
	d := dumpOf(t, noise(1, 1<<20))
	if err := os.WriteFile(d.Path, noise(2, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	err := put(t.Context(), another(t, s, s.Address), d)
	if _, unusable := errors.AsType[*dump.UnusableError](err); !unusable {
		t.Errorf("%v", err)
	}
	if there, _ := os.ReadFile(s.File()); len(there) > 0 {
		t.Errorf("%d bytes were sent", len(there))
	}
}

func TestHostKeys(t *testing.T) {
	realtest.Long(t)
	s := realtest.StartSSHD(t, "ecdsa")
	other := realtest.StartSSHD(t, "ed25519")
	d := dumpOf(t, noise(1, 1000))
	tests := map[string]struct {
		known, trusted string
		err            string
	}{
		"pinned":              {s.KnownHosts(s.Address), "", ""},
		"another key":         {strings.Replace(s.KnownHosts(s.Address), s.HostKey, other.HostKey, 1), "", "is not the one that was given for this address"},
		"another host":        {other.KnownHosts(other.Address), "", "none of the lines that were given is for this address"},
		"at first sight":      {"", "", ""},
		"met before":          {"", s.HostKey, ""},
		"met another before":  {"", other.HostKey, "this request met before"},
		"pins go before that": {s.KnownHosts(s.Address), other.HostKey, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := os.Truncate(s.File(), 0); err != nil {
				t.Fatal(err)
			}
			c := another(t, s, s.Address)
			var err error
			if c.keys, err = dial.NewHostKeys(test.known, test.trusted); err != nil {
				t.Fatal(err)
			}
			var learned []event.HostKeyLearned
			c.Tell = func(e event.Event) {
				if l, ok := e.(event.HostKeyLearned); ok {
					learned = append(learned, l)
				}
			}
			var keeps kept
			c.Keeper = &keeps
			err = put(t.Context(), c, d)
			there, _ := os.ReadFile(s.File())
			if test.err == "" {
				if err != nil || len(there) != 1000 {
					t.Errorf("%v, %d bytes", err, len(there))
				}
				first := test.known == "" && test.trusted == ""
				if (len(learned) == 1) != first || first && (len(keeps) != 1 || keeps[0].HostKey != s.HostKeyOnly() || !strings.Contains(learned[0].KnownHosts, keeps[0].HostKey) || !strings.HasPrefix(learned[0].Fingerprint, "SHA256:")) {
					t.Errorf("learned %+v", learned)
				}
				return
			}
			wrong, ok := errors.AsType[*dial.HostKeyError](err)
			if !ok || !strings.Contains(wrong.Error(), test.err) || len(there) > 0 || retry.IsTransient(err) {
				t.Errorf("%v, %d bytes", err, len(there))
			}
		})
	}
	if _, err := dial.NewHostKeys("rubbish", ""); err == nil {
		t.Error("rubbish was taken for known_hosts")
	}
}

func TestPortThatOpensLater(t *testing.T) {
	realtest.Long(t)
	s := realtest.StartSSHD(t, "ed25519")
	c := another(t, s, s.Address)
	direct, told := c.Dial, 0
	var tries atomic.Int32 // connections are made at once
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if tries.Add(1) <= 2 {
			return direct(ctx, network, "127.0.0.1:1") // nothing listens there
		}
		return direct(ctx, network, address)
	}
	c.Tell = func(e event.Event) {
		switch e.(type) {
		case event.Retrying, event.HostKeyLearned:
			told++
		}
	}
	if err := put(t.Context(), c, dumpOf(t, noise(1, 1000))); err != nil || told != 2 {
		t.Errorf("%v, told %d times", err, told)
	}
}

func TestCancelling(t *testing.T) {
	realtest.Long(t)
	s := realtest.StartSSHD(t, "ed25519")
	line := realtest.DelayLine(t, s.Address, 200*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stopped := false
	_, err := another(t, s, line.Address).upload(ctx, ticket, dumpOf(t, noise(1, 64<<20)), func(sent int64) {
		if sent > 0 {
			stopped = true
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || !stopped { // a transfer to its end has no error
		t.Errorf("%v, stopped: %t", err, stopped)
	}
}

func TestUpgradedAmong(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  string
	}{
		{[]string{".", "..", "upgraded_db.zip"}, "upgraded_db.zip"},
		{[]string{"db.zip"}, ""},
		{[]string{"upgraded_a", "upgraded_b"}, ""},
	} {
		got, err := upgradedAmong(test.names)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%v: %q, %v", test.names, got, err)
		}
	}
}

// TestServersThatBearOneSession is cautious after an error of the server's own.
func TestServersThatBearOneSession(t *testing.T) {
	c := &overSFTP{Config: platform.Config{Transfer: dial.TransferSettings{Streams: 4}}}
	c.keys, _ = dial.NewHostKeys("", "")
	c.key, _ = dial.NewKey()
	c.learn(nil)
	c.learn(retry.Transient(errors.New("connection reset")))
	if config := c.config("a:1", "u"); config.Connections != 4 || config.Channels != 0 {
		t.Errorf("after a reset: %d connections, %d channels", config.Connections, config.Channels)
	}
	c.learn(retry.Transient(&sftp.StatusError{Code: 4, Message: "Invalid handle"}))
	if config := c.config("a:1", "u"); config.Connections != 1 || config.Channels != 1 {
		t.Errorf("after an error of the server: %d connections, %d channels", config.Connections, config.Channels)
	}
}
