//go:build unix

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"odoo-upgrade-action/internal/realtest"
)

// The tests here run the built program against the real ones: curl and jq, a
// PostgreSQL cluster, OpenSSH's sftp.

// binary builds the program once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "odoo-upgrade-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "odoo-upgrade")
	if text, err := exec.Command("go", "build", "-o", path, "../..").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, text)
	}
	return path, nil
})

func built(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// sandboxProcess runs the command sandbox until the test's end and returns its
// two addresses.
func sandboxProcess(t *testing.T, flags ...string) (url, sftp string) {
	t.Helper()
	url, sftp, stop := sandboxOn(t, t.TempDir(), "127.0.0.1:0", flags...)
	t.Cleanup(stop)
	return url, sftp
}

// sandboxOn runs the command sandbox, on what there is in a folder, until it is
// stopped.
func sandboxOn(t *testing.T, data, listen string, flags ...string) (url, sftp string, stop func()) {
	t.Helper()
	command := exec.Command(built(t), append([]string{"sandbox", "--listen", listen, "--sftp-listen", "127.0.0.1:0", "--data", data}, flags...)...)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("the sandbox did not end cleanly: %v", err)
		}
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var ready struct{ URL, SFTP string }
	if err := json.Unmarshal(line, &ready); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return ready.URL, ready.SFTP, stop
}

// step prepares the program to run as a step in dir, with inputs that would
// work but for those given.
func step(t *testing.T, dir, url string, inputs map[string]string) *exec.Cmd {
	t.Helper()
	command := exec.Command(built(t))
	command.Dir = dir
	command.Env = []string{
		"GITHUB_ACTIONS=true", "GITHUB_WORKSPACE=" + dir, "GITHUB_OUTPUT=" + filepath.Join(dir, "outputs"),
		"GITHUB_STEP_SUMMARY=" + filepath.Join(dir, "summary"), "TMPDIR=" + dir,
	}
	all := map[string]string{
		"contract": "M123456-abcdef", "email": "john.doe@example.com", "target": "17.0", "dump": "db.dump",
		"server-url": url, "poll-interval": "100ms",
	}
	for name, value := range inputs {
		all[name] = value
	}
	for name, value := range all {
		command.Env = append(command.Env, "INPUT_"+strings.ToUpper(name)+"="+value)
	}
	return command
}

// randomFile writes a backup of n bytes, and some more, that no transfer can compress.
func randomFile(t *testing.T, path string, n int64) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	noise := rand.NewChaCha8([32]byte{1})
	if err := errors.Join(realtest.Backup(file, io.LimitReader(noise, n)), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestSpecificationsOwnSamples(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	realtest.Need(t, "bash", "curl", "jq", "ssh-keygen")
	url, _ := sandboxProcess(t, "--pace", "100ms", "--contract", "M123456-abcdef")
	dir := t.TempDir()
	dump := filepath.Join(dir, "openchs.70.cdump")
	randomFile(t, dump, 3<<20+17)
	key := newKey(t, dir)
	script, err := filepath.Abs("testdata/specification.sh")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("bash", script, url, dump, key+".pub")
	command.Dir = dir
	text, err := command.CombinedOutput()
	if err != nil || !bytes.HasSuffix(text, []byte("byte for byte\n")) {
		t.Errorf("%v\n%s", err, text)
	}
}

// newKey makes an SSH key as a user would and returns its path.
func newKey(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "id_ed25519")
	if text, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, text)
	}
	return path
}

const odooLike = `
CREATE TABLE ir_module_module (id serial PRIMARY KEY, name varchar UNIQUE NOT NULL, state varchar(16), latest_version varchar);
INSERT INTO ir_module_module (name, state, latest_version) SELECT 'module_' || n, 'installed', '16.0.1.' || n FROM generate_series(1, 2000) n;
INSERT INTO ir_module_module (name, state, latest_version) VALUES ('base', 'installed', '16.0.1.3');
CREATE TABLE res_partner (id serial PRIMARY KEY, name varchar, image bytea, comment text);
INSERT INTO res_partner (name, image, comment) SELECT 'Kunde ' || n, decode(md5(n::text), 'hex'), E'tab\tline\n\\.\nback\\slash ünïcödé' FROM generate_series(1, 50000) n;
INSERT INTO res_partner (name) VALUES (NULL);
CREATE TABLE empty_one (id serial PRIMARY KEY, partner_id integer REFERENCES res_partner(id));`

