package sftp

import (
	"bufio"
	"net"
	"sync"
	"time"
)

// watchedConn closes itself when nothing comes for too long, and makes few, large
// calls of the system out of many small ones.
type watchedConn struct {
	net.Conn
	in      *bufio.Reader
	out     *outbox
	timer   *time.Timer
	silence time.Duration
	mu      sync.Mutex
	silent  bool
	tell    func()
	heard   func() // told, unless nil, that the first bytes came
}

// batch is how many bytes go into and out of a connection with one call of the
// system, about: x/crypto/ssh makes two and more for each 32 KiB.
const batch = 256 << 10

func watch(conn net.Conn, silence time.Duration) *watchedConn {
	w := &watchedConn{Conn: conn, in: bufio.NewReaderSize(conn, batch), out: newOutbox(conn), silence: silence}
	w.timer = time.AfterFunc(silence, func() {
		w.mu.Lock()
		w.silent = true
		tell := w.tell
		w.mu.Unlock()
		if tell != nil {
			tell()
		}
		_ = w.Close()
	})
	return w
}

func (w *watchedConn) whenSilent(tell func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell = tell
}

func (w *watchedConn) Read(b []byte) (int, error) {
	fresh := w.in.Buffered() == 0
	n, err := w.in.Read(b)
	if n > 0 && fresh {
		w.timer.Reset(w.silence)
		if w.heard != nil {
			w.heard()
			w.heard = nil
		}
	}
	return n, w.cause(err)
}

func (w *watchedConn) Write(b []byte) (int, error) { return w.out.put(b) }

// cause tells silence from whatever it led to.
func (w *watchedConn) cause(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent && err != nil {
		return ErrSilent
	}
	return err
}

func (w *watchedConn) Close() error {
	w.timer.Stop()
	w.out.fail(net.ErrClosed)
	return w.Conn.Close()
}

// outbox gathers what is to be written while the system is busy with what came
// before it. An error of writing is told to whoever writes next.
type outbox struct {
	mu      sync.Mutex
	changed *sync.Cond
	pending []byte
	err     error // once it is over
}

// newOutbox is a way into conn, until it fails.
func newOutbox(conn net.Conn) *outbox {
	o := new(outbox)
	o.changed = sync.NewCond(&o.mu)
	go o.empty(conn)
	return o
}

// put takes over b, as soon as there is room.
func (o *outbox) put(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && len(o.pending) > 0 && len(o.pending)+len(b) > batch {
		o.changed.Wait()
	}
	if o.err != nil {
		return 0, o.err
	}
	if len(o.pending) == 0 {
		o.changed.Broadcast()
	}
	o.pending = append(o.pending, b...)
	return len(b), nil
}

// fail ends it; the first error counts.
func (o *outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.changed.Broadcast()
}

// empty writes what is put in.
func (o *outbox) empty(conn net.Conn) {
	var b []byte
	for o.take(&b) {
		if _, err := conn.Write(b); err != nil {
			o.fail(err)
		}
	}
}

// take exchanges b, which is written, for what is to be written next. It returns
// false when it is over.
func (o *outbox) take(b *[]byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.pending) == 0 && o.err == nil {
		o.changed.Wait()
	}
	*b, o.pending = o.pending, (*b)[:0]
	o.changed.Broadcast()
	return o.err == nil
}
