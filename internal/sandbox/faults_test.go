package sandbox

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestWebFaults calls status on a sandbox with a fault on its second call, and checks
// what a client sees of the first three.
func TestWebFaults(t *testing.T) {
	for fault, want := range map[string]string{
		"status:2=503":       "200 503 200",
		"status:2-=429:30s":  "200 429/30 429/30",
		"status:2=reset":     "200 broken 200",
		"status:2=lost":      "200 broken 200",
		"status:2=truncated": "200 short 200",
		"status:2=cut:50":    "200 short 200",
		"status:2=html":      "200 html 200",
		"status:2=slow:1ms":  "200 200 200",
		"status:2=hang":      "200 late 200",
		"create:2=503":       "200 200 200",
	} {
		t.Run(fault, func(t *testing.T) {
			faults, err := ParseFaults([]string{fault})
			if err != nil {
				t.Fatal(err)
			}
			c := newRequest(t, runs(t, Config{Faults: faults}))
			var got []string
			for _, word := range strings.Fields(want) {
				got = append(got, c.see(word == "late"))
			}
			if text := strings.Join(got, " "); text != want {
				t.Errorf("%s, want %s", text, want)
			}
		})
	}
}

// see calls status and says in a word what came back.
func (c *client) see(hangs bool) string {
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if hangs { // only then: any other call may take its time on a busy machine
		web.Timeout = 500 * time.Millisecond
	}
	response, err := web.Get(c.server + "/database/v1/status?request=" + c.id + "&key=" + c.key)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "late"
	}
	if err != nil {
		return "broken"
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return "short"
	case response.Header.Get("Retry-After") != "":
		return response.Status[:3] + "/" + response.Header.Get("Retry-After")
	case strings.Contains(string(body), "<html") || strings.Contains(string(body), "<!DOCTYPE"):
		return "html"
	}
	return response.Status[:3]
}

// TestSSHFaults connects to the SFTP server and checks its greeting.
func TestSSHFaults(t *testing.T) {
	for fault, want := range map[string]string{
		"sftp:2=refuse:0s":   "SSH-2.0- refused SSH-2.0-",
		"sftp:2=cut:4":       "SSH-2.0- SSH- SSH-2.0-",
		"sftp:2=one-session": "SSH-2.0- SSH-2.0- SSH-2.0-",
	} {
		t.Run(fault, func(t *testing.T) {
			faults, err := ParseFaults([]string{fault})
			if err != nil {
				t.Fatal(err)
			}
			c := newRequest(t, runs(t, Config{Faults: faults}))
			address := net.JoinHostPort("127.0.0.1", c.port())
			var got []string
			for range 3 {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				greeting := make([]byte, 8)
				n, _ := io.ReadFull(conn, greeting)
				_ = conn.Close()
				if n == 0 {
					got = append(got, "refused")
				} else {
					got = append(got, string(greeting[:n]))
				}
			}
			if text := strings.Join(got, " "); text != want {
				t.Errorf("%s, want %s", text, want)
			}
		})
	}
}
