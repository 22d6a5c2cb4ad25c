package job

import (
	"context"
	"fmt"
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

// pace ends a transfer that is too slow.
type pace struct {
	cancel context.CancelCauseFunc
	since  time.Time // when the window began; zero before the first byte
	at     int64     // bytes that had been moved by then
}

// newPace returns a context that ends if moved finds the transfer too slow.
func newPace(ctx context.Context) (context.Context, *pace) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &pace{cancel: cancel}
}

// moved is told how many bytes have been moved so far, and how many there are, -1 if that
// is not known. Before the first byte and after the last, the peer may take its time.
func (p *pace) moved(done, total int64) {
	now := time.Now()
	switch {
	case done <= 0, total >= 0 && done >= total:
		p.since = time.Time{}
	case p.since.IsZero() || done < p.at:
		p.since, p.at = now, done
	case now.Sub(p.since) < paceWindow:
	case done-p.at < paceBytes:
		p.cancel(retry.Transient(fmt.Errorf("the transfer is too slow: %d bytes in %v", done-p.at, paceWindow)))
	default:
		p.since, p.at = now, done
	}
}

func (p *pace) stop() { p.cancel(nil) }
