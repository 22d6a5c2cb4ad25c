//go:build unix

package sftp

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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
		Address: address, Connections: 4, Idle: time.Minute,
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
	realtest.Long(t)
	for name, lines := range map[string][]string{
		"as it comes":            nil,
		"one session":            {"MaxSessions 1"},
		"one start":              {"MaxStartups 1"},
		"one of each":            {"MaxSessions 1", "MaxStartups 1"},
		"old":                    {"Ciphers aes128-ctr", "MACs hmac-sha1", "KexAlgorithms diffie-hellman-group14-sha256"},
		"chacha20-poly1305 only": {"Ciphers chacha20-poly1305@openssh.com"},
	} {
		for _, key := range []string{"ed25519", "rsa", "ecdsa"} {
			if key != "ed25519" && (name != "as it comes" || testing.Short()) {
				continue
			}
			t.Run(name+"/"+key, func(t *testing.T) {
				t.Parallel()
				s := realtest.StartSSHD(t, key, lines...)
				line := realtest.DelayLine(t, s.Address, 10*time.Millisecond) // so that more sessions are tried
				want := random(30<<20 + 1)
				p := connect(t, config(t, s, line.Address))
				f, _, err := p.Open("shared.dump", os.O_RDWR)
				if err != nil {
					t.Fatal(err)
				}
				var reached atomic.Int64
				if err := f.Put(bytes.NewReader(want), 0, int64(len(want)), Ahead, &reached); err != nil || reached.Load() != int64(len(want)) {
					t.Fatal(reached.Load(), err)
				}
				if err := errors.Join(f.Settle(), f.Close()); err != nil {
					t.Fatal(err)
				}
				if f, _, err = p.Open("shared.dump", os.O_RDONLY); err != nil {
					t.Fatal(err)
				}
				there, _ := os.ReadFile(s.File())
				if !bytes.Equal(there, want) {
					t.Fatal("the server has something else")
				}
				var back bytes.Buffer
				if err := f.Get(0, int64(len(want)), func(b []byte) error { back.Write(b); return nil }); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(back.Bytes(), want) {
					t.Fatal("something else came back")
				}
			})
		}
	}
}

// TestServerThatIsNearAfterAll begins three connections beside the first, of which it
// turns out that one is wanted: the others are ended, and where they were refused,
// not tried again.
func TestServerThatIsNearAfterAll(t *testing.T) {
	for name, refused := range map[string]int32{"takes all": 0, "is busy": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := (&platform{}).start(t)
				c.Connections = 4
				dial, closed, began := c.Dial, make(chan bool, 3), make(chan bool, 10)
				var dialled atomic.Int32
				c.Dial = func(ctx context.Context) (net.Conn, error) {
					began <- true
					if dialled.Add(1) <= refused {
						return nil, errors.New("refused")
					}
					conn, err := dial(ctx)
					return &toldConn{conn, sync.OnceFunc(func() { closed <- true })}, err
				}
				p := &Pool{config: c, measured: make(chan struct{}), connections: 2, channels: 1, more: make(chan *session, 2)}
				p.ctx, p.cancel = context.WithCancelCause(t.Context())
				t.Cleanup(p.Close)
				p.begin(4)
				for range 3 {
					<-began
				}
				close(p.measured)
				late := time.After(20 * time.Second)
				want := refused + 1
				if refused == 0 {
					want = 3
					for range 2 {
						select {
						case <-closed:
						case <-late:
							t.Fatal("a connection too many is kept")
						}
					}
				}
				select {
				case <-p.more:
				case <-late:
					t.Fatal("the one that is wanted has not come")
				}
				p.Close()
				if n := dialled.Load(); n != want {
					t.Errorf("%d connections were begun, want %d", n, want)
				}
			})
		})
	}
}

// toldConn tells of its end.
type toldConn struct {
	net.Conn
	end func()
}

func (c *toldConn) Close() error {
	c.end()
	return c.Conn.Close()
}