func TestRealPostgreSQLThereAndBack(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	c.Run("createdb", "source")
	c.SQL("source", odooLike)
	want := c.Content("source")
	if !strings.Contains(want, "ir_module_module 2001|") || !strings.Contains(want, "res_partner 50001|") || !strings.Contains(want, "empty_one 0|") {
		t.Fatalf("the source: %s", want)
	}
	c.Run("pg_dump", "-Fc", "-f", c.Dir+"/db.dump", "source")
	url, _ := sandboxProcess(t, "--pace", "50ms")
	work := t.TempDir()
	if err := os.Rename(c.Dir+"/db.dump", work+"/db.dump"); err != nil {
		t.Fatal(err)
	}
	text, err := step(t, work, url, map[string]string{"download": "upgraded-dump,upgraded-sql"}).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	give(t, c, work+"/odoo-upgrade/upgraded-dump.dump", c.Dir+"/back.dump")
	c.Run("createdb", "restored")
	c.Run("pg_restore", "--exit-on-error", "-d", "restored", c.Dir+"/back.dump")
	if got := c.Content("restored"); got != want {
		t.Errorf("restored:\n%s\nwant:\n%s", got, want)
	}
	give(t, c, work+"/odoo-upgrade/upgraded-sql.sql", c.Dir+"/back.sql")
	c.Run("createdb", "replayed")
	c.Run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "replayed", "-f", c.Dir+"/back.sql")
	if got := c.Content("replayed"); got != want {
		t.Errorf("replayed from SQL:\n%s\nwant:\n%s", got, want)
	}
}

// TestTarIsNotForJSONRPC: what the dump was checked for is not what the platform has.
func TestTarIsNotForJSONRPC(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	c.Run("createdb", "source")
	c.SQL("source", odooLike)
	c.Run("pg_dump", "-Ft", "-f", c.Dir+"/db.tar", "source")
	url, _ := sandboxProcess(t, "--pace", "50ms", "--protocol", "json-rpc")
	work := t.TempDir()
	give(t, c, c.Dir+"/db.tar", work+"/db.dump")
	for preflight, want := range map[string]bool{"strict": false, "warn": true} {
		text, err := step(t, work, url, map[string]string{"preflight": preflight, "download": "none"}).CombinedOutput()
		if (err == nil) != want || !strings.Contains(string(text), "is a dump of the kind tar, and this platform takes only custom, ") {
			t.Errorf("%s: %v\n%s", preflight, err, text)
		}
		if created := regexp.MustCompile(`Request \d+ created`).Match(text); created != want {
			t.Errorf("%s: a request was created: %t\n%s", preflight, created, text)
		}
	}
}

