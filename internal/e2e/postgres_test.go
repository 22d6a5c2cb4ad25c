//go:build unix

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/sandbox"
)

// killable is the command sandbox as a process that can be killed and started again.
type killable struct {
	t         *testing.T
	data      string
	url, sftp string
	flags     []string
	command   *exec.Cmd
	log       string // path
}

// startPlatform starts a sandbox on ports of its own. It is killed when the test ends.
func startPlatform(t *testing.T, flags ...string) *killable {
	t.Helper()
	dir := t.TempDir()
	p := &killable{t: t, data: filepath.Join(dir, "data"), url: "http://" + realtest.Address(t), sftp: realtest.Address(t), flags: flags, log: filepath.Join(dir, "log")}
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (p *killable) start() {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	args := []string{"sandbox", "--listen", strings.TrimPrefix(p.url, "http://"), "--sftp-listen", p.sftp, "--data", p.data}
	p.command = exec.Command(built(p.t), append(args, p.flags...)...)
	p.command.Stderr = log
	out, err := p.command.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		text, _ := os.ReadFile(p.log)
		p.t.Fatalf("%v\n%s", err, text)
	}
	var ready struct{ URL, SFTP string }
	if err := json.Unmarshal(line, &ready); err != nil {
		p.t.Fatal(err)
	}
	p.url, p.sftp = ready.URL, ready.SFTP
}

// kill kills the sandbox as kill -9 does.
func (p *killable) kill() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// inFile returns whether a file of the only request has a text.
func (p *killable) inFile(name, text string) func() bool {
	return func() bool {
		found, _ := filepath.Glob(filepath.Join(p.data, "requests/*", name))
		if len(found) != 1 {
			return false
		}
		content, err := os.ReadFile(found[0])
		return err == nil && bytes.Contains(content, []byte(text))
	}
}

// sixteenToSeventeenSQL is what the upgrades of these tests run.
const sixteenToSeventeenSQL = `UPDATE ir_module_module SET latest_version = '17.0' || substr(latest_version, 5) WHERE state = 'installed';
INSERT INTO ir_module_module (id, name, author, state, latest_version) VALUES (99, 'analytic', 'Odoo S.A.', 'installed', '17.0.1.0');
DELETE FROM ir_module_module WHERE name = 'mail';
INSERT INTO ir_config_parameter (id, key, value) VALUES (99, 'database.is_neutralized', 'true');
UPDATE res_partner SET name = name || ' (upgraded)';
SELECT pg_sleep(0.3);
`

