// Package job takes a database through the platform: inspect, create, upload,
// process, wait, download. It knows the order and what may be done twice; it knows
// neither a protocol nor what people read about a run.
//
// Give a Job a Platform and an observer, and call Do with a Command and a Plan. What
// happens is told as events; the Ending says what came of it.
package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/digest"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/inventory"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// Plan is what a job is to do. A job does not change it.
type Plan struct {
	Request    upgrade.Request
	Dump       string         // path of the dump
	DumpSHA256 string         // of the dump that the ticket's request was created for, "" if not known
	Ticket     upgrade.Ticket // of the request to continue; zero creates one

	PullRequest  string     // the event that runs it on a pull request's branch, "" for none: there the real database must not be upgraded
	Preflight    Strictness // of the dump, before anything is sent
	Check        Strictness // of the upgraded database
	Disk         Disk       // where the items go
	SkipTest     bool
	Timeout      time.Duration  // how long to wait for the platform
	PollInterval time.Duration  // the longest pause between two checks of the status
	Items        []upgrade.Item // to download

	Compare   bool                 // the upgraded database with the dump that was sent
	FailOn    []compare.Area       // findings in these areas fail the run
	Inventory *inventory.Inventory // of the dump that was sent, from an earlier job; nil without one
}

// Disk is a file system as far as it is known.
type Disk struct {
	Free  int64 // bytes
	Known bool
}

// MayUpgrade returns a *BranchError if the plan must not start a request with that
// aim.
func (p Plan) MayUpgrade(aim upgrade.Aim) error {
	if p.PullRequest != "" && aim == upgrade.Production {
		return &BranchError{p.PullRequest}
	}
	return nil
}

// Result is how a job ended, in the word that users get.
type Result string

// The results. Pending is for a job that did its work while the platform has not
// decided yet.
const (
	Success         Result = "success"
	Pending         Result = "pending"
	UpgradeFailed   Result = "upgrade-failed"
	Timeout         Result = "timeout"
	Interrupted     Result = "interrupted"
	Refused         Result = "refused"
	PreflightFailed Result = "preflight-failed"
	UploadFailed    Result = "upload-failed"
	DownloadFailed  Result = "download-failed"
	CheckFailed     Result = "check-failed"
	InvalidInput    Result = "invalid-input"
	Failure         Result = "error"
)

// Results returns all of them.
func Results() []Result {
	return []Result{
		Success,
		Pending,
		UpgradeFailed,
		Timeout,
		Interrupted,
		Refused,
		PreflightFailed,
		UploadFailed,
		DownloadFailed,
		CheckFailed,
		InvalidInput,
		Failure,
	}
}

// Ending is what is known when a job is over.
type Ending struct {
	Result      Result
	Err         error // nil if the command did its work
	Ticket      upgrade.Ticket
	Status      upgrade.Status // the last one
	ProcessSent bool           // the platform may be at work, whatever the last status says
	Dump        dump.Info      // zero if none was inspected
	Artifacts   []upgrade.Artifact
	Checked     *event.Checked  // nil if the upgraded database was not checked
	Compared    *event.Compared // nil if it was not compared
	Causes      []digest.Cause  // of a failed upgrade, what weighs most first
	Report      *event.ReportRead
}

// Job carries out plans.
type Job struct {
	Platform platform.Platform
	Observe  func(event.Event) // told everything that happens, from one goroutine
	Keeper   platform.Keeper   // of the request's reference
	// Save writes a small file beside what is downloaded, and returns its path as users
	// know it. Nil writes none.
	Save func(name, extension string, content []byte) (path string, err error)
	// SaveLog writes the log of a request beside what is downloaded, as read passes it on, without
	// secrets. Nil writes none.
	SaveLog func(t upgrade.Ticket, read func(io.Writer) error) (upgrade.Artifact, error)
}

// Do carries out a plan by a command. It creates a request or continues the plan's
// one, from the step that its phase names.
func (j Job) Do(ctx context.Context, c Command, plan Plan) Ending {
	r := &run{platform: j.Platform, plan: plan, tell: j.Observe, keeper: j.Keeper, save: j.Save, saveLog: j.SaveLog}
	r.seen.Ticket = plan.Ticket
	defer r.close(ctx)
	err := r.do(ctx, c)
	r.diagnose(ctx)
	return r.ending(ctx, err)
}

func (r *run) close(ctx context.Context) {
	c, ok := r.platform.(platform.Closer)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stall.Close)
	defer cancel()
	c.Close(ctx)
}

// run is a plan that is being carried out.
type run struct {
	platform platform.Platform
	plan     Plan
	tell     func(event.Event)
	keeper   platform.Keeper
	save     func(name, extension string, content []byte) (string, error)
	saveLog  func(upgrade.Ticket, func(io.Writer) error) (upgrade.Artifact, error)
	seen     Ending    // what the steps have brought so far
	logged   int64     // bytes of the platform's log that were told
	counting *counting // the inventory of the dump in the making, nil without one
}

