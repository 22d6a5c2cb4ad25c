package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// outagePolicy is how often a call or a transfer is tried again: an outage of a quarter of
// an hour ends no run. That holds for all that may be repeated, which is everything but
// process: see there.
var outagePolicy = retry.Policy{First: 2 * time.Second, Longest: time.Minute, Budget: 15 * time.Minute}

// step does work as a step of the flow, and tells when it begins and ends.
func (r *run) step(step event.Step, work func() error) error {
	r.tell(event.Began{Step: step})
	start := time.Now()
	err := work()
	r.tell(event.Ended{Step: step, Took: time.Since(start), Err: err})
	return err
}

func (r *run) retrying(err error, pause time.Duration) {
	r.tell(event.Retrying{Err: err, Pause: pause})
}

// possible returns an error if the platform cannot do what the plan asks for.
func (r *run) possible(c Command) error {
	if _, skips := r.platform.(platform.SkipTester); c.Creates && r.plan.SkipTest && !skips {
		return platform.ErrAlwaysTests
	}
	if !c.Downloads {
		return nil
	}
	offers := r.platform.Spec().Offers
	for _, item := range r.plan.Items {
		switch {
		case len(offers) == 0:
			return advice.New("this platform offers no files", "Set {download} to none.")
		case !slices.Contains(offers, item):
			return fmt.Errorf("download: this platform does not offer %s, only %v", item, offers)
		}
	}
	return nil
}

// inspect recognizes the dump, and refuses what cannot work.
func (r *run) inspect(ctx context.Context, target upgrade.Target) (d dump.Info, err error) {
	err = r.step(event.Inspect, func() error {
		if d, err = dump.Inspect(ctx, r.plan.Dump, dump.Options{Digest: true}); err != nil {
			return as(InvalidInput, fmt.Errorf("inspecting the dump: %w", err))
		}
		r.seen.Dump = d
		r.tell(event.Inspected{Dump: d})
		return as(PreflightFailed, r.preflight(d, target))
	})
	return d, err
}

// sameDump returns an error if the request was created for another dump: what its
// name, its target and its handle say would be wrong.
func (r *run) sameDump(d dump.Info) error {
	if want := r.plan.DumpSHA256; want != "" && want != d.SHA256 {
		return fmt.Errorf(
			"the dump is not the one that request %s was created for: its SHA-256 is %s, not %s",
			r.plan.Ticket.ID,
			d.SHA256,
			want,
		)
	}
	return nil
}

// create creates the request. A second try may leave a draft of the first one, which
// costs nothing.
func (r *run) create(ctx context.Context, d dump.Info) (ticket upgrade.Ticket, err error) {
	warned := false
	retrying := func(err error, pause time.Duration) {
		r.retrying(err, pause)
		if httpcall.MayBeAccepted(err) && !warned {
			r.tell(event.CreateRetried{})
			warned = true
		}
	}
	err = r.step(event.Create, func() error {
		if d.Path != "" {
			if err := d.Unchanged(); err != nil {
				return as(PreflightFailed, err)
			}
		}
		return outagePolicy.Do(ctx, func(ctx context.Context) error {
			created, status, err := r.platform.Create(ctx, r.plan.Request)
			for errors.Is(err, platform.ErrOtherProtocol) {
				if err := r.acceptable(d); err != nil {
					return as(PreflightFailed, err)
				}
				created, status, err = r.platform.Create(ctx, r.plan.Request)
			}
			if err != nil {
				return fmt.Errorf("creating the request: %w", err)
			}
			ticket, r.seen.Ticket, r.seen.Status = created, created, status
			r.tell(event.Created{Ticket: ticket})
			r.keeper.Keep(platform.Reference{Ticket: ticket, DumpSHA256: d.SHA256, DumpSize: d.Size})
			r.tell(event.StatusRead{Status: status})
			return nil
		}, retrying)
	})
	return ticket, err
}

// Uploaded is a request that has all of its dump.
type Uploaded struct {
	Ticket upgrade.Ticket
	Status upgrade.Status
}

// upload sends the dump until the platform has all of it.
func (r *run) upload(ctx context.Context, t upgrade.Ticket, d dump.Info) (u Uploaded, err error) {
	err = r.step(event.Upload, func() error {
		err := r.whileItProgresses(ctx, func(ctx context.Context) (int64, error) {
			ctx, rate := stall.NewRate(ctx)
			defer rate.Stop()
			return r.platform.Upload(ctx, t, d, func(sent int64) {
				rate.At(sent, d.Size)
				r.tell(event.Progress{Step: event.Upload, Done: sent, Total: d.Size})
			})
		})
		if err == nil {
			err = d.Verify(ctx)
		}
		if err != nil {
			return as(UploadFailed, fmt.Errorf("uploading the dump: %w", err))
		}
		u, err = r.arrived(ctx, t, d)
		return err
	})
	return u, err
}

