package job

import (
	"context"
	"fmt"
	"sync"
	"time"

	"odoo-upgrade-action/internal/retry"
)

// A transfer has to move so many bytes in that time, about 1 KiB a second: a peer that
// sends a byte now and then would hold up a run forever. Less than that is as good as a
// broken connection.
const (
	paceWindow = 5 * time.Minute
	paceBytes  = 300 << 10
)

// pace ends a transfer that is too slow. Progress is bytes of the file, whatever else the
// peer sends. Where none at all are moved for a while, as while what is here is read and
// compared, the transport's own limits hold.
type pace struct {
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	begun bool  // the first byte was moved, and the last was not
	done  int64 // bytes that are there
	moved int64 // bytes that were moved in this window, those that are moved again included
	timer *time.Timer
}

// newPace returns a context that ends if at says that the transfer is too slow.
func newPace(ctx context.Context) (context.Context, *pace) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pace{cancel: cancel}
	p.timer = time.AfterFunc(paceWindow, p.check)
	return ctx, p
}

// at is told how many bytes are there, and how many there will be, -1 if that is not known.
// Before the first byte and after the last, the peer may take its time, which the transport
// limits.
func (p *pace) at(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	between := done > 0 && (total < 0 || done < total)
	switch {
	case between && !p.begun:
		p.window()
	case done > p.done:
		p.moved += done - p.done
	}
	p.begun, p.done = between, done
}

// window begins another one. The caller holds the lock.
func (p *pace) window() {
	p.moved = 0
	p.timer.Reset(paceWindow)
}

// check is called at the end of each window.
func (p *pace) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun && p.moved > 0 && p.moved < paceBytes {
		p.cancel(retry.Transient(fmt.Errorf("the transfer is too slow: %d bytes in %v", p.moved, paceWindow)))
		return
	}
	p.window()
}

func (p *pace) stop() {
	p.timer.Stop()
	p.cancel(nil)
}
