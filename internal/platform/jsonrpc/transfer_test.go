//go:build unix

package jsonrpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// api stands for the platform's calls about a request whose files are on a real server.
type api struct {
	address  string // of the SSH server
	known    string
	dumpName string
	calls    []string
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.calls = append(a.calls, strings.TrimPrefix(r.URL.Path, "/upgrade/request/"))
	_, port, _ := net.SplitHostPort(a.address)
	result := map[string]any{"status": "new", "host_uri": r.Host}
	if strings.Contains(string(body), "transfer_type") {
		result = map[string]any{"ssh_port": port, "known_hosts": a.known, "dump_name": a.dumpName}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"result": result})
}

// on returns a platform whose files are on a real server, through an address, as another
// process would begin.
func on(t testing.TB, s *realtest.SSHD, a *api) *Platform {
	t.Helper()
	server := startHTTP(t, a)
	key, err := os.ReadFile(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := serveAt(t, server, dial.TransferSettings{SSHPrivateKey: string(key)})
	p.user, p.root = s.User, s.Folder
	return p
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

func dumpOf(t testing.TB, path string) dump.Info {
	t.Helper()
	d, err := dump.Inspect(t.Context(), path, dump.Options{Digest: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// folder writes a folder that looks like a dump in directory format, and returns it with
// its inspection, as far as this package needs one.
func folder(t testing.TB, path string, files int, size int) dump.Info {
	t.Helper()
	for n := range files {
		write(t, filepath.Join(path, fmt.Sprintf("%d.dat", n)), noise(uint64(n), size))
	}
	write(t, filepath.Join(path, "toc.dat"), []byte("PGDMP"))
	return dumpOf(t, path)
}

func untold(int64) {}

func known(s *realtest.SSHD) string { return "127.0.0.1 " + s.HostKeyOnly() + "\n" }

// TestRealRsync uploads and downloads with a real server and each real rsync.
func TestRealRsync(t *testing.T) {
	realtest.Long(t)
	for _, program := range realtest.Rsyncs(t) {
		t.Run(program, func(t *testing.T) {
			s := realtest.StartRsyncServer(t, program)
			a := &api{address: s.Address, known: known(s)}
			data := noise(1, 9<<20+3)
			file := dumpOf(t, write(t, t.TempDir()+"/db.zip", data))
			remote := filepath.Join(s.Folder, "origin.dump")
			upload := func(d dump.Info) {
				t.Helper()
				if _, err := on(t, s, a).Upload(t.Context(), ticket, d, untold); err != nil {
					t.Fatal(err)
				}
			}
			upload(file)
			wantFile(t, remote, data)
			if err := os.Truncate(remote, 5<<20); err != nil {
				t.Fatal(err)
			}
			upload(file) // resumes
			wantFile(t, remote, data)
			upload(file) // is there already
			wantFile(t, remote, data)
			_ = os.Remove(remote)
			dir := folder(t, t.TempDir()+"/db", 30, 40_000)
			write(t, remote+"/old.dat", nil)
			upload(dir)
			noDifference(t, program, dir.Path, remote)

			a.dumpName = "upgraded.zip"
			write(t, s.Folder+"/upgraded.zip", data)
			f := fetch(t, on(t, s, a), upgrade.UpgradedDump)
			wantFile(t, f.Path, data)
			a.dumpName = "upgraded.dump"
			folder(t, s.Folder+"/upgraded.dump", 40, 30_000)
			write(t, s.Folder+"/filestore/ab/abcdef", []byte("new"))
			got := fetch(t, on(t, s, a), upgrade.UpgradedDump)
			noDifference(t, program, s.Folder+"/upgraded.dump", got.Path)
			wantDigest(t, got)
			store := fetch(t, on(t, s, a), upgrade.Filestore)
			wantFile(t, store.Path+"/ab/abcdef", []byte("new"))
			wantDigest(t, store)
			_, _, err := on(t, s, a).fetchInto(t, upgrade.Log)
			if _, missing := errors.AsType[*upgrade.MissingError](err); !missing {
				t.Error(err)
			}
			write(t, s.Folder+"/upgrade.log", []byte("what the platform did\n"))
			wantFile(t, fetch(t, on(t, s, a), upgrade.Log).Path, []byte("what the platform did\n"))
		})
	}
}

func (p *Platform) fetchInto(t testing.TB, item upgrade.Item) (upgrade.Artifact, int64, error) {
	t.Helper()
	if p.Folder == nil {
		f, err := workspace.Open("", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		p.Folder = f
	}
	return p.Fetch(t.Context(), upgrade.Status{Ticket: ticket}, item, func(int64, int64) {})
}

func fetch(t testing.TB, p *Platform, item upgrade.Item) upgrade.Artifact {
	t.Helper()
	a, _, err := p.fetchInto(t, item)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func wantFile(t testing.TB, path string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes of %d, %v", path, len(got), len(want), err)
	}
}

// wantDigest compares a folder's digest with the shell line in the README.
func wantDigest(t testing.TB, a upgrade.Artifact) {
	t.Helper()
	text, err := exec.Command("sh", "-c", "cd '"+a.Path+"' && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum").Output()
	if err != nil || string(text) != a.SHA256+"  -\n" {
		t.Errorf("%q, want %s (%v)", text, a.SHA256, err)
	}
}

func noDifference(t testing.TB, program, a, b string) {
	t.Helper()
	text, err := exec.Command(program, "-rcin", "--delete", a+"/", b+"/").CombinedOutput()
	if err != nil || len(text) > 0 {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestServersThatFail has servers on which a transfer cannot work.
func TestServersThatFail(t *testing.T) {
	program := realtest.Rsyncs(t)[0]
	d := dumpOf(t, write(t, t.TempDir()+"/db.zip", noise(1, 100_000)))
	s := realtest.StartRsyncServer(t, program)
	other := realtest.StartRsyncServer(t, program)
	for name, test := range map[string]struct {
		change    func(p *Platform, a *api)
		says      string
		transient bool
	}{
		"no rsync":         {func(p *Platform, a *api) { a.address, a.known = other.Address, known(other) }, "has no rsync", false},
		"no such folder":   {func(p *Platform, a *api) { p.root += "/a/b" }, "No such file", false},
		"another host key": {func(p *Platform, a *api) { a.known = known(other) }, "nothing was sent to it", false},
		"no host key":      {func(p *Platform, a *api) { a.known = "" }, "has no known_hosts", false},
		"in another form":  {func(p *Platform, a *api) { a.known = s.KnownHosts(s.Address) }, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := s
			if name == "no rsync" {
				server = realtest.StartRsyncServer(t, t.TempDir()+"/rsync")
				test.change = func(_ *Platform, a *api) {}
			}
			a := &api{address: server.Address, known: known(server)}
			p := on(t, server, a)
			test.change(p, a)
			_, err := p.Upload(t.Context(), ticket, d, untold)
			if test.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.says) || retry.IsTransient(err) != test.transient {
				t.Errorf("%v, transient: %t", err, retry.IsTransient(err))
			}
			p.Close(t.Context())
			if last := a.calls[len(a.calls)-1]; last != "transfer/stop" {
				t.Errorf("the last call was %s", last)
			}
		})
	}
}

// TestCuts breaks connections with a real server, and resumes by new ones.
func TestCuts(t *testing.T) {
	realtest.Long(t)
	for _, program := range realtest.Rsyncs(t) {
		s := realtest.StartRsyncServer(t, program)
		cutter := realtest.StartCutter(t, s.Address)
		data := noise(2, 24<<20)
		d := dumpOf(t, write(t, t.TempDir()+"/db.zip", data))
		write(t, s.Folder+"/upgraded.zip", data)
		cutter.Reset([]int64{5 << 20, 4 << 20, 3 << 20})
		p := on(t, s, &api{address: cutter.Address, known: known(s)})
		tries := 0
		for err := error(retry.Transient(errors.New("not started"))); err != nil; tries++ {
			if !retry.IsTransient(err) || tries > 5 {
				t.Fatal(err)
			}
			_, err = p.Upload(t.Context(), ticket, d, untold)
		}
		wantFile(t, filepath.Join(s.Folder, "origin.dump"), data)
		up, _, cuts := cutter.Counts()
		cutter.Reset([]int64{5 << 20, 4 << 20, 3 << 20})
		q := on(t, s, &api{address: cutter.Address, known: known(s), dumpName: "upgraded.zip"})
		var got upgrade.Artifact
		for err := error(retry.Transient(errors.New("not started"))); err != nil; {
			if !retry.IsTransient(err) {
				t.Fatal(err)
			}
			got, _, err = q.fetchInto(t, upgrade.UpgradedDump)
		}
		wantFile(t, got.Path, data)
		_, down, more := cutter.Counts()
		if cuts+more != 6 || up+down > 2*36<<20 { // of which each cut may lose what the sockets hold
			t.Errorf("%d cuts, %d bytes up, %d down", cuts+more, up, down)
		}
	}
}

func TestHTTPProxy(t *testing.T) {
	p, _ := serve(t, respond(200, "application/json", `{"result": {"ssh_port": 1, "known_hosts": "127.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBm0m5vNR2QJYqJqK9bnbFmRfpxAbBzDsCKgDqYk0QYl"}}`))
	var err error
	if p.Dial, p.proxied, err = dial.NewSOCKSDialer(func(name string) string { return map[string]string{"HTTPS_PROXY": "http://proxy:3128"}[name] }); err != nil {
		t.Fatal(err)
	}
	err = p.explain(retry.Transient(errors.New("connection refused")))
	if err == nil || !strings.Contains(advice.Of(err), "direct connections to the platform on TCP ports 32768 to 60999") || !retry.IsTransient(err) {
		t.Error(err)
	}
}