// arrived checks that the platform has the dump, not a part of it.
func (r *run) arrived(ctx context.Context, t upgrade.Ticket, d dump.Info) (Uploaded, error) {
	status, err := r.statusAgain(ctx, t)
	if err != nil {
		return Uploaded{}, err
	}
	if !status.Upload.Fits(d.Size) {
		return Uploaded{}, as(
			UploadFailed,
			fmt.Errorf("uploading the dump: the platform has %s, but the dump has %d bytes", status.Get(upgrade.Filesize), d.Size),
		)
	}
	return Uploaded{t, status}, nil
}

// skipTest asks for it if the plan says so. The upgrade has started by then, so a
// refusal is told but ends nothing.
func (r *run) skipTest(ctx context.Context, t upgrade.Ticket) {
	if !r.plan.SkipTest {
		return
	}
	err := outagePolicy.Do(ctx, func(ctx context.Context) error {
		return httpcall.Outage(r.platform.(platform.SkipTester).SkipTest(ctx, t))
	}, r.retrying)
	if err != nil && ctx.Err() == nil {
		r.tell(event.SkipTestFailed{Err: err})
	}
}

// status reads the status, through outages.
func (r *run) status(ctx context.Context, t upgrade.Ticket) (upgrade.Status, error) {
	return r.readStatus(ctx, func(ctx context.Context) (upgrade.Status, error) { return r.platform.Status(ctx, t) })
}

// statusAgain is status for a platform that has responded before: any error but a
// refusal is an outage.
func (r *run) statusAgain(ctx context.Context, t upgrade.Ticket) (upgrade.Status, error) {
	return r.readStatus(ctx, func(ctx context.Context) (upgrade.Status, error) {
		s, err := r.platform.Status(ctx, t)
		return s, httpcall.Outage(err)
	})
}

func (r *run) readStatus(ctx context.Context, read func(context.Context) (upgrade.Status, error)) (status upgrade.Status, err error) {
	err = outagePolicy.Do(ctx, func(ctx context.Context) (err error) {
		status, err = read(ctx)
		return err
	}, r.retrying)
	if err != nil {
		return status, fmt.Errorf("checking the status of request %s: %w", r.seen.Ticket.ID, err)
	}
	r.seen.Status = status
	r.tell(event.StatusRead{Status: status})
	return status, nil
}

// failed is the error for a request that ended without an upgraded database.
func failed(s upgrade.Status) error {
	return as(UpgradeFailed, &UpgradeFailedError{s.State, s.Get(upgrade.CustomerMessage)})
}

// lastCheck is how much longer than the plan's timeout the last check may take.
const lastCheck = time.Minute

// wait checks the status until the request has ended.
func (r *run) wait(ctx context.Context, status upgrade.Status) (upgrade.Status, error) {
	if status.Phase.Ended() {
		r.finishLog(ctx, status.Ticket)
		return status, outcome(status)
	}
	err := r.step(event.Wait, func() error {
		began, warned := time.Now(), false
		deadline := began.Add(r.plan.Timeout)
		checks, cancel := context.WithDeadline(ctx, deadline.Add(lastCheck))
		defer cancel()
		poll := retry.NewPoll(r.plan.PollInterval)
		for !status.Phase.Ended() {
			if !time.Now().Before(deadline) {
				return as(Timeout, &TimeoutError{After: r.plan.Timeout, State: status.State})
			}
			if err := poll.Pause(ctx, deadline); err != nil {
				return err
			}
			now, err := r.statusAgain(checks, status.Ticket)
			if err != nil && checks.Err() != nil && ctx.Err() == nil {
				return as(Timeout, &TimeoutError{r.plan.Timeout, status.State, err})
			}
			if err != nil {
				return err
			}
			if now.State != status.State {
				poll.Changed()
			}
			status = now
			if status.Phase == upgrade.Draft && r.seen.ProcessSent && !warned && time.Since(began) > settleTime {
				r.tell(event.StillDraft{State: status.State})
				warned = true
			}
			r.followLog(checks, status.Ticket)
		}
		r.finishLog(ctx, status.Ticket)
		return outcome(status)
	})
	return status, err
}

// outcome returns an error if the upgrade failed.
func outcome(s upgrade.Status) error {
	if s.Phase == upgrade.Failed {
		return failed(s)
	}
	return nil
}
