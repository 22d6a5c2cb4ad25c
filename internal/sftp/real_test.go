//go:build unix

package sftp

import (
	"bytes"
	"context"
	"crypto/rand"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/realtest"
)

// config is that of a client of the server, by the way of address.
func config(t testing.TB, s *realtest.SSHD, address string) Config {
	t.Helper()
	text, err := os.ReadFile(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.HostKey))
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		Address: address, Connections: 4, Silence: time.Minute,
		Client: &ssh.ClientConfig{User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(host)},
	}
}

func connect(t testing.TB, c Config) *Pool {
	t.Helper()
	p, err := Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func TestThereAndBackWithOpenSSH(t *testing.T) {
	for name, lines := range map[string][]string{
		"as it comes":            nil,
		"one session":            {"MaxSessions 1"},
		"one start":              {"MaxStartups 1"},
		"one of each":            {"MaxSessions 1", "MaxStartups 1"},
		"old":                    {"Ciphers aes128-ctr", "MACs hmac-sha1", "KexAlgorithms diffie-hellman-group14-sha256"},
		"chacha20-poly1305 only": {"Ciphers chacha20-poly1305@openssh.com"},
	} {
		for _, key := range []string{"ed25519", "rsa", "ecdsa"} {
			if key != "ed25519" && name != "as it comes" {
				continue
			}
			t.Run(name+"/"+key, func(t *testing.T) {
				t.Parallel()
				s := realtest.StartSSHD(t, key, lines...)
				line := realtest.DelayLine(t, s.Address, 10*time.Millisecond) // so that more sessions are tried
				want := random(30<<20 + 1)
				p := connect(t, config(t, s, line.Address))
				var reached atomic.Int64
				if err := p.Put("shared.dump", bytes.NewReader(want), 0, int64(len(want)), &reached); err != nil || reached.Load() != int64(len(want)) {
					t.Fatal(reached.Load(), err)
				}
				there, _ := os.ReadFile(s.File())
				if !bytes.Equal(there, want) {
					t.Fatal("the server has something else")
				}
				var back bytes.Buffer
				if err := p.Get("shared.dump", 0, int64(len(want)), func(b []byte) error { back.Write(b); return nil }); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(back.Bytes(), want) {
					t.Fatal("something else came back")
				}
			})
		}
	}
}
