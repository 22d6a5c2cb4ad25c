package sftp

import (
	"sync"
	"time"

	"odoo-upgrade-action/internal/stall"
)

// traffic counts the requests of all sessions that have no response yet, and the bytes that
// arrive. A server may respond to every keep-alive and yet to no request any more, or with a
// few bytes now and then.
type traffic struct {
	mu     sync.Mutex
	count  int
	since  time.Time // of the last response, or of the first request without one
	moved  int       // bytes of data that arrived in this window
	window time.Time // its beginning: since then there was a request without a response
}

// add counts n requests, or responses if it is negative.
func (t *traffic) add(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == 0 && n > 0 {
		t.since, t.window, t.moved = time.Now(), time.Now(), 0
	}
	if n < 0 {
		t.since = time.Now()
	}
	t.count += n
}

// data counts bytes that arrive.
func (t *traffic) data(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.moved += n
}

// stalled returns why the traffic is as good as none: nothing arrived for too long, or next to
// nothing in all of a window. It is nil otherwise.
func (t *traffic) stalled() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.count == 0:
		return nil
	case time.Since(t.since) > stall.SFTPResponse:
		return stall.ErrSilent
	case time.Since(t.window) < stall.Window:
		return nil
	case t.moved > 0 && t.moved < stall.Bytes:
		return errTrickle
	}
	t.window, t.moved = time.Now(), 0
	return nil
}
