//go:build unix

package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/realtest"
)

// rpc calls a method of json-rpc and returns its result.
func rpc(t *testing.T, server, method string, params map[string]any) map[string]any {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"params": params})
	response, err := http.Post(server+"/upgrade/request/"+method, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Result map[string]any }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if message, ok := answer.Result["error"]; ok {
		t.Fatalf("%s: %v", method, message)
	}
	return answer.Result
}

// newTransfer creates a request with a public key and opens a transfer to it.
func newTransfer(t *testing.T, server, public string) (token string, port int) {
	t.Helper()
	key, err := os.ReadFile(public)
	if err != nil {
		t.Fatal(err)
	}
	token = rpc(t, server, "create", map[string]any{"contract": "M123456-abcdef", "target": "17.0", "aim": "test", "ssh_key": string(key)})["token"].(string)
	return token, startTransfer(t, server, token)
}

func startTransfer(t *testing.T, server, token string) (port int) {
	t.Helper()
	return int(rpc(t, server, "transfer/start", map[string]any{"token": token, "transfer_type": "upload"})["ssh_port"].(float64))
}

// rsync returns a command that uploads a file, or a folder.
func rsyncTo(key string, port int, path, name string, flags ...string) *exec.Cmd {
	shell := fmt.Sprintf("ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i %s -p %d", key, port)
	args := append([]string{"-ltr", "--delete-after", "-e", shell}, flags...)
	return exec.Command("rsync", append(args, path, "odoo@127.0.0.1:/data/"+name)...)
}

func (b *remote) uploads(t *testing.T, key string, port int, path, name string) error {
	t.Helper()
	text, err := rsyncTo(key, port, path, name).CombinedOutput()
	t.Logf("%s", text)
	return err
}

// remote is a sandbox on the network.
type remote struct {
	url, data string
}

func served(t *testing.T, config Config) *remote {
	t.Helper()
	realtest.Need(t, "rsync", "ssh", "ssh-keygen")
	config.Data = t.TempDir()
	return &remote{runs(t, config), config.Data}
}

func (b *remote) original(t *testing.T, token string) string {
	t.Helper()
	id, _, _ := strings.Cut(token, "-")
	text, err := os.ReadFile(filepath.Join(b.data, "requests", id, "original"))
	if err != nil {
		return ""
	}
	return string(text)
}

// TestTwoRequestsWithOneKey has a stranger who knows a public key create requests with it,
// before and after its owner: each transfer has a port of its own.
func TestTwoRequestsWithOneKey(t *testing.T) {
	b := served(t, Config{})
	key := newKey(t, t.TempDir())
	dump, text := filepath.Join(t.TempDir(), "dump.sql"), realtest.Dump("")
	if err := os.WriteFile(dump, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	before, beforePort := newTransfer(t, b.url, key+".pub")
	owner, ownerPort := newTransfer(t, b.url, key+".pub")
	after, afterPort := newTransfer(t, b.url, key+".pub")
	if beforePort == ownerPort || ownerPort == afterPort || beforePort == afterPort {
		t.Fatalf("ports %d, %d, %d", beforePort, ownerPort, afterPort)
	}
	id, requestKey, _ := strings.Cut(after, "-") // a port may be had with one key, and then the key changed
	response, err := http.PostForm(b.url+"/database/v1/request_sftp_access", url.Values{"request": {id}, "key": {requestKey}})
	if err != nil {
		t.Fatal(err)
	}
	if said, _ := io.ReadAll(response.Body); response.Body.Close() != nil || !strings.Contains(string(said), "REQUEST:NOT_FOUND") {
		t.Errorf("the other protocol: %s", said)
	}
	if err := b.uploads(t, key, ownerPort, dump, "origin.sql"); err != nil {
		t.Fatal(err)
	}
	if b.original(t, before) != "" || b.original(t, after) != "" || b.original(t, owner) != text {
		t.Error("the dump is in another request")
	}
	rpc(t, b.url, "transfer/stop", map[string]any{"token": owner})
	if err := b.uploads(t, key, ownerPort, dump, "origin.sql"); err == nil {
		t.Error("the port is open after the transfer")
	}
	rpc(t, b.url, "transfer/stop", map[string]any{"token": before})
	if port := startTransfer(t, b.url, owner); port != beforePort {
		t.Errorf("the first port is free, and yet there is another one: %d", port)
	}
	if err := b.uploads(t, key, beforePort, dump, "origin.sql"); err != nil || b.original(t, before) != "" {
		t.Errorf("the first port still leads to another request (%v)", err)
	}
}

// TestUploadDuringProcess holds an upload in place in its middle while the request is
// processed: it ends there.
func TestUploadDuringProcess(t *testing.T) {
	faults, err := ParseFaults([]string{"sftp:2=rate:1000000"})
	if err != nil {
		t.Fatal(err)
	}
	b := served(t, Config{Faults: faults})
	key := newKey(t, t.TempDir())
	good := []byte(strings.Replace(realtest.Dump(""), "SELECT 1;", "SELECT 1; -- "+strings.Repeat("x", 4<<20), 1))
	bad := bytes.ReplaceAll(good, []byte("x"), []byte("y"))
	dir := t.TempDir()
	for name, text := range map[string][]byte{"good.sql": good, "bad.sql": bad} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(dir, "bad.sql"), time.Time{}, time.Unix(1e9, 0)); err != nil { // for rsync, another file
		t.Fatal(err)
	}
	token, port := newTransfer(t, b.url, key+".pub")
	if err := b.uploads(t, key, port, dir+"/good.sql", "origin.sql"); err != nil {
		t.Fatal(err)
	}
	command := rsyncTo(key, port, dir+"/bad.sql", "origin.sql", "--inplace")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for !strings.Contains(b.original(t, token), "yyy") {
		select {
		case err := <-ended:
			t.Fatalf("nothing of it arrived: %v", err)
		case <-time.After(time.Millisecond): // another program's progress can only be polled
		}
	}
	rpc(t, b.url, "process", map[string]any{"token": token})
	submitted := b.original(t, token)
	if err := <-ended; err == nil {
		t.Error("the upload went through")
	}
	if b.original(t, token) != submitted {
		t.Error("the dump has changed since it was submitted")
	}
}