// give copies a file to where the cluster's user can read it.
func give(t *testing.T, c *realtest.Cluster, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestMemoryStaysFlat takes a large dump through the whole cycle. Its size, in
// MiB, can be set: .ci/run does it with 2 GiB.
func TestMemoryStaysFlat(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	size := int64(128)
	if text := os.Getenv("ODOO_UPGRADE_TEST_DUMP_MIB"); text != "" {
		var err error
		if size, err = strconv.ParseInt(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	realtest.Need(t, "time")
	server, sftp := sandboxProcess(t, "--pace", "10ms")
	for name, test := range map[string]struct {
		url, input, value string
		most              int64 // KiB
	}{
		"https":              {server, "transport", "https", 64 << 10},
		"sftp":               {server, "transport", "sftp", 96 << 10},
		"sftp, high latency": {farOff(t, server, sftp), "transport", "sftp", 96 << 10}, // more connections, more in flight
		"json-rpc":           {server, "protocol", "json-rpc", 56 << 10},               // of which sealing the handle takes 32
	} {
		t.Run(name, func(t *testing.T) {
			work := t.TempDir()
			randomFile(t, work+"/db.dump", size<<20)
			command := step(t, work, test.url, map[string]string{"preflight": "off", test.input: test.value}) // it is as large as a dump, no more
			// Not the process's own accounting, which begins with a copy of this one.
			command.Args = append([]string{"time", "-f", "%M", "-o", work + "/peak"}, command.Path)
			command.Path, _ = exec.LookPath("time")
			if text, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			measured, _ := os.ReadFile(work + "/peak")
			peak, err := strconv.ParseInt(strings.TrimSpace(string(measured)), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d MiB there and back with a peak of %d MiB", size, peak>>10)
			if peak > test.most {
				t.Errorf("peak memory %d MiB with a dump of %d MiB, want less than %d", peak>>10, size, test.most>>10)
			}
			if diff, err := exec.Command("cmp", work+"/db.dump", work+"/odoo-upgrade/upgraded-dump.zip").CombinedOutput(); err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// farOff is a platform whose SFTP server has a round trip of 50 ms.
func farOff(t *testing.T, server, sftp string) string {
	t.Helper()
	line := realtest.DelayLine(t, sftp, 50*time.Millisecond)
	_, near, _ := net.SplitHostPort(sftp)
	_, far, _ := net.SplitHostPort(line.Address)
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	platform := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if !strings.HasSuffix(r.Request.URL.Path, "/request_sftp_access") {
				return nil
			}
			text, err := io.ReadAll(r.Body)
			text = bytes.ReplaceAll(text, []byte(near), []byte(far))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			r.Header.Set("Content-Length", strconv.Itoa(len(text)))
			return err
		},
	})
	t.Cleanup(platform.Close)
	return platform.URL
}

func TestHealth(t *testing.T) {
	server, _ := sandboxProcess(t)
	listen := strings.TrimPrefix(server, "http://")
	_, port, _ := net.SplitHostPort(listen)
	for name, test := range map[string]struct {
		listen      string
		environment []string
		healthy     bool
	}{
		"a sandbox":             {listen, nil, true},
		"that listens anywhere": {"0.0.0.0:" + port, nil, true},
		"nobody":                {"127.0.0.1:1", nil, false},
		"another command":       {"127.0.0.1:1", []string{"ODOO_UPGRADE_COMMAND=run"}, true},
		"a step":                {"127.0.0.1:1", []string{"GITHUB_ACTIONS=true"}, true},
	} {
		var text []byte
		var err error
		for range 30 { // each gives the sandbox two seconds, which a busy machine may not
			command := exec.Command(built(t), "health", "--listen", test.listen)
			command.Env = append([]string{"PATH="}, test.environment...)
			if text, err = command.CombinedOutput(); err == nil || !test.healthy {
				break
			}
		}
		if (err == nil) != test.healthy {
			t.Errorf("%s: %v %s", name, err, text)
		}
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	url, _ := sandboxProcess(t, "--pace", "1h")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		work := t.TempDir()
		randomFile(t, work+"/db.dump", 1000)
		command := step(t, work, url, map[string]string{"preflight": "off"})
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		sent := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			if strings.HasPrefix(lines.Text(), "Waiting for the upgrade") {
				sent = true
				_ = command.Process.Signal(signal)
			}
		}
		err = command.Wait()
		if code := command.ProcessState.ExitCode(); code != 130 || !sent { // unstopped, it would wait for an hour
			t.Errorf("%v: exit status %d (%v), sent: %t\n%s", signal, code, err, sent, &log)
		}
		set, _ := realtest.Outputs(work + "/outputs")
		if set["result"] != "interrupted" || set["request-id"] == "" || !strings.Contains(log.String(), "::error title=Interrupted::") {
			t.Errorf("%v: outputs %v\n%s", signal, set, &log)
		}
		if summary, _ := os.ReadFile(work + "/summary"); !bytes.Contains(summary, []byte("Interrupted")) {
			t.Errorf("%v: summary %s", signal, summary)
		}
	}
}
