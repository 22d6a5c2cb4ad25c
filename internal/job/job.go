// Package job is the way of a database through the platform: inspect, create,
// upload, process, wait, download. It knows the order and what may be done
// twice; how things travel is the business of whoever implements its interfaces.
package job

import (
	"context"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/upgrade"
)

// Requests is the part of the API that makes a request and looks at it.
type Requests interface {
	Create(context.Context, upgrade.Request) (upgrade.Ticket, upgrade.Status, error)
	Status(context.Context, upgrade.Ticket) (upgrade.Status, error)
}

// Processing is the part of the API that sets a request going.
type Processing interface {
	Process(context.Context, upgrade.Ticket) error
	SkipTest(context.Context, upgrade.Ticket) error
}

// Uploader brings a dump to the platform, once, and tells the bytes sent so far
// and those of them that a next try need not send again.
type Uploader interface {
	Upload(ctx context.Context, t upgrade.Ticket, d dump.Info, progress func(sent, kept int64)) error
}

// Fetcher brings an item from the platform, once, and tells the bytes there so
// far and all there will be, -1 while that is not known.
type Fetcher interface {
	Fetch(ctx context.Context, t upgrade.Ticket, item upgrade.Item, from upgrade.Secret, progress func(done, total int64)) (upgrade.Artifact, error)
}

// Platform is all that a job needs of the outside.
type Platform struct {
	Requests
	Processing
	Uploader
	Fetcher
}

// Plan is what a job is to do.
type Plan struct {
	Request    upgrade.Request
	Dump       string         // path of the dump
	DumpSHA256 string         // of the dump that the ticket's request was made for, "" where nobody knows
	Ticket     upgrade.Ticket // of the request to go on with; zero makes a new one

	PullRequest  string // the event that runs it on anybody's branch, "" for none: there the real database must not be upgraded
	Preflight    Preflight
	Room         int64 // bytes free where the items land, -1 where nobody knows
	SkipTest     bool
	Timeout      time.Duration // how long to wait for the platform
	PollInterval time.Duration // the longest pause between two looks
	States       upgrade.States
	Items        []upgrade.Item // to download
}

// MayUpgrade returns a *BranchError if the plan must not set a request of that aim
// going.
func (p Plan) MayUpgrade(aim upgrade.Aim) error {
	if p.PullRequest != "" && aim == upgrade.Production {
		return &BranchError{p.PullRequest}
	}
	return nil
}

// Result is how a job ended, in the word that users get.
type Result string

// The results. Pending stands for a job that did its work while the platform
// has not decided yet.
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
	InvalidInput    Result = "invalid-input"
	Failure         Result = "error"
)

// Ending is what is known when a job is over.
type Ending struct {
	Result    Result
	Err       error // nil with Success and Pending
	Ticket    upgrade.Ticket
	Status    upgrade.Status // the last that was seen
	Asked     bool           // to process the request: it may be at work, whatever was seen last
	Dump      dump.Info      // zero where none was inspected
	Artifacts []upgrade.Artifact
}

// Job carries out plans.
type Job struct {
	Platform Platform
	Observe  func(Event) // told everything that happens, from one goroutine
}

// Run takes a dump all the way, or goes on with the plan's ticket at the step
// where the request stands.
func (j Job) Run(ctx context.Context, plan Plan) Ending {
	return j.do(ctx, plan, (*run).begin, (*run).wait, (*run).download)
}

// Start is Run up to and with process.
func (j Job) Start(ctx context.Context, plan Plan) Ending {
	return j.do(ctx, plan, (*run).begin)
}

// Wait waits until the plan's ticket, a request that was started, has ended.
func (j Job) Wait(ctx context.Context, plan Plan) Ending {
	return j.do(ctx, plan, (*run).look, (*run).started, (*run).wait)
}

// Status looks at the plan's ticket once. What it sees is in the result: no
// state makes it fail.
func (j Job) Status(ctx context.Context, plan Plan) Ending {
	return j.do(ctx, plan, (*run).look)
}

// Download fetches the plan's items of its ticket. With them there, what became of
// the upgrade is the result.
func (j Job) Download(ctx context.Context, plan Plan) Ending {
	return j.do(ctx, plan, (*run).look, (*run).ready, (*run).download)
}

// do carries out steps until one fails.
func (j Job) do(ctx context.Context, plan Plan, steps ...func(*run, context.Context) error) Ending {
	r := &run{Platform: j.Platform, observe: j.Observe, plan: plan}
	r.ending.Ticket = plan.Ticket
	for _, step := range steps {
		if err := step(r, ctx); err != nil {
			r.ending.Result, r.ending.Err = resultOf(ctx, err), err
			return r.ending
		}
	}
	r.ending.Result = r.reached()
	return r.ending
}

// reached is the result of a job without an error.
func (r *run) reached() Result {
	switch r.plan.States.Verdict(r.ending.Status.State) {
	case upgrade.Succeeded:
		return Success
	case upgrade.Failed:
		return UpgradeFailed
	}
	return Pending
}