// TestProcessDuringAnUpload has an upload over HTTPS that stopped in its middle, and one before
// it that was complete: that one is processed, at once.
func TestProcessDuringAnUpload(t *testing.T) {
	data := t.TempDir()
	c := newRequest(t, runs(t, Config{Data: data}))
	reference := url.Values{"request": {c.id}, "key": {c.key}}
	send := func(body io.Reader, length int64) error {
		request, err := http.NewRequest(http.MethodPost, c.server+"/database/v1/upload?"+reference.Encode(), body)
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = length
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		return err
	}
	text := realtest.Dump("")
	if err := send(strings.NewReader(text), int64(len(text))); err != nil {
		t.Fatal(err)
	}
	half, rest := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- send(half, 1<<20) }()
	if _, err := rest.Write([]byte("half of it")); err != nil {
		t.Fatal(err)
	}
	for begun := []string(nil); begun == nil; begun, _ = filepath.Glob(filepath.Join(data, "requests", c.id, "upload-*")) {
		time.Sleep(time.Millisecond) // what the sandbox does can only be polled
	}
	c.call("process", reference) // a minute of the client's is the limit
	<-ended
	_ = rest.Close()
	c.untilDone()
}

// TestFoldersOverTheLimit sends folders that grow from transfer to transfer, or hold nothing.
func TestFoldersOverTheLimit(t *testing.T) {
	b := served(t, Config{MaxUpload: 1 << 20})
	key := newKey(t, t.TempDir())
	token, port := newTransfer(t, b.url, key+".pub")
	_ = token
	grows, folders := t.TempDir(), t.TempDir()
	for n := range 3 {
		if err := os.WriteFile(filepath.Join(grows, fmt.Sprintf("%d.dat", n)), make([]byte, 600<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.uploads(t, key, port, grows+"/", "origin.dump"); (err == nil) != (n == 0) {
			t.Errorf("with %d files: %v", n+1, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(folders, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.uploads(t, key, port, folders+"/", "origin.dump"); err == nil {
		t.Error("folders were taken")
	}
}

// fullListener has no more files at first.
type fullListener struct {
	net.Listener
	errs []error
}

func (l *fullListener) Accept() (net.Conn, error) {
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

func (l *fullListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestTooManyOpenFiles ends nothing: others will close theirs.
func TestTooManyOpenFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fullListener{errs: []error{syscall.EMFILE, syscall.EMFILE, net.ErrClosed}}
		s := &Server{config: Config{Log: func(string) {}}}
		if err := s.serveSSH(t.Context(), l, nil); !errors.Is(err, net.ErrClosed) || len(l.errs) > 0 {
			t.Errorf("%v, with %d to come", err, len(l.errs))
		}
	})
}
