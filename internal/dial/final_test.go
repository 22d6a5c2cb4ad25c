package dial

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/test/bufconn"

	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/retry"
)

// refusing is a proxy that answers every connection with text, or an HTTP status.
func refusing(t *testing.T, answer string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			go func() {
				defer conn.Close()
				_, _ = bufio.NewReader(conn).ReadByte()
				_, _ = conn.Write([]byte(answer))
			}()
		}
	}()
	return listener.Addr().String()
}

// TestProxiesThatRefuse has the refusal of a proxy be as final for SSH as it is over HTTPS.
func TestProxiesThatRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		scheme, answer, says string
		final                bool
	}{
		"a password is missing":   {"http", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "user and a password", true},
		"not to this port":        {"http", "HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP 403 Forbidden", true},
		"CONNECT is not offered":  {"http", "HTTP/1.1 405 Method Not Allowed\r\n\r\n", "HTTP 405", true},
		"too busy":                {"http", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP 503", false},
		"too many":                {"http", "HTTP/1.1 429 Too Many Requests\r\n\r\n", "HTTP 429", false},
		"nothing":                 {"http", "", "closed the connection", false},
		"SOCKS5 wants a password": {"socks5", "\x05\xff", "no acceptable authentication methods", true},
		"SOCKS5 cannot connect":   {"socks5", "\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", "connection refused", false},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := c.scheme + "://" + refusing(t, c.answer)
			dial, err := NewDialer(func(name string) string { return map[string]string{"ALL_PROXY": proxy}[name] })
			if err != nil {
				t.Fatal(err)
			}
			keys, _ := NewHostKeys("", "")
			_, err = dial(t.Context(), "tcp", "platform.example.com:22")
			err = SSHError(t.Context(), "platform.example.com:22", keys, err)
			if err == nil || retry.IsTransient(err) == c.final || !strings.Contains(err.Error(), c.says) {
				t.Errorf("transient %t: %v", retry.IsTransient(err), err)
			}
			if c.scheme != "http" {
				return
			}
			transport, err := HTTP(nil)
			if err != nil {
				t.Fatal(err)
			}
			transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://platform.example.com/", nil)
			_, err = httpcall.Do(httpcall.Client(transport), "status", req)
			if err == nil || retry.IsTransient(err) == c.final {
				t.Errorf("over HTTPS, transient %t: %v", retry.IsTransient(err), err)
			}
		})
	}
}

// TestSecondFactor has a server that accepts the key and wants a password as well.
func TestSecondFactor(t *testing.T) {
	signer, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	host, _ := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	for name, c := range map[string]struct {
		accepts bool
		final   bool
	}{"a second factor": {true, true}, "another key": {false, false}} {
		t.Run(name, func(t *testing.T) {
			config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				if !c.accepts {
					return nil, errors.New("no")
				}
				return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{
					KeyboardInteractiveCallback: func(ssh.ConnMetadata, ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
						return nil, errors.New("never asked")
					},
				}}
			}}
			config.AddHostKey(host)
			listener := bufconn.Listen(64 << 10)
			go func() {
				there, err := listener.Accept()
				if err == nil {
					_, _, _, _ = ssh.NewServerConn(there, config)
					_ = there.Close()
				}
			}()
			here, err := listener.Dial()
			if err != nil {
				t.Fatal(err)
			}
			defer here.Close()
			keys, _ := NewHostKeys("", "")
			_, _, _, err = ssh.NewClientConn(here, "server.test:22", SSH("server.test:22", "odoo", signer, keys))
			err = SSHError(t.Context(), "server.test:22", keys, err)
			_, more := errors.AsType[*SecondFactorError](err)
			if err == nil || more != c.final || retry.IsTransient(err) == c.final {
				t.Errorf("transient %t: %v", retry.IsTransient(err), err)
			}
		})
	}
}

// TestOnlyHTTP2 has front ends that do not speak HTTP/1.1.
func TestOnlyHTTP2(t *testing.T) {
	const settings = "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\x00\x04\x00\x00\xff\xff"
	frames := refusing(t, settings)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = conn.Write([]byte(settings))
			_ = conn.Close()
		}
	}))
	defer secure.Close()
	for name, address := range map[string]string{"with TLS": secure.URL, "without": "http://" + frames} {
		t.Run(name, func(t *testing.T) {
			transport, err := HTTP(nil)
			if err != nil {
				t.Fatal(err)
			}
			transport.TLSClientConfig.InsecureSkipVerify = true
			req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
			_, err = httpcall.Do(httpcall.Client(transport), "status", req)
			if err == nil || retry.IsTransient(err) || !strings.Contains(err.Error(), "speaks only HTTP/2") {
				t.Errorf("transient %s: %v", strconv.FormatBool(retry.IsTransient(err)), err)
			}
		})
	}
}
