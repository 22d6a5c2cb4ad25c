//go:build unix

package sandbox

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/realtest"
)

// runs serves a sandbox until the test's end and returns its address.
func runs(t *testing.T, config Config) string {
	t.Helper()
	config.Outcome = "done"
	if config.Data == "" {
		config.Data = t.TempDir()
	}
	address, stop, err := Run(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return address
}

// client is a request on a sandbox that is called over the network.
type client struct {
	t       *testing.T
	server  string
	id, key string
}

// newRequest creates a request for db.dump.
func newRequest(t *testing.T, server string) *client {
	t.Helper()
	c := &client{t: t, server: server}
	created := c.call("create", good())
	c.id, c.key = string(created["id"]), strings.Trim(string(created["key"]), `"`)
	return c
}

// call calls a method with the request's ID and key.
func (c *client) call(method string, values url.Values) map[string]json.RawMessage {
	c.t.Helper()
	if values == nil {
		values = url.Values{"request": {c.id}, "key": {c.key}}
	}
	response, err := http.PostForm(c.server+"/database/v1/"+method, values)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.read(response)
}

func (c *client) read(response *http.Response) map[string]json.RawMessage {
	c.t.Helper()
	defer response.Body.Close()
	var a struct {
		Failures []json.RawMessage
		Request  map[string]json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil || len(a.Failures) > 0 {
		c.t.Fatalf("%s %v", a.Failures, err)
	}
	return a.Request
}

// sftpAccess is where a request's file is.
type sftpAccess struct {
	User, SharedFile string
	Port             int
}

// access requests SFTP access for a public key.
func (c *client) access(public []byte) (a sftpAccess) {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, _ := form.CreateFormFile("ssh_keys", "authorized_keys")
	_, _ = part.Write(public)
	_ = form.Close()
	query := url.Values{"request": {c.id}, "key": {c.key}}
	response, err := http.Post(c.server+"/database/v1/request_sftp_access?"+query.Encode(), form.FormDataContentType(), &body)
	if err != nil {
		c.t.Fatal(err)
	}
	request := c.read(response)
	for key, into := range map[string]any{"sftp_user": &a.User, "shared_file": &a.SharedFile, "sftp_port": &a.Port} {
		if err := json.Unmarshal(request[key], into); err != nil {
			c.t.Fatal(err)
		}
	}
	return a
}

// port is that of the SFTP server.
func (c *client) port() string {
	c.t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		c.t.Fatal(err)
	}
	return strconv.Itoa(c.access(ssh.MarshalAuthorizedKey(key.PublicKey())).Port)
}

// untilDone returns once the request is done, which the test's timeout limits.
func (c *client) untilDone() {
	for {
		switch status := c.call("status", nil); string(status["state"]) {
		case `"done"`:
			return
		case `"failed"`:
			c.t.Fatalf("the request failed: %s", status["customer_message"])
		}
		time.Sleep(10 * time.Millisecond) // what a request does can only be polled, and others need the processor
	}
}

// noise writes a dump of about n bytes that no transfer can compress much.
func noise(t *testing.T, path string, n int) {
	t.Helper()
	b := make([]byte, n/4*3)
	_, _ = rand.Read(b)
	if err := os.WriteFile(path, []byte(realtest.Dump(base64.StdEncoding.EncodeToString(b))), 0o600); err != nil {
		t.Fatal(err)
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

// TestSpecificationsSFTPSession is the section "Using the 'sftp' client" with
// OpenSSH's own.
func TestSpecificationsSFTPSession(t *testing.T) {
	realtest.Need(t, "sftp", "ssh-keygen")
	url := runs(t, Config{Pace: 10 * time.Millisecond})
	dir := t.TempDir()
	dump := filepath.Join(dir, "db.dump")
	noise(t, dump, 5<<20+123)
	key := newKey(t, dir)
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	request := newRequest(t, url)
	access := request.access(public)
	if access.SharedFile != "db.dump" {
		t.Fatalf("%+v", access)
	}
	sftp := func(batch string) (string, error) {
		command := exec.Command("sftp", "-b", "-", "-P", strconv.Itoa(access.Port), "-i", key, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
			"-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile="+filepath.Join(dir, "known_hosts"), access.User+"@"+"127.0.0.1")
		command.Stdin, command.Dir = strings.NewReader(batch), dir
		text, err := command.CombinedOutput()
		return string(text), err
	}
	// A half, as a cut leaves one, then the rest of it.
	randomHalf := filepath.Join(dir, "half")
	whole, _ := os.ReadFile(dump)
	if err := os.WriteFile(randomHalf, whole[:2<<20], 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := sftp("put " + randomHalf + " db.dump\nls -l db.dump\n"); err != nil || !strings.Contains(text, "-rw-rw-rw-") || !strings.Contains(text, "2097152") {
		t.Fatalf("%v\n%s", err, text)
	}
	if text, err := sftp("put -a " + dump + " db.dump\nls -l\n"); err != nil || !strings.Contains(text, strconv.Itoa(len(whole))) {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, forbidden := range []string{"put db.dump other", "rename db.dump other", "rm db.dump", "mkdir d", "chmod 600 db.dump", "get ../ssh_host_ed25519_key x", "ls /etc"} {
		if text, err := sftp(forbidden + "\n"); err == nil {
			t.Errorf("%s was allowed: %s", forbidden, text)
		}
	}
	request.call("process", nil)
	if text, err := sftp("ls\n"); err == nil {
		t.Errorf("the access outlived the upload: %s", text)
	}
	request.untilDone()
	access = request.access(public)
	if access.SharedFile != "upgraded_db.dump" {
		t.Fatalf("%+v", access)
	}
	if text, err := sftp("get upgraded_db.dump back\n"); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	back, _ := os.ReadFile(filepath.Join(dir, "back"))
	if !bytes.Equal(back, whole) {
		t.Errorf("%d bytes came back, other than the %d sent", len(back), len(whole))
	}
	if text, err := sftp("put db.dump upgraded_db.dump\n"); err == nil {
		t.Errorf("the upgraded file could be written: %s", text)
	}
}

// TestOtherClients sends dumps of several requests to one sandbox at once, with
// rclone, lftp and OpenSSH's sftp, cut in the middle and resumed, and downloads the
// results.
func TestOtherClients(t *testing.T) {
	realtest.Need(t, "sftp", "scp", "lftp", "rclone", "ssh-keygen")
	url := runs(t, Config{Pace: 10 * time.Millisecond})
	dir := t.TempDir()
	whole, half := filepath.Join(dir, "whole"), filepath.Join(dir, "half")
	noise(t, whole, 9<<20+5)
	data, _ := os.ReadFile(whole)
	if err := os.WriteFile(half, data[:4<<20], 0o600); err != nil {
		t.Fatal(err)
	}
	key := newKey(t, dir)
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	shell := "-i " + key + " -o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
	// $1 user, $2 port, $3 the shared file, $4 where what is fetched goes.
	clients := map[string]struct{ up, down string }{
		"scp": {"scp -q -s -P $2 " + shell + " " + whole + " $1@127.0.0.1:$3", "scp -q -s -P $2 " + shell + " $1@127.0.0.1:$3 $4"},
		"sftp": {"printf 'put %s %s\\nreput %s %s\\n' " + half + " $3 " + whole + " $3 | sftp -b - -P $2 " + shell + " $1@127.0.0.1",
			"head -c 1000000 " + whole + " >$4; printf 'ls -l\\nreget %s %s\\n' $3 $4 | sftp -b - -P $2 " + shell + " $1@127.0.0.1"},
		"lftp": {`lftp -c "set cmd:fail-exit yes; set net:max-retries 1; set sftp:connect-program \"ssh -a -x ` + shell + `\"; open -u $1,x sftp://127.0.0.1:$2; put ` + half + ` -o $3; put -c ` + whole + ` -o $3"`,
			`lftp -c "set cmd:fail-exit yes; set net:max-retries 1; set sftp:connect-program \"ssh -a -x ` + shell + `\"; open -u $1,x sftp://127.0.0.1:$2; pget -n 4 $3 -o $4"`},
		"rclone": {"rclone copyto --config /dev/null --ignore-times --retries 1 " + whole + " :sftp,host=127.0.0.1,port=$2,user=$1,key_file=" + key + ",shell_type=none,set_modtime=false,disable_hashcheck=true:$3",
			"rclone copyto --config /dev/null --retries 1 --multi-thread-streams 4 :sftp,host=127.0.0.1,port=$2,user=$1,key_file=" + key + ",shell_type=none,disable_hashcheck=true:$3 $4"},
	}
	for name, c := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := newRequest(t, url)
			call := func(script string) string {
				access := request.access(public)
				back := filepath.Join(dir, name+".back")
				if text, err := exec.Command("sh", "-euc", script, "sh", access.User, strconv.Itoa(access.Port), access.SharedFile, back).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s\n%s", err, script, text)
				}
				return back
			}
			call(c.up)
			request.call("process", nil)
			request.untilDone()
			if back, _ := os.ReadFile(call(c.down)); !bytes.Equal(back, data) {
				t.Errorf("%d bytes came back, other than the %d sent", len(back), len(data))
			}
		})
	}
}

// TestGetWithABody is how the documentation of Odoo 12 to 14 asks.
func TestGetWithABody(t *testing.T) {
	address := runs(t, Config{})
	form := url.Values{"contract": {"M123456-abcdef"}, "email": {"john.doe@example.com"}, "target": {"17.0"}, "aim": {"test"}, "filename": {"db.dump"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/database/v1/create", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got answer
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || len(got.Failures) > 0 || got.Request["id"] == nil {
		t.Errorf("%+v, %v", got, err)
	}
}
