package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/run"
)

// carryOut does what a command's options say and reports how it ended. It returns the
// exit status.
func (p *program) carryOut(command string, o options) int {
	if err := p.keep(o.local); err != nil {
		return p.invalid(err)
	}
	o.command = job.CommandNamed(command)
	err := p.readKey(&o)
	plan, planErr := run.Make(o.inputs(), run.Surroundings{
		Workspace: p.workspace(), Event: p.getenv("GITHUB_EVENT_NAME"), Specs: specs(), Getenv: p.getenv, Dial: p.dial, Version: Version(),
	})
	p.mask(plan.RequestKey, plan.Contract, plan.HandleSecret, plan.Ticket().Key.Reveal())
	told := report.New(p.runner, plan.Timeout)
	told.InputName = p.inputName
	p.show(told)
	err = errors.Join(err, planErr)
	if err == nil {
		err = p.runner.CheckOutputs()
	}
	var ending job.Ending
	if err == nil {
		ending, err = plan.Do(p.ctx, told)
	}
	if err != nil {
		ending = job.Ending{Result: job.InvalidInput, Err: err, Ticket: plan.Ticket()}
	}
	return p.finish(told, plan, ending)
}

// finish reports the ending and returns the exit status. What a later step cannot see
// is not a success.
func (p *program) finish(told *report.Report, plan *run.Plan, e job.Ending) int {
	fine := plan.IsFine(e)
	if lost := p.runner.OutputError(); fine && lost != nil {
		e.Result, e.Err, fine = job.Failure, &outputsError{e}, false
	}
	why := p.explain(e, plan.Command)
	why.Fine = fine
	next := plan.Resume(why.Command, e)
	if why.Code = next.Shell(); p.step {
		why.Code = next.Step(p.getenv("GITHUB_ACTION_REPOSITORY"), p.getenv("GITHUB_ACTION_REF"))
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
