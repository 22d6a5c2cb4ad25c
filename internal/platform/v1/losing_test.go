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
	"strings"
	"sync"
	"testing"
	"time"

	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/platform"
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
	return serveSFTP(t, pkgsftp.Handlers{FileGet: l, FilePut: l, FileCmd: l, FileList: l})
}

// serveSFTP serves files over SSH to everyone, until the test ends.
func serveSFTP(t *testing.T, handlers pkgsftp.Handlers) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	key, keyErr := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err := errors.Join(err, keyErr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(key)
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

// at returns a client of a server.
func at(t *testing.T, address string, tell func(event.Event)) *overSFTP {
	t.Helper()
	c, err := newSFTP(platform.Config{Getenv: os.Getenv, Tell: tell, Keeper: new(kept), Transfer: dial.TransferSettings{Streams: 4}}, &access{address: address, user: "user", file: "shared.dump"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// changing is a server that stores one byte in another way, and never says so.
type changing struct {
	losing
	at     int64
	closed bool // to readers
}

func (c *changing) Fileread(r *pkgsftp.Request) (io.ReaderAt, error) {
	if c.closed {
		return nil, os.ErrPermission
	}
	return c.losing.Fileread(r)
}

func (c *changing) Filewrite(*pkgsftp.Request) (io.WriterAt, error) { return &changingHandle{c}, nil }

func (c *changing) OpenFile(r *pkgsftp.Request) (pkgsftp.WriterAtReaderAt, error) {
	if r.Pflags().Trunc {
		c.file = nil
	}
	return &changingHandle{c}, nil
}

type changingHandle struct{ *changing }

func (h *changingHandle) ReadAt(b []byte, offset int64) (int, error) {
	return (&losingHandle{losing: &h.losing}).ReadAt(b, offset)
}

func (h *changingHandle) WriteAt(b []byte, offset int64) (int, error) {
	n, err := (&losingHandle{losing: &h.losing}).WriteAt(b, offset)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at >= offset && h.at < offset+int64(len(b)) {
		h.file[h.at] ^= 1
	}
	return n, err
}

// TestServerThatChangesAByte compares all of what it has: no upload with it succeeds.
func TestServerThatChangesAByte(t *testing.T) {
	content := noise(1, 12<<20)
	for n := range 4 {
		c := &changing{at: int64(n)<<21 + 4711<<8}
		client, d := at(t, serveSFTP(t, pkgsftp.Handlers{FileGet: c, FilePut: c, FileCmd: c, FileList: c}), func(event.Event) {}), dumpOf(t, content)
		err := put(t.Context(), client, d)
		if err == nil || !retry.IsTransient(err) || !strings.Contains(err.Error(), "differs from the dump") {
			t.Errorf("a byte at %d: %v", c.at, err)
		}
		c.closed = true
		if err := put(t.Context(), client, d); err == nil || !strings.Contains(err.Error(), "could not be read back") {
			t.Errorf("a byte at %d, and then unreadable: %v", c.at, err)
		}
	}
}

// slowly is a server that sends next to nothing back.
type slowly struct {
	losing
	reading chan struct{} // closed at the first read, which never ends
	once    sync.Once
}

func (s *slowly) Fileread(*pkgsftp.Request) (io.ReaderAt, error) { return s, nil }

func (s *slowly) ReadAt([]byte, int64) (int, error) {
	s.once.Do(func() { close(s.reading) })
	select {}
}

// TestServerThatReadsSlowly ends the comparison in time, and says how much was compared.
func TestServerThatReadsSlowly(t *testing.T) {
	s := &slowly{losing: losing{lost: true}, reading: make(chan struct{})}
	var last event.ReadBack
	c := at(t, serveSFTP(t, pkgsftp.Handlers{FileGet: s, FilePut: s, FileCmd: s, FileList: s}), func(e event.Event) {
		if back, ok := e.(event.ReadBack); ok {
			last = back
		}
	})
	c.least = 100 * time.Millisecond
	d := dumpOf(t, noise(1, 3<<20))
	if err := put(t.Context(), c, d); err != nil || !last.Over || last.Bytes != 0 {
		t.Errorf("%v, %+v", err, last)
	}
	<-s.reading
	c.differed, c.distrust = true, true // then all of it is sent again, and has to be compared
	if err := put(t.Context(), c, d); err == nil || !retry.IsTransient(err) {
		t.Errorf("after a difference: %v", err)
	}
}

// objects is a server in front of an object store, like AWS Transfer: a file is opened to
// read or to write, written in order, and there once that is closed.
type objects struct {
	mu     sync.Mutex
	stored []byte // nil until a file is closed
	cut    int    // bytes after which a handle fails; 0 for none
}

func (o *objects) Fileread(*pkgsftp.Request) (io.ReaderAt, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.NewReader(o.stored), nil
}

func (o *objects) Filewrite(*pkgsftp.Request) (io.WriterAt, error) {
	return &object{store: o}, nil
}

func (o *objects) OpenFile(r *pkgsftp.Request) (pkgsftp.WriterAtReaderAt, error) {
	return nil, pkgsftp.ErrSSHFxOpUnsupported
}

func (o *objects) Filecmd(*pkgsftp.Request) error { return pkgsftp.ErrSSHFxOpUnsupported }

func (o *objects) Filelist(*pkgsftp.Request) (pkgsftp.ListerAt, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stored == nil {
		return nil, pkgsftp.ErrSSHFxNoSuchFile
	}
	return &losing{file: o.stored}, nil
}

type object struct {
	store   *objects
	written []byte
}

func (w *object) WriteAt(b []byte, offset int64) (int, error) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	switch {
	case offset != int64(len(w.written)):
		return 0, errors.New("out of order")
	case w.store.cut > 0 && len(w.written) > w.store.cut:
		w.store.cut = 0
		return 0, errors.New("the part could not be stored")
	}
	w.written = append(w.written, b...)
	return len(b), nil
}

func (w *object) Close() error {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.stored = w.written
	return nil
}

// TestObjectStore uploads to a server that cannot do what others can, once in one go, and
// once after a failure in the middle.
func TestObjectStore(t *testing.T) {
	content := noise(1, 9<<20)
	for _, cut := range []int{0, 4 << 20} {
		o := &objects{cut: cut}
		var last event.ReadBack
		c := at(t, serveSFTP(t, pkgsftp.Handlers{FileGet: o, FilePut: o, FileCmd: o, FileList: o}), func(e event.Event) {
			if back, ok := e.(event.ReadBack); ok {
				last = back
			}
		})
		d := dumpOf(t, content)
		err := put(t.Context(), c, d)
		// This server works on several requests at a time, so some are out of order: then one
		// is sent after the other.
		for tries := 0; tries < 3 && retry.IsTransient(err); tries++ {
			err = put(t.Context(), c, d)
		}
		if err != nil || !bytes.Equal(o.stored, content) || !last.Over || last.Bytes != last.Total {
			t.Errorf("cut at %d: %v, equal: %t, %+v", cut, err, bytes.Equal(o.stored, content), last)
		}
	}
}

// TestServerThatLosesBytes says so only at the end: what it acknowledged is sent again.
func TestServerThatLosesBytes(t *testing.T) {
	for _, unreadable := range []bool{false, true} {
		l, content := &losing{unreadable: unreadable}, noise(1, 24<<20)
		c := at(t, l.serve(t), func(event.Event) {})
		d := dumpOf(t, content)
		err := put(t.Context(), c, d)
		if err == nil || !retry.IsTransient(err) {
			t.Errorf("unreadable: %t: the loss was not noticed: %v", unreadable, err)
		}
		if err = put(t.Context(), c, d); err != nil || !bytes.Equal(l.file, content) {
			t.Errorf("unreadable: %t: %v, equal: %t", unreadable, err, bytes.Equal(l.file, content))
		}
	}
}