// postgresFlags are the flags of a sandbox that upgrades in a cluster.
func postgresFlags(t *testing.T, c *realtest.Cluster) []string {
	t.Helper()
	sql := filepath.Join(t.TempDir(), "10.sql")
	if err := os.WriteFile(sql, []byte(sixteenToSeventeenSQL), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--engine", "postgres", "--database-url", c.URL(), "--sql", sql}
}

// startUpgrades starts a cluster for upgrades, and checks that they leave nothing in it.
func startUpgrades(t *testing.T) *realtest.Cluster {
	t.Helper()
	c := realtest.StartCluster(t)
	t.Cleanup(func() {
		if left := c.SQL("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'odoo_upgrade_%' UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'odoo_upgrade_%'"); left != "" {
			t.Errorf("left in PostgreSQL: %s", left)
		}
	})
	return c
}

// checkUpgraded checks what a run has brought: the database by restoring it, and what the
// step says of it.
func checkUpgraded(t *testing.T, c *realtest.Cluster, work string) {
	t.Helper()
	set, err := realtest.Outputs(work + "/outputs")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"result": "success", "upgraded-odoo-version": "17.0", "modules-added": "1", "modules-removed": "1", "modules-updated": "5", "rows-lost": "0", "ledger": "equal", "stock": "equal",
	} {
		if set[name] != want {
			t.Errorf("output %s: %q, want %q", name, set[name], want)
		}
	}
	summary, _ := os.ReadFile(work + "/summary")
	for _, want := range []string{"| Check | passed |", "| <code>base</code> | 16.0.1.3 | 17.0.1.3 | updated |", "| <code>analytic</code> |  | 17.0.1.0 | added |", "| <code>mail</code> | 16.0.1.10 |  | removed |"} {
		if !strings.Contains(string(summary), want) {
			t.Errorf("the summary has no %s:\n%s", want, summary)
		}
	}
	name := "restored_" + strconv.FormatUint(rand.Uint64(), 36)
	c.SQL("postgres", "CREATE DATABASE "+name)
	path := filepath.Join(c.Dir, name)
	if text, err := exec.Command("sh", "-ec", `unzip -p "$1" dump.sql >"$2"; chmod a+r "$2"`, "sh", filepath.Join(work, set["upgraded-dump-path"]), path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	c.Restore(name, path, "sql")
	if got := c.SQL(name, "SELECT count(*), count(*) FILTER (WHERE name LIKE '% (upgraded)') FROM res_partner"); got != "40|40\n" {
		t.Errorf("partners, and those that the SQL changed: %s", got)
	}
}

// sampleIn writes the sample dump to a folder.
func sampleIn(t *testing.T) string {
	t.Helper()
	work := t.TempDir()
	if err := sandbox.WriteSample(filepath.Join(work, "db.zip")); err != nil {
		t.Fatal(err)
	}
	return work
}

// TestUpgradeByPostgres goes the whole way over both protocols, and again with the sandbox
// killed, as by kill -9, in each state, and started again.
func TestUpgradeByPostgres(t *testing.T) {
	realtest.Long(t)
	realtest.Need(t, "unzip")
	t.Parallel()
	c := startUpgrades(t)
	for _, protocol := range []string{"v1", "json-rpc"} {
		for _, state := range []struct {
			name string
			at   func(*killable) func() bool
			hold []string // flags that keep it there until it is killed
		}{
			{"not at all", nil, nil},
			{"draft", func(p *killable) func() bool { return p.inFile("request.json", `"draft"`) }, []string{"--fault", "upload=hang", "--fault", "transfer-start=hang"}},
			{"pending", func(p *killable) func() bool { return p.inFile("request.json", `"pending"`) }, []string{"--pace", "1h"}},
			{"restoring", func(p *killable) func() bool { return p.inFile("upgrade.log", "Restoring the dump") }, nil},
			{"running SQL", func(p *killable) func() bool { return p.inFile("upgrade.log", "Running 10.sql") }, nil},
			{"dumping", func(p *killable) func() bool { return p.inFile("upgrade.log", "Dumping the database") }, nil},
			{"done", func(p *killable) func() bool { return p.inFile("request.json", `"done"`) }, nil},
		} {
			if protocol == "json-rpc" && !realtest.Whole() && state.name != "not at all" && state.name != "running SQL" {
				continue // the sandbox, which is killed, works on both protocols' requests in the same way
			}
			t.Run(protocol+"/"+state.name, func(t *testing.T) {
				t.Parallel()
				flags := append(postgresFlags(t, c), "--pace", "200ms")
				p := startPlatform(t, slices.Concat(flags, state.hold)...)
				work := sampleIn(t)
				command := step(t, work, p.url, map[string]string{"protocol": protocol, "dump": "db.zip", "timeout": "2m"})
				var log bytes.Buffer
				command.Stdout, command.Stderr = &log, &log
				if err := command.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- command.Wait() }()
				if state.at != nil {
					soon(t, state.at(p))
					_ = command.Process.Signal(syscall.SIGSTOP) // it tries again a few times only
					p.kill()
					p.flags = flags
					p.start()
					_ = command.Process.Signal(syscall.SIGCONT)
				}
				if err := <-ended; err != nil {
					t.Fatalf("%v\n%s", err, &log)
				}
				checkUpgraded(t, c, work)
			})
		}
	}
}

