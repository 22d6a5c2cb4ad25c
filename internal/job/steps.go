package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// run is a plan that is being carried out.
type run struct {
	Platform
	plan    Plan
	observe func(Event)
	ending  Ending
}

// How often the steps are tried again. A wait has to outlive an outage of the
// platform of a quarter of an hour; what is not begun yet should rather say
// soon what is wrong.
var (
	createPolicy = retry.Policy{First: 2 * time.Second, Longest: 15 * time.Second, Tries: 4}
	uploadPolicy = retry.Policy{First: 5 * time.Second, Longest: 30 * time.Second, Tries: 3}
	fetchPolicy  = retry.Policy{First: 2 * time.Second, Longest: 30 * time.Second, Tries: 8}
	outagePolicy = retry.Policy{First: 2 * time.Second, Longest: time.Minute, Budget: 15 * time.Minute}
)

// step does work as a step of the way, which is told when it begins and ends.
func (r *run) step(step Step, work func() error) error {
	r.observe(Began{step})
	start := time.Now()
	err := work()
	r.observe(Ended{step, time.Since(start), err})
	return err
}

// retrying returns a function to tell of a step's retries.
func (r *run) retrying(step Step) func(error, time.Duration) {
	return func(err error, pause time.Duration) { r.observe(Retrying{step, err, pause}) }
}

// begin brings the request to where the platform works on it.
func (r *run) begin(ctx context.Context) error {
	if r.plan.Ticket.ID == "" {
		return inOrder(ctx, r.inspect, r.create, r.upload, r.process)
	}
	if err := r.look(ctx); err != nil {
		return err
	}
	if upgrade.IsDraft(r.ending.Status.State) {
		if err := r.plan.MayUpgrade(upgrade.Aim(r.ending.Status.Aim)); err != nil {
			return as(InvalidInput, err)
		}
		if r.plan.Dump == "" {
			return as(InvalidInput, &DraftError{r.plan.Ticket.ID})
		}
		if r.plan.Request.Target.String() == "" {
			r.plan.Request.Target, _ = upgrade.ParseSeries(r.ending.Status.Target)
		}
		return inOrder(ctx, r.inspect, r.sameDump, r.upload, r.process)
	}
	if err := r.decided(); err != nil || r.reached() == Success {
		return err
	}
	r.skipTest(ctx) // an earlier run may have ended before it could
	return nil
}

