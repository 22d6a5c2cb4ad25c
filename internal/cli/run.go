package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/report"
)

// carryOut does what a command's options say and reports how it ended. It returns the
// exit status.
func (p *program) carryOut(command string, o options) int {
	if err := p.keep(o.local); err != nil {
		return p.invalid(err)
	}
	o.command = job.CommandNamed(command)
	o = o.trimmed()
	err := p.readKey(&o)
	p.mask(o.RequestKey, o.Contract, o.HandleSecret)
	planned, planErr := makePlan(o, surroundings{p.workspace(), p.getenv("GITHUB_EVENT_NAME"), required(string(o.Protocol))})
	p.mask(planned.plan.Ticket.Key.Reveal())
	told := report.New(p.runner, planned.plan.Timeout)
	p.show(told)
	seal := &sealer{planned: planned, report: told}
	err = errors.Join(err, planErr)
	if err == nil {
		err = p.runner.CheckOutputs()
	}
	var ending job.Ending
	if err == nil {
		ending, err = p.do(planned, seal)
	}
	if err != nil {
		ending = job.Ending{Result: job.InvalidInput, Err: err, Ticket: planned.plan.Ticket}
	}
	return p.finish(told, planned, ending, seal.handle)
}

// finish reports the ending and returns the exit status. What a later step cannot see
// is not a success.
func (p *program) finish(told *report.Report, o planned, e job.Ending, handle string) int {
	fine := o.isFine(e)
	if lost := p.runner.OutputError(); fine && lost != nil {
		e.Result, e.Err, fine = job.Failure, &outputsError{e}, false
	}
	why := p.explain(e, o.command)
	why.Fine = fine
	next := o.resume(why.Command, e, handle)
	if why.Code = next.shell(); p.step {
		why.Code = next.step(p.getenv("GITHUB_ACTION_REPOSITORY"), p.getenv("GITHUB_ACTION_REF"))
	}
	told.Finish(e, why)
	switch {
	case fine && p.runner.OutputError() != nil: // the last of them
		return exitStatus(job.Failure)
	case fine:
		return 0
	}
	return exitStatus(e.Result)
}

// isFine reports whether the command did what it was asked to do.
func (o options) isFine(e job.Ending) bool {
	return o.command.IsFine(e) || e.Result == job.Timeout && o.OnTimeout.succeed
}

// do connects the packages and carries out the plan. Its error is about the inputs.
func (p *program) do(o planned, seal *sealer) (job.Ending, error) {
	server, stop, err := p.serve(p.ctx, o)
	if err != nil {
		return job.Ending{}, err
	}
	defer stop()
	tell := seal.report.Observe
	tell(event.Started{Version: Version(), Command: o.command.Name, Server: httpcall.Shown(o.server)})
	folder, err := p.openFolder(o, tell)
	if err != nil {
		return job.Ending{}, err
	}
	plan := o.plan
	if folder != nil {
		defer folder.Close()
		plan.Disk.Free, plan.Disk.Known = folder.Free()
	}
	back, err := p.connect(o, server, folder, seal)
	if err != nil {
		return job.Ending{}, err
	}
	if isUnencrypted(server) {
		tell(event.Unencrypted{})
	}
	if plan.Ticket.ID != "" {
		tell(event.Continuing{Ticket: plan.Ticket, Command: o.command.Name})
		seal.Keep(platform.Reference{Ticket: plan.Ticket})
	}
	work := job.Job{Platform: back, Observe: tell, Keeper: seal}
	if folder != nil {
		work.Save = func(name, extension string, content []byte) (string, error) {
			return folder.Save(p.ctx, name, extension, content)
		}
	}
	return work.Do(p.ctx, o.command, plan), nil
}

// readKey reads the request's key from standard input if the options say so.
func (p *program) readKey(o *options) error {
	if o.RequestKey != "-" || p.step {
		return nil
	}
	line, _, err := bufio.NewReaderSize(p.stdin, 4096).ReadLine()
	if err != nil {
		return fmt.Errorf("reading request-key from standard input: %w", err)
	}
	o.RequestKey = strings.TrimSpace(string(line))
	return nil
}

func (p *program) mask(secrets ...string) {
	for _, secret := range secrets {
		p.runner.Mask(secret)
	}
}

// outputsError says that a command did its work, but that its outputs are lost.
type outputsError struct{ ending job.Ending }

func (e *outputsError) Error() string {
	return "the outputs could not be written: the steps that follow do not see them"
}
