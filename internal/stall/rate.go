package stall

import (
	"context"
	"fmt"
	"sync"
	"time"

	"odoo-upgrade-action/internal/retry"
)

// A transfer has to move so many bytes of the file in that time, about 1 KiB a second: a peer
// that sends a byte now and then would hold up a run forever. Less than that is as good as a
// broken connection.
const (
	Window = 5 * time.Minute
	Bytes  = 300 << 10
)

// Rate ends a transfer that is too slow. Progress is bytes of the file, whatever else the
// peer sends. Where none at all are moved for a while, as while what is here is read and
// compared, the transport's own limits hold.
type Rate struct {
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	begun bool  // the first byte was moved, and the last was not
	done  int64 // bytes that are there
	moved int64 // bytes that were moved in this window, those that are moved again included
	timer *time.Timer
}

// NewRate returns a context that ends if At says that the transfer is too slow.
func NewRate(ctx context.Context) (context.Context, *Rate) {
	ctx, cancel := context.WithCancelCause(ctx)
	r := &Rate{cancel: cancel}
	r.timer = time.AfterFunc(Window, r.check)
	return ctx, r
}

// At is told how many bytes are there, and how many there will be, -1 if that is not known.
// Before the first byte and after the last, the peer may take its time, which the transport
// limits.
func (r *Rate) At(done, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	between := done > 0 && (total < 0 || done < total)
	switch {
	case between && !r.begun:
		r.window()
	case done > r.done:
		r.moved += done - r.done
	}
	r.begun, r.done = between, done
}

// window begins another one. The caller holds the lock.
func (r *Rate) window() {
	r.moved = 0
	r.timer.Reset(Window)
}

// check is called at the end of each window.
func (r *Rate) check() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun && r.moved > 0 && r.moved < Bytes {
		r.cancel(retry.Transient(fmt.Errorf("the transfer is too slow: %d bytes in %v", r.moved, Window)))
		return
	}
	r.window()
}

// Stop ends it.
func (r *Rate) Stop() {
	r.timer.Stop()
	r.cancel(nil)
}
