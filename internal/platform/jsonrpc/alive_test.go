package jsonrpc

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/test/bufconn"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/rsync"
	"odoo-upgrade-action/internal/sshclient"
	"odoo-upgrade-action/internal/stall"
)

// alive is an SSH server on which each command gets what says sends, until that ends; if it is
// nil, no command is run.
func alive(t *testing.T, says func(ssh.Channel)) (reach dial.Dialer, key ssh.PublicKey) {
	t.Helper()
	host, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(host)
	listener := bufconn.Listen(64 << 10)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			_, channels, requests, err := ssh.NewServerConn(conn, config)
			if err != nil {
				return
			}
			go ssh.DiscardRequests(requests) // which answers keep-alives
			go func() {
				for offer := range channels {
					channel, requests, err := offer.Accept()
					if err != nil {
						return
					}
					go func() {
						for r := range requests {
							_ = r.Reply(says != nil, nil)
						}
					}()
					if says != nil {
						go says(channel)
					}
				}
			}()
		}
	}()
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return listener.DialContext(ctx) }, host.PublicKey()
}

// lineTo connects to such a server.
func lineTo(t *testing.T, reach dial.Dialer, key ssh.PublicKey) (*Platform, *line) {
	t.Helper()
	keys, err := dial.NewHostKeys("platform.test "+string(ssh.MarshalAuthorizedKey(key)), "")
	if err != nil {
		t.Fatal(err)
	}
	own, _ := dial.NewKey()
	r := &requests{Config: platform.Config{Dial: reach, Tell: func(event.Event) {}}, key: own}
	p := &Platform{r, &transfers{requests: r, user: sshUser, root: dataRoot}}
	l, err := p.connect(t.Context(), "platform.test:22", keys)
	if err != nil {
		t.Fatal(err)
	}
	return p, l
}

// TestNoExec has a server that runs no commands: another try would not change that.
func TestNoExec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reach, key := alive(t, nil)
		p, l := lineTo(t, reach, key)
		err := p.push(l, []rsync.File{{Name: "dump", Size: 10}}, "origin.sql", 10, untold)
		if err = transferError(err); !errors.Is(err, sshclient.ErrNoExec) || retry.IsTransient(err) {
			t.Error(err)
		}
		l.close()
		time.Sleep(5 * time.Second) // until the server sees it
	})
}

// TestAliveIsNotProgress has servers that send something again and again, and nothing of
// the file.
func TestAliveIsNotProgress(t *testing.T) {
	frame := binary.LittleEndian.AppendUint32(nil, 7<<24) // of data, without any
	message := append(binary.LittleEndian.AppendUint32(nil, 9<<24|2), "hi"...)
	for name, again := range map[string][]byte{"empty frames": frame, "messages": message} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reach, key := alive(t, func(c ssh.Channel) {
					// Version 30, no capabilities, the seed of the sums.
					_, err := c.Write([]byte{30, 0, 0, 0, 0, 1, 0, 0, 0})
					for err == nil {
						time.Sleep(time.Second)
						_, err = c.Write(again)
					}
				})
				p, l := lineTo(t, reach, key)
				began := time.Now()
				err := p.push(l, []rsync.File{{Name: "dump", Size: 10}}, "origin.sql", 10, untold)
				if took := time.Since(began); took > stall.Transfer+time.Minute || !retry.IsTransient(err) {
					t.Errorf("it ended after %v with %v", took, err)
				}
				l.close()
				time.Sleep(5 * time.Second) // until the server sees it
			})
		})
	}
}