func inOrder(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// inspect recognises the dump, and refuses what cannot work.
func (r *run) inspect(ctx context.Context) error {
	return r.step(Inspect, func() error {
		info, err := dump.Inspect(ctx, r.plan.Dump, dump.Options{Digest: true})
		if err != nil {
			return as(InvalidInput, fmt.Errorf("inspecting the dump: %w", err))
		}
		r.ending.Dump = info
		r.observe(Inspected{info})
		return as(PreflightFailed, r.preflight(info))
	})
}

// sameDump returns an error if the request was made for another dump: what its
// name, its target and its handle say would be wrong.
func (r *run) sameDump(context.Context) error {
	if want := r.plan.DumpSHA256; want != "" && want != r.ending.Dump.SHA256 {
		return as(InvalidInput, fmt.Errorf("the dump is not the one that request %s was made for: its SHA-256 is %s, not %s", r.ending.Ticket.ID, r.ending.Dump.SHA256, want))
	}
	return nil
}

// create makes the request. A second try may leave a draft of the first one,
// which costs nothing.
func (r *run) create(ctx context.Context) error {
	warned := false
	tell := func(err error, pause time.Duration) {
		r.observe(Retrying{Create, err, pause})
		if _, unreached := errors.AsType[*upgrade.UnreachedError](err); !unreached && !warned {
			r.observe(Warned{"The request is made a second time. If the platform took the first try, an empty draft stays behind there; it costs nothing."})
			warned = true
		}
	}
	return r.step(Create, func() error {
		if err := r.ending.Dump.Unchanged(); err != nil {
			return as(PreflightFailed, err)
		}
		return createPolicy.Do(ctx, func(ctx context.Context) error {
			ticket, status, err := r.Create(ctx, r.plan.Request)
			if err != nil {
				return fmt.Errorf("creating the request: %w", err)
			}
			r.ending.Ticket = ticket
			r.observe(Created{ticket})
			r.saw(status)
			return nil
		}, tell)
	})
}

// upload sends the dump until the platform has all of it.
func (r *run) upload(ctx context.Context) error {
	d := r.ending.Dump
	return r.step(Upload, func() error {
		err := r.whileItGetsOn(ctx, Upload, uploadPolicy, func(ctx context.Context, reached func(int64)) error {
			return r.Upload(ctx, r.ending.Ticket, d, func(sent, kept int64) {
				reached(kept)
				r.observe(Progress{Step: Upload, Done: sent, Total: d.Size})
			})
		})
		if err != nil {
			return as(UploadFailed, fmt.Errorf("uploading the dump: %w", err))
		}
		return r.arrived(ctx)
	})
}

// arrived checks that the platform has the dump, not a part of it.
func (r *run) arrived(ctx context.Context) error {
	if err := r.lookBy(ctx, looker(r.Status).patient); err != nil {
		return err
	}
	if shown := r.ending.Status.Filesize; !upgrade.FilesizeFits(shown, r.ending.Dump.Size) {
		return as(UploadFailed, fmt.Errorf("uploading the dump: the platform has %s of it, but it is %d bytes long", shown, r.ending.Dump.Size))
	}
	return nil
}

// process asks for the upgrade, once: when an answer is lost, the status tells
// whether the platform took the call.
func (r *run) process(ctx context.Context) error {
	return r.step(Process, func() error {
		lost := false
		err := outagePolicy.Do(ctx, func(ctx context.Context) error {
			if lost {
				if taken, err := r.taken(ctx); taken || err != nil {
					return err
				}
			}
			err := patient(r.Process(ctx, r.ending.Ticket))
			_, refused := errors.AsType[*upgrade.RefusedError](err)
			_, unreached := errors.AsType[*upgrade.UnreachedError](err)
			r.ending.Asked = r.ending.Asked || !refused && !unreached
			if refused && lost {
				// The lost call may have been taken between the look and this one.
				if taken, _ := r.taken(ctx); taken {
					return nil
				}
			}
			lost = lost || retry.IsTransient(err)
			return err
		}, r.retrying(Process))
		if err != nil {
			return fmt.Errorf("asking to process the dump: %w", err)
		}
		r.skipTest(ctx)
		return r.lookBy(ctx, looker(r.Status).patient)
	})
}

// taken tells whether the request is past the state in which it can be
// processed.
func (r *run) taken(ctx context.Context) (bool, error) {
	status, err := looker(r.Status).patient(ctx, r.ending.Ticket)
	return err == nil && !upgrade.IsDraft(status.State), err
}

// skipTest asks for it if the plan says so. The upgrade is under way by then;
// a refusal is told but ends nothing.
func (r *run) skipTest(ctx context.Context) {
	if !r.plan.SkipTest {
		return
	}
	err := createPolicy.Do(ctx, func(ctx context.Context) error {
		return r.SkipTest(ctx, r.ending.Ticket)
	}, r.retrying(Process))
	if err != nil && ctx.Err() == nil {
		r.observe(Warned{"The platform will test the upgraded database, although skip-test is set: " + err.Error()})
	}
}

// looker is the API's status method.
type looker func(context.Context, upgrade.Ticket) (upgrade.Status, error)

// look reads the status, through outages.
func (r *run) look(ctx context.Context) error { return r.lookBy(ctx, r.Status) }

func (r *run) lookBy(ctx context.Context, read looker) error {
	var status upgrade.Status
	err := outagePolicy.Do(ctx, func(ctx context.Context) (err error) {
		status, err = read(ctx, r.ending.Ticket)
		return err
	}, r.retrying(Wait))
	if err != nil {
		return fmt.Errorf("reading the status of request %s: %w", r.ending.Ticket.ID, err)
	}
	r.saw(status)
	return nil
}

// patient looks for whoever has had an answer before.
func (read looker) patient(ctx context.Context, t upgrade.Ticket) (upgrade.Status, error) {
	status, err := read(ctx, t)
	return status, patient(err)
}

// patient takes everything but a refusal for an outage: what stands in the place of
// a platform that answered before, a page of a proxy or of somebody's maintenance,
// will go.
func patient(err error) error {
	if _, refused := errors.AsType[*upgrade.RefusedError](err); refused || retry.IsTransient(err) {
		return err
	}
	return retry.Transient(err)
}

func (r *run) saw(status upgrade.Status) {
	r.ending.Status = status
	r.observe(Looked{status, r.plan.States.Known(status.State)})
}

// started returns an error for a request that would be waited for in vain.
func (r *run) started(context.Context) error {
	if upgrade.IsDraft(r.ending.Status.State) {
		return as(InvalidInput, &DraftError{r.ending.Ticket.ID})
	}
	return nil
}

// decided returns an error if the request has failed.
func (r *run) decided() error {
	s := r.ending.Status
	if r.plan.States.Verdict(s.State) == upgrade.Failed {
		return as(UpgradeFailed, &UpgradeFailedError{s.State, s.CustomerMessage})
	}
	return nil
}

// lastLook is how much longer than the plan's timeout the last look may take.
const lastLook = time.Minute

// wait looks at the request until it has ended.
func (r *run) wait(ctx context.Context) error {
	if r.plan.States.Verdict(r.ending.Status.State) != upgrade.Waiting {
		return r.decided()
	}
	return r.step(Wait, func() error {
		deadline := time.Now().Add(r.plan.Timeout)
		looks, cancel := context.WithDeadline(ctx, deadline.Add(lastLook))
		defer cancel()
		poll := retry.NewPoll(r.plan.PollInterval)
		for {
			if r.plan.States.Verdict(r.ending.Status.State) != upgrade.Waiting {
				return r.decided()
			}
			if !time.Now().Before(deadline) {
				return as(Timeout, &TimeoutError{After: r.plan.Timeout, State: r.ending.Status.State})
			}
			if err := poll.Pause(ctx, deadline); err != nil {
				return err
			}
			before := r.ending.Status.State
			err := r.lookBy(looks, looker(r.Status).patient)
			if err != nil && looks.Err() != nil && ctx.Err() == nil {
				return as(Timeout, &TimeoutError{r.plan.Timeout, r.ending.Status.State, err})
			}
			if err != nil {
				return err
			}
			if r.ending.Status.State != before {
				poll.Changed()
			}
		}
	})
}

// ready returns an error if the plan wants something upgraded of a request that
// has nothing.
func (r *run) ready(context.Context) error {
	upgraded := false
	for _, item := range r.plan.Items {
		upgraded = upgraded || strings.HasPrefix(string(item), "upgraded")
	}
	if !upgraded {
		return nil
	}
	if r.plan.States.Verdict(r.ending.Status.State) == upgrade.Waiting {
		return as(DownloadFailed, &NotReadyError{r.ending.Status.State})
	}
	return r.decided()
}

func (r *run) download(ctx context.Context) error {
	if len(r.plan.Items) == 0 {
		return nil
	}
	return r.step(Download, func() error {
		for _, item := range r.plan.Items {
			if err := r.fetch(ctx, item); err != nil {
				return as(DownloadFailed, fmt.Errorf("downloading %s: %w", item, err))
			}
		}
		return nil
	})
}

// whileItGetsOn tries a transfer as the policy says, and again as long as each
// round of tries reaches further than the one before.
func (r *run) whileItGetsOn(ctx context.Context, step Step, policy retry.Policy, transfer func(ctx context.Context, reached func(int64)) error) error {
	furthest := int64(0)
	for {
		before := furthest
		err := policy.Do(ctx, func(ctx context.Context) error {
			return transfer(ctx, func(n int64) { furthest = max(furthest, n) })
		}, r.retrying(step))
		if err == nil || !retry.IsTransient(err) || furthest == before {
			return err
		}
	}
}

// fetch brings one item.
func (r *run) fetch(ctx context.Context, item upgrade.Item) error {
	from := r.ending.Status.URL(item)
	if from == "" {
		return errors.New("the platform names no place for it")
	}
	var artifact upgrade.Artifact
	err := r.whileItGetsOn(ctx, Download, fetchPolicy, func(ctx context.Context, reached func(int64)) (err error) {
		artifact, err = r.Fetch(ctx, r.ending.Ticket, item, from, func(done, total int64) {
			reached(done)
			r.observe(Progress{Download, item, done, total})
		})
		return err
	})
	if err != nil {
		return err
	}
	r.ending.Artifacts = append(r.ending.Artifacts, artifact)
	r.observe(Fetched{artifact})
	return nil
}