// soon waits until something is so.
func soon(t *testing.T, so func() bool) {
	t.Helper()
	for range 60_000 {
		if so() {
			return
		}
		time.Sleep(5 * time.Millisecond) // what another process does can only be polled
	}
	t.Fatal("it did not come so far")
}

// TestManyAtOnce has many runs with dumps of 10 MB each, over both protocols, upgraded by
// a program: none is lost, none is mixed up with another, and the sandbox's memory
// stays small. ODOO_UPGRADE_TEST_RUNS sets how many.
func TestManyAtOnce(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	const maxMemory = 200 << 10 // KiB
	runs := 12
	if text := os.Getenv("ODOO_UPGRADE_TEST_RUNS"); text != "" {
		runs, _ = strconv.Atoi(text)
	}
	p := startPlatform(t, "--pace", "0", "--workers", "4", "--engine", "command", "--", "sh", "-c", `cat "$UPGRADE_ORIGINAL" >"$UPGRADE_RESULT"; echo "request $UPGRADE_REQUEST"`)
	ownLine := regexp.MustCompile(`(?m) request (\d+)$`)
	var all sync.WaitGroup
	ids := make([]string, runs)
	for i := range runs {
		all.Go(func() {
			work := t.TempDir()
			noise := rand.NewChaCha8([32]byte{byte(i)})
			var dump bytes.Buffer
			if err := realtest.Backup(&dump, io.LimitReader(noise, 10_000_000)); err != nil {
				t.Error(err)
				return
			}
			if err := os.WriteFile(work+"/db.zip", dump.Bytes(), 0o600); err != nil {
				t.Error(err)
				return
			}
			inputs := map[string]string{"dump": "db.zip", "protocol": "v1", "transport": []string{"https", "sftp"}[i/2%2], "preflight": "off", "check": "off", "poll-interval": "2s"}
			if i%2 == 1 {
				inputs["protocol"], inputs["transport"] = "json-rpc", ""
			}
			if text, err := step(t, work, p.url, inputs).CombinedOutput(); err != nil {
				t.Errorf("run %d: %v\n%s", i, err, text)
				return
			}
			set, _ := realtest.Outputs(work + "/outputs")
			ids[i] = set["request-id"]
			back, err := os.ReadFile(filepath.Join(work, set["upgraded-dump-path"]))
			if err != nil || !bytes.Equal(back, dump.Bytes()) {
				t.Errorf("run %d: %d bytes came back, other than the %d sent (%v)", i, len(back), dump.Len(), err)
			}
			log, err := os.ReadFile(filepath.Join(p.data, "requests", ids[i], "upgrade.log"))
			if found := ownLine.FindAllStringSubmatch(string(log), -1); err != nil || len(found) != 1 || found[0][1] != ids[i] {
				t.Errorf("run %d: request %s has the log\n%s", i, ids[i], log)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for i, id := range ids {
		if id == "" || seen[id] {
			t.Errorf("run %d got request %q", i, id)
		}
		seen[id] = true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		t.Skip("peak memory is known on Linux alone")
	}
	peak, _ := strconv.Atoi(string(regexp.MustCompile(`VmHWM:\s+(\d+)`).FindSubmatch(status)[1]))
	t.Logf("peak memory of the sandbox: %d MiB", peak>>10)
	if peak > maxMemory {
		t.Errorf("the sandbox took %d MiB", peak>>10)
	}
}

// TestSlowClients has a hundred clients that send half of something and wait. A run beside
// them is not kept from its end.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	p := startPlatform(t, "--pace", "0")
	for i := range 100 {
		address := strings.TrimPrefix(p.url, "http://")
		text := "POST /database/v1/create HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
		switch i % 3 {
		case 1:
			text = "GET / HTTP/1.1\r\nHo"
		case 2:
			address, text = p.sftp, "SSH-2.0-slow\r\n"
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	for _, protocol := range []string{"v1", "json-rpc"} {
		if text, err := step(t, sampleIn(t), p.url, map[string]string{"protocol": protocol, "dump": "db.zip"}).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", protocol, err, text)
		}
	}
}

// TestDumpOverTheLimit is refused by each way to upload, with a reason.
func TestDumpOverTheLimit(t *testing.T) {
	t.Parallel()
	realtest.Long(t) // SFTP tries again, for any failure may pass
	p := startPlatform(t, "--pace", "0", "--max-upload", "1MB")
	for name, inputs := range map[string]map[string]string{
		"https": {"protocol": "v1", "transport": "https"}, "sftp": {"protocol": "v1", "transport": "sftp"}, "rsync": {"protocol": "json-rpc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work, began := t.TempDir(), time.Now()
			randomFile(t, work+"/db.dump", 3<<20)
			text, err := step(t, work, p.url, inputs).CombinedOutput()
			if err == nil || !regexp.MustCompile(`::error.*(the dump is larger than this sandbox takes|The dump is larger than 976.56 Kb, the limit of this sandbox)`).Match(text) {
				t.Errorf("%v\n%s", err, text)
			}
			t.Logf("refused after %s", time.Since(began))
		})
	}
}

// TestBehindNginx has nginx end TLS in front of a sandbox.
func TestBehindNginx(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	realtest.Need(t, "nginx", "openssl")
	dir := t.TempDir()
	if text, err := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
		"-keyout", dir+"/key.pem", "-out", dir+"/cert.pem").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	certificate, err := os.ReadFile(dir + "/cert.pem")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		flags []string
		want  string // in the log, of a run that fails
	}{
		"with --trusted-proxy": {[]string{"--trusted-proxy", "127.0.0.1"}, ""},
		"with --public-url":    {[]string{"--public-url", "https://localhost:PORT"}, ""},
		"without":              {nil, "http"},
	} {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			flags := []string{"--pace", "0"}
			for _, flag := range c.flags {
				flags = append(flags, strings.ReplaceAll(flag, "PORT", port))
			}
			p := startPlatform(t, flags...)
			url := nginx(t, dir, port, p.url)
			for _, protocol := range []string{"v1", "json-rpc"} {
				work := sampleIn(t)
				text, err := step(t, work, url, map[string]string{"protocol": protocol, "dump": "db.zip", "ca-certificate": string(certificate), "download": "upgraded-dump"}).CombinedOutput()
				if c.want == "" && err != nil {
					t.Errorf("%s: %v\n%s", protocol, err, text)
				}
				if c.want != "" && protocol == "v1" && (err == nil || !strings.Contains(string(text), c.want)) {
					t.Errorf("%s: %v, want %s\n%s", protocol, err, c.want, text)
				}
				if set, _ := realtest.Outputs(work + "/outputs"); c.want == "" && protocol == "v1" && !strings.HasPrefix(set["status-url"], url) {
					t.Errorf("status-url %s", set["status-url"])
				}
			}
		})
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// nginx serves https in front of a server, until the test ends, and returns its address.
func nginx(t *testing.T, dir, port, target string) string {
	t.Helper()
	folder, err := os.MkdirTemp(dir, "nginx-")
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log stderr; events {}
http {
  access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server {
    listen 127.0.0.1:%[2]s ssl;
    ssl_certificate %[3]s/cert.pem; ssl_certificate_key %[3]s/key.pem;
    client_max_body_size 0;
    location / {
      proxy_pass %[4]s;
      proxy_request_buffering off;
      proxy_http_version 1.1;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`, folder, port, dir, target)
	if err := os.WriteFile(folder+"/nginx.conf", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("nginx", "-e", "stderr", "-c", folder+"/nginx.conf", "-p", folder)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
	})
	soon(t, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return "https://localhost:" + port
}
