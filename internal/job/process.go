package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// process asks for the upgrade, once: where the platform may have accepted a call, the
// status says whether it has. A call that got another response, like 429, 503 or a page, it has
// not accepted: one check of the status is enough before the next. After a lost response, or a
// proxy's 502 or 504 in its place, the platform may still be at work on it.
func (r *run) process(ctx context.Context, u Uploaded) (status upgrade.Status, err error) {
	err = r.step(event.Process, func() error {
		var last error
		lost := false // a response, at any time
		err := outagePolicy.Do(ctx, func(ctx context.Context) error {
			if accepted, err := r.mayHaveAccepted(ctx, u.Ticket, last); accepted || err != nil {
				return err
			}
			last = r.callProcess(ctx, u.Ticket)
			if _, refused := errors.AsType[*upgrade.RefusedError](last); refused && lost {
				// The lost call may have been accepted between the check and this one.
				if now, err := r.statusAgain(ctx, u.Ticket); err == nil && now.Phase != upgrade.Draft {
					return nil
				}
			}
			lost = lost || httpcall.MayBeAccepted(last)
			return last
		}, r.retrying)
		if err != nil {
			return fmt.Errorf("asking to process the dump: %w", err)
		}
		r.skipTest(ctx, u.Ticket)
		status, err = r.statusAgain(ctx, u.Ticket)
		return err
	})
	return status, err
}

// mayHaveAccepted reports whether the platform has accepted the last call to process, which
// ended with last.
func (r *run) mayHaveAccepted(ctx context.Context, t upgrade.Ticket, last error) (bool, error) {
	_, unreached := errors.AsType[*upgrade.UnreachedError](last)
	switch {
	case httpcall.MayBeAccepted(last):
		r.tell(event.MayHaveAccepted{Watching: settleTime})
		return r.settled(ctx, t)
	case last != nil && !unreached:
		accepted, err := r.accepted(ctx, t)
		if accepted {
			r.seen.ProcessSent = true
		}
		return accepted, err
	}
	return false, nil
}

// callProcess calls process once, and notes if the platform may have received it.
func (r *run) callProcess(ctx context.Context, t upgrade.Ticket) error {
	err := httpcall.Outage(r.platform.Process(ctx, t))
	if err == nil || httpcall.MayBeAccepted(err) {
		r.seen.ProcessSent = true
	}
	return err
}

// accepted reports whether the request is past the phase in which it can be
// processed.
func (r *run) accepted(ctx context.Context, t upgrade.Ticket) (bool, error) {
	status, err := r.platform.Status(ctx, t)
	return err == nil && status.Phase != upgrade.Draft, httpcall.Outage(err)
}

// settleTime is how long the status may take to show that a call was accepted whose
// response was lost.
const settleTime = 2 * time.Minute

// settled is accepted for a call whose response was lost: the platform may still be at
// work on it.
func (r *run) settled(ctx context.Context, t upgrade.Ticket) (bool, error) {
	poll, deadline := retry.NewPoll(10*time.Second), time.Now().Add(settleTime)
	for {
		accepted, err := r.accepted(ctx, t)
		if accepted || err != nil || !time.Now().Before(deadline) {
			return accepted, err
		}
		if err := poll.Pause(ctx, deadline); err != nil {
			return false, err
		}
	}
}
