//go:build unix

package v1

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/retry"
)

// losing is a server of one file that loses a part of it once, and says so only when the file
// is closed.
type losing struct {
	mu         sync.Mutex
	file       []byte
	lost       bool
	unreadable bool
}

func (l *losing) Fileread(*pkgsftp.Request) (io.ReaderAt, error) {
	if l.unreadable {
		return nil, pkgsftp.ErrSSHFxPermissionDenied
	}
	return &losingHandle{losing: l}, nil
}

func (l *losing) Filewrite(*pkgsftp.Request) (io.WriterAt, error) {
	return &losingHandle{losing: l}, nil
}

func (l *losing) OpenFile(r *pkgsftp.Request) (pkgsftp.WriterAtReaderAt, error) {
	if l.unreadable && r.Pflags().Read {
		return nil, pkgsftp.ErrSSHFxPermissionDenied
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Pflags().Trunc {
		l.file = nil
	}
	return &losingHandle{losing: l}, nil
}

func (l *losing) Filecmd(*pkgsftp.Request) error { return nil }

func (l *losing) Filelist(*pkgsftp.Request) (pkgsftp.ListerAt, error) { return l, nil }

func (l *losing) ListAt(into []fs.FileInfo, offset int64) (int, error) {
	if offset > 0 {
		return 0, io.EOF
	}
	into[0] = losingInfo{l}
	return 1, io.EOF
}

type losingInfo struct{ *losing }

func (losingInfo) Name() string       { return "shared.dump" }
func (losingInfo) Mode() fs.FileMode  { return 0o666 }
func (losingInfo) ModTime() time.Time { return time.Unix(1, 0) }
func (losingInfo) IsDir() bool        { return false }
func (losingInfo) Sys() any           { return nil }
func (i losingInfo) Size() int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return int64(len(i.file))
}

type losingHandle struct {
	*losing
	wrote int
}

func (h *losingHandle) ReadAt(b []byte, offset int64) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.NewReader(h.file).ReadAt(b, offset)
}

func (h *losingHandle) WriteAt(b []byte, offset int64) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrote += len(b)
	if short := int(offset) + len(b) - len(h.file); short > 0 {
		h.file = append(h.file, make([]byte, short)...)
	}
	return copy(h.file[offset:], b), nil
}

func (h *losingHandle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wrote < 1<<20 || h.lost {
		return nil
	}
	h.lost = true
	clear(h.file[5<<20 : 5<<20+64<<10])
	return errors.New("could not store all of it")
}

// serve serves the file over SSH to everyone, until the test ends.
func (l *losing) serve(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	key, keyErr := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err := errors.Join(err, keyErr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(key)
	handlers := pkgsftp.Handlers{FileGet: l, FilePut: l, FileCmd: l, FileList: l}
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			go func() {
				_, channels, requests, err := ssh.NewServerConn(conn, config)
				if err != nil {
					return
				}
				go ssh.DiscardRequests(requests)
				for offer := range channels {
					channel, requests, _ := offer.Accept()
					go func() {
						for r := range requests {
							_ = r.Reply(true, nil)
						}
					}()
					go func() { _ = pkgsftp.NewRequestServer(channel, handlers).Serve() }()
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// TestServerThatLosesBytes says so only at the end: what it acknowledged is sent again.
func TestServerThatLosesBytes(t *testing.T) {
	for _, unreadable := range []bool{false, true} {
		l, content := &losing{unreadable: unreadable}, noise(1, 24<<20)
		c, err := newSFTP(Config{Getenv: os.Getenv, Tell: func(event.Event) {}, Transfer: dial.TransferSettings{Streams: 4}}, &access{address: l.serve(t), user: "user", file: "shared.dump"})
		if err != nil {
			t.Fatal(err)
		}
		d := dumpOf(t, content)
		err = put(t.Context(), c, d)
		if err == nil || !retry.IsTransient(err) {
			t.Errorf("unreadable: %t: the loss was not noticed: %v", unreadable, err)
		}
		if err = put(t.Context(), c, d); err != nil || !bytes.Equal(l.file, content) {
			t.Errorf("unreadable: %t: %v, equal: %t", unreadable, err, bytes.Equal(l.file, content))
		}
	}
}
