//go:build unix

package dial

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/realtest"
)

// socks is a real SOCKS5 proxy: OpenSSH's own, by way of a server.
func socks(t *testing.T, s *realtest.SSHD) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close() // ssh takes no socket from us
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte(s.KnownHosts(s.Address)), 0o600); err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(s.Address)
	command := exec.Command("ssh", "-N", "-F", "none", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-o", "UserKnownHostsFile="+known, "-i", s.Key, "-D", address, "-p", port, s.User+"@"+host)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	for range 6000 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return "socks5://" + address
		}
		time.Sleep(10 * time.Millisecond) // another program's start can only be polled
	}
	t.Fatal("ssh -D does not listen")
	return ""
}

// tunnels is an HTTP proxy that knows CONNECT, and wants a password.
func tunnels(t *testing.T, count *atomic.Int32) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwYXNz" {
			http.Error(w, "who are you?", http.StatusProxyAuthRequired)
			return
		}
		far, err := net.Dial("tcp", strings.Replace(r.Host, nickname, "127.0.0.1", 1))
		if err != nil || r.Method != http.MethodConnect {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		near, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		count.Add(1)
		_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(far, in); _ = far.Close() }()
		_, _ = io.Copy(near, far)
		_ = near.Close()
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// nickname is a name of this machine that is not known as such: for what is, there
// is never a proxy.
const nickname = "127.1"

func TestThroughProxies(t *testing.T) {
	realtest.Need(t, "ssh")
	s := realtest.StartSSHD(t, "ed25519")
	var tunnelled atomic.Int32
	web, overSSH := tunnels(t, &tunnelled), socks(t, s)
	withPassword := strings.Replace(web, "http://", "http://user:pass@", 1)
	for name, test := range map[string]struct {
		environment map[string]string
		err         string
		connect     bool
	}{
		"SOCKS5":                    {map[string]string{"ALL_PROXY": overSSH}, "", false},
		"HTTP CONNECT":              {map[string]string{"HTTPS_PROXY": withPassword}, "", true},
		"SOCKS as GNOME writes it":  {map[string]string{"ALL_PROXY": strings.Replace(overSSH, "socks5", "socks", 1)}, "", false},
		"without a scheme":          {map[string]string{"HTTPS_PROXY": strings.TrimPrefix(withPassword, "http://")}, "", true},
		"in small letters":          {map[string]string{"https_proxy": withPassword}, "", true},
		"ALL_PROXY goes first":      {map[string]string{"ALL_PROXY": withPassword, "HTTPS_PROXY": "http://127.0.0.1:1"}, "", true},
		"a password that is wrong":  {map[string]string{"HTTPS_PROXY": web}, "HTTP 407", false},
		"a proxy that is not there": {map[string]string{"ALL_PROXY": "socks5://127.0.0.1:1"}, "through the proxy 127.0.0.1:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			dial, err := NewDialer(func(name string) string { return test.environment[name] })
			if err != nil {
				t.Fatal(err)
			}
			before := tunnelled.Load()
			conn, err := dial(t.Context(), "tcp", strings.Replace(s.Address, "127.0.0.1", nickname, 1))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			greeting := make([]byte, 8)
			if _, err := io.ReadFull(conn, greeting); err != nil || !bytes.Equal(greeting, []byte("SSH-2.0-")) {
				t.Errorf("%q, %v", greeting, err)
			}
			if (tunnelled.Load() > before) != test.connect {
				t.Errorf("a tunnel: %t", tunnelled.Load() > before)
			}
		})
	}
}

func TestProxiesThatAreNone(t *testing.T) {
	for _, address := range []string{"socks4://proxy:1080", "ftp://proxy:21", "://", "http://"} {
		if _, err := NewDialer(func(name string) string { return map[string]string{"ALL_PROXY": address}[name] }); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}

func TestPACFileAsProxy(t *testing.T) {
	for _, address := range []string{"http://wpad.example.com/proxy.pac", "file:///etc/Proxy.PAC"} {
		_, err := NewDialer(func(string) string { return address })
		if err == nil || !strings.Contains(err.Error(), "PAC file") || advice.Of(err) == "" {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestDirectConnections(t *testing.T) {
	for name, environment := range map[string]map[string]string{
		"NO_PROXY lists it":            {"ALL_PROXY": "socks5://127.0.0.1:1", "NO_PROXY": "example.com," + nickname},
		"HTTP_PROXY says nothing here": {"HTTP_PROXY": "http://127.0.0.1:1"},
	} {
		dial, err := NewDialer(func(name string) string { return environment[name] })
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err = dial(ctx, "tcp", nickname+":1") // Go does not know that name
		cancel()
		if err == nil || strings.Contains(err.Error(), "proxy") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProxyThatNeverStops answers CONNECT with headers without an end.
func TestProxyThatNeverStops(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	sent := make(chan int, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: ")
		total := 0
		for {
			n, err := conn.Write(bytes.Repeat([]byte("x"), 64<<10))
			if total += n; err != nil {
				sent <- total
				return
			}
		}
	}()
	dial, err := NewDialer(func(name string) string {
		return map[string]string{"HTTPS_PROXY": "http://" + listener.Addr().String()}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t.Context(), "tcp", "example.com:22"); err == nil || !strings.Contains(err.Error(), "more than 64 KiB of headers") {
		t.Errorf("%v", err)
	}
	if n := <-sent; n > 32<<20 { // what the sockets' buffers hold
		t.Errorf("%d bytes were taken", n)
	}
}

func TestCheckProxies(t *testing.T) {
	for address, good := range map[string]bool{
		"": true, "http://proxy:3128": true, "proxy:3128": true, "socks5://proxy:1080": true, "http://user:p%40ss@proxy:3128": true,
		"http://": false, "http://user:pa/ss@proxy:3128": false, "http://u:head@TAIL#1@proxy": false, "http://u:head@TAIL?1@proxy": false, "http://u:pa#ss@proxy:1": false, "socks5://u:pa?@proxy:1": false, "http://proxy:3128/": true, "http://proxy/x": false, "ftp://proxy": false, "http://[::1": false, "http://proxy:port": false,
	} {
		for _, name := range []string{"HTTPS_PROXY", "http_proxy", "ALL_PROXY"} {
			err := CheckProxies(func(asked string) string { return map[string]string{name: address}[asked] })
			if (err == nil) != good || err != nil && (!strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "pa/ss") || strings.Contains(err.Error(), "TAIL")) {
				t.Errorf("%s=%s: %v", name, address, err)
			}
		}
	}
}
