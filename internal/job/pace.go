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
// peer sends: it is not enough that it is alive.
type pace struct {
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	begun bool  // the first byte was moved, and the last was not
	at    int64 // bytes that had been moved when the window began
	done  int64 // bytes that have been moved
	timer *time.Timer
}

// newPace returns a context that ends if moved says that the transfer is too slow.
func newPace(ctx context.Context) (context.Context, *pace) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pace{cancel: cancel}
	p.timer = time.AfterFunc(paceWindow, p.check)
	return ctx, p
}

// moved is told how many bytes have been moved so far, and how many there are, -1 if that
// is not known. Before the first byte and after the last, the peer may take its time, which
// the transport limits.
func (p *pace) moved(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = done
	between := done > 0 && (total < 0 || done < total)
	if between && (!p.begun || done < p.at) {
		p.window()
	}
	p.begun = between
}

// window begins another one. The caller holds the lock.
func (p *pace) window() {
	p.at = p.done
	p.timer.Reset(paceWindow)
}

// check is called at the end of each window.
func (p *pace) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun && p.done-p.at < paceBytes {
		p.cancel(retry.Transient(fmt.Errorf("the transfer is too slow: %d bytes in %v", p.done-p.at, paceWindow)))
		return
	}
	p.window()
}

func (p *pace) stop() {
	p.timer.Stop()
	p.cancel(nil)
}