// ending is what the steps have brought, with the result of err.
func (r *run) ending(ctx context.Context, err error) Ending {
	e := r.seen
	e.Err = err
	switch {
	case err != nil:
		e.Result = resultOf(ctx, err)
	case e.Status.Phase == upgrade.Done:
		e.Result = Success
	case e.Status.Phase == upgrade.Failed:
		e.Result = UpgradeFailed
	default:
		e.Result = Pending
	}
	return e
}

// do is the flow.
func (r *run) do(ctx context.Context, c Command) error {
	if err := r.possible(c); err != nil {
		return as(InvalidInput, err)
	}
	defer r.stopCounting()
	status, err := r.reach(ctx, c)
	if err != nil {
		return err
	}
	if c.Waits {
		status, err = r.wait(ctx, status)
		if _, late := errors.AsType[*TimeoutError](err); late {
			return errors.Join(err, r.keepInventory(ctx))
		}
		if err != nil {
			return err
		}
	}
	if err := r.keepInventory(ctx); err != nil {
		return err
	}
	if !c.Downloads {
		return nil
	}
	if !c.Waits {
		if err := r.ready(status); err != nil {
			return err
		}
	}
	if err := r.download(ctx, status); err != nil {
		return err
	}
	if err := r.check(ctx, status); err != nil {
		return err
	}
	r.platformReport(ctx, status)
	return r.gateReport(r.compare(ctx))
}

// reach brings the request to where the command needs it: for one that creates
// requests, to where the platform works on it.
func (r *run) reach(ctx context.Context, c Command) (upgrade.Status, error) {
	if r.plan.Ticket.ID == "" {
		return r.submit(ctx)
	}
	status, err := r.status(ctx, r.plan.Ticket)
	if err != nil {
		return status, err
	}
	draft := status.Phase == upgrade.Draft
	switch {
	case c.Creates && draft:
		return r.resume(ctx, status)
	case c.Creates:
		if err := r.isSameDump(ctx); err != nil {
			return status, as(InvalidInput, err)
		}
		return status, r.started(ctx, status)
	case c.Waits && draft:
		return status, as(InvalidInput, &DraftError{r.plan.Ticket.ID})
	}
	return status, nil
}

// isSameDump returns an error if the plan has another dump than the one that its request,
// which has it already, was created for: the result would be taken for this dump's.
func (r *run) isSameDump(ctx context.Context) error {
	if r.plan.Dump == "" || r.plan.DumpSHA256 == "" {
		return nil
	}
	d, err := dump.Inspect(ctx, r.plan.Dump, dump.Options{Digest: true})
	if err != nil {
		return fmt.Errorf("comparing the dump with the one that request %s was created for: %w", r.plan.Ticket.ID, err)
	}
	if err := r.sameDump(d); err != nil {
		return err
	}
	r.count(ctx, d)
	return nil
}

// submit takes the dump to a new request.
func (r *run) submit(ctx context.Context) (upgrade.Status, error) {
	var d dump.Info
	if r.plan.Dump != "" || len(r.platform.Spec().Takes) > 0 {
		var err error
		if d, err = r.inspect(ctx, r.plan.Request.Target); err != nil {
			return upgrade.Status{}, err
		}
	}
	ticket, err := r.create(ctx, d)
	if err != nil {
		return upgrade.Status{}, err
	}
	return r.send(ctx, ticket, d)
}

// resume takes the dump to a request that is a draft.
func (r *run) resume(ctx context.Context, status upgrade.Status) (upgrade.Status, error) {
	aim := upgrade.Aim(status.Get(upgrade.AimField))
	if err := r.plan.MayUpgrade(aim); err != nil {
		return status, as(InvalidInput, err)
	}
	if aim != upgrade.Test && r.plan.PullRequest != "" {
		return status, as(
			InvalidInput,
			fmt.Errorf(
				"the aim of the request is not known to be test, and on %s events only test requests are allowed: continue it by its handle",
				r.plan.PullRequest,
			),
		)
	}
	if r.plan.Dump == "" {
		return status, as(InvalidInput, &DraftError{r.plan.Ticket.ID})
	}
	target := r.plan.Request.Target
	if target.String() == "" {
		target, _ = upgrade.ParseSeries(status.Get(upgrade.TargetField))
	}
	d, err := r.inspect(ctx, target)
	if err != nil {
		return status, err
	}
	if err := r.sameDump(d); err != nil {
		return status, as(InvalidInput, err)
	}
	return r.send(ctx, r.plan.Ticket, d)
}

// send uploads the dump to a draft and has it processed, unless the platform does neither.
func (r *run) send(ctx context.Context, t upgrade.Ticket, d dump.Info) (upgrade.Status, error) {
	if len(r.platform.Spec().Takes) == 0 {
		return r.statusAgain(ctx, t)
	}
	uploaded, err := r.upload(ctx, t, d)
	if err != nil {
		return upgrade.Status{}, err
	}
	status, err := r.process(ctx, uploaded)
	if err == nil {
		r.count(ctx, d)
	}
	return status, err
}

// started continues with a request that was started before.
func (r *run) started(ctx context.Context, status upgrade.Status) error {
	switch status.Phase {
	case upgrade.Failed:
		r.finishLog(ctx, status.Ticket)
		return failed(status)
	case upgrade.Done:
		return nil
	}
	r.skipTest(ctx, status.Ticket) // an earlier run may have ended before it could
	return nil
}
