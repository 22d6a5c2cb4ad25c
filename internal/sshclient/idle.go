package sshclient

import (
	"bufio"
	"cmp"
	"net"
	"sync"
	"time"

	"odoo-upgrade-action/internal/stall"
)

// watchedConn closes itself when nothing arrives for too long, and combines many
// small reads and writes into few large system calls.
type watchedConn struct {
	net.Conn
	in      *bufio.Reader
	out     *outbox
	watch   *stall.Watch
	mu      sync.Mutex
	expired error // why, nil if it has not
	tell    func()
	heard   func() // called, unless nil, when the first bytes arrive
}

// batch is about how many bytes one system call reads or writes: x/crypto/ssh makes
// two and more for each 32 KiB.
const batch = 256 << 10

func watchIdle(conn net.Conn, idle time.Duration) *watchedConn {
	w := &watchedConn{Conn: conn, in: bufio.NewReaderSize(conn, batch), out: newOutbox(conn)}
	w.watch = stall.New(idle, func() { w.expire(stall.ErrSilent) })
	return w
}

// expire closes the connection for a reason, which all further calls return.
func (w *watchedConn) expire(why error) {
	w.mu.Lock()
	w.expired = cmp.Or(w.expired, why)
	tell := w.tell
	w.mu.Unlock()
	if tell != nil {
		tell()
	}
	_ = w.Close()
}

func (w *watchedConn) whenIdle(tell func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell = tell
}

func (w *watchedConn) Read(b []byte) (int, error) {
	fresh := w.in.Buffered() == 0
	n, err := w.in.Read(b)
	if n > 0 && fresh {
		w.watch.Feed()
		if w.heard != nil {
			w.heard()
			w.heard = nil
		}
	}
	return n, w.cause(err)
}

func (w *watchedConn) Write(b []byte) (int, error) { return w.out.put(b) }

// cause returns why the connection expired for an error that this led to.
func (w *watchedConn) cause(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.expired != nil && err != nil {
		return w.expired
	}
	return err
}

func (w *watchedConn) Close() error {
	w.watch.Stop()
	w.out.fail(net.ErrClosed)
	return w.Conn.Close()
}

// outbox gathers what is to be written while an earlier write is in progress. The
// next caller gets the error of a write that failed.
type outbox struct {
	mu      sync.Mutex
	changed *sync.Cond
	pending []byte
	err     error // once it has ended
}

// newOutbox returns an outbox for conn.
func newOutbox(conn net.Conn) *outbox {
	o := new(outbox)
	o.changed = sync.NewCond(&o.mu)
	go o.empty(conn)
	return o
}

// put adds b as soon as it fits.
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

// fail ends the outbox; the first error counts.
func (o *outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.changed.Broadcast()
}

// empty writes what put adds.
func (o *outbox) empty(conn net.Conn) {
	var b []byte
	for o.take(&b) {
		if _, err := conn.Write(b); err != nil {
			o.fail(err)
		}
	}
}

// take exchanges b, which is written, for what is to be written next. It returns
// false at the end.
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
