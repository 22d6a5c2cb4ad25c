package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/upgrade"
)

// end is one of the ways in which a command ends.
type end struct {
	result  job.Result
	status  int    // exit status
	help    string // for the documents
	explain func(job.Ending, job.Command) report.Explanation
}

// ends are part of the contract with users: the README lists them.
func ends() []end {
	return []end{
		{job.Success, 0, "The upgrade succeeded, and everything requested is there", explainSuccess},
		{job.Pending, 0, "The command did its work; the platform has not decided yet (`start`, `status`, `download`)", explainPending},
		{job.Failure, 1, "Something else went wrong, like an outage of the platform that did not end", explainFailure},
		{job.InvalidInput, 2, "An input is missing or wrong; no request was created and nothing was sent", explainInvalid},
		{job.PreflightFailed, 3, "The dump cannot work; no request was created and nothing was sent", explainPreflight},
		{job.Refused, 4, "The platform refused: the contract, the target, the dump or the key", explainRefused},
		{job.UploadFailed, 5, "The dump did not arrive", explainUpload},
		{
			job.UpgradeFailed,
			6,
			"The platform ended the upgrade as failed or cancelled (0 for `status`, and for a `download` that got everything requested all the same)",
			explainUpgradeFailed,
		},
		{job.Timeout, 7, "The platform is still at work after `timeout` (0 with `on-timeout: continue`)", explainTimeout},
		{job.DownloadFailed, 8, "A requested file could not be downloaded, or is not there yet", explainDownload},
		{
			job.CheckFailed,
			9,
			"The platform calls it done, but the database that came back is not complete, not Odoo's, or not at the target version",
			explainCheck,
		},
		{job.Interrupted, 130, "The run was canceled; what the platform was asked to do continues", explainInterrupted},
	}
}

func endOf(result job.Result) end {
	for _, e := range ends() {
		if e.result == result {
			return e
		}
	}
	return endOf(job.Failure)
}

func exitStatus(result job.Result) int { return endOf(result).status }

// explain puts the end of a command into words, with the names that inputs have here.
func (p *program) explain(e job.Ending, c job.Command) report.Explanation {
	why := explain(e, c)
	if e.Result == job.InvalidInput && why.Next == "" && errors.Is(e.Err, fs.ErrNotExist) {
		why.Next = p.missing()
	}
	why.Next = advice.Named(why.Next, p.inputName)
	_, undecided := errors.AsType[*job.UndecidedError](e.Err)
	if e.Result == job.InvalidInput || e.Result == job.PreflightFailed || undecided { // the text of another result may be the platform's
		why.Text = advice.Named(why.Text, p.inputName)
	}
	return why
}

// missing says what to do about a file that is not there.
func (p *program) missing() string {
	switch {
	case !p.step:
		return "Check the path: it is relative to the current folder."
	case isEmpty(p.workspace()):
		return "The workspace is empty. Check out the repository, or create the dump, in a step before this one, in the same job. " + actions.Mounted
	}
	return "Paths are relative to the workspace. Check that the step that creates it comes before this one, in the same job."
}

// isEmpty reports whether a folder has nothing but empty folders, like that for downloads.
func isEmpty(folder string) bool {
	entries, err := os.ReadDir(folder)
	return err == nil && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		inside, err := os.ReadDir(filepath.Join(folder, e.Name()))
		return err != nil || len(inside) > 0
	})
}

// inputName returns what an input is called where the user is, "" for what is none.
func (p *program) inputName(input string) string {
	known := slices.ContainsFunc(Inputs(), func(i Input) bool { return i.Name == input })
	switch {
	case !known:
		return ""
	case p.step:
		return input
	}
	return "--" + input
}

// explain puts the end of a command into words.
func explain(e job.Ending, c job.Command) report.Explanation {
	if lost, ok := errors.AsType[*outputsError](e.Err); ok {
		why := explain(lost.ending, c)
		why.Title = "Outputs lost"
		why.Text += " But " + lost.Error() + "."
		return why
	}
	if c.Downloads && !c.Creates && e.Err == nil {
		return explainDownloaded(e)
	}
	return endOf(e.Result).explain(e, c)
}

// failed is the explanation of an error that says itself what happened.
func failed(title string, e job.Ending) report.Explanation {
	return report.Explanation{Title: title, Text: sentence(e.Err), Next: hint(e.Err)}
}

func explainSuccess(e job.Ending, c job.Command) report.Explanation {
	if c.Name == "" {
		why := report.Explanation{Title: "Dump recognized", Text: "It can be sent."}
		if e.Dump.Opaque {
			why.Text = "What is in it is not known."
		}
		return why
	}
	why := report.Explanation{Title: "Upgrade succeeded", Text: done(e)}
	if e.Checked != nil && e.Checked.Copied {
		why.Title = "Sandbox run succeeded, nothing was upgraded"
	}
	if c.Downloads && len(e.Artifacts) == 0 {
		why.Text += " Nothing was to be downloaded."
	}
	return why
}

// done says where a request and its files are.
func done(e job.Ending) string {
	text := fmt.Sprintf("Request %s is %q.", e.Ticket.ID, e.Status.State)
	switch n := len(e.Artifacts); {
	case n == 1:
		text += " The requested file is in the workspace: " + e.Artifacts[0].Path
	case n > 1:
		text += fmt.Sprintf(" The %d files are in the workspace.", n)
	}
	return text
}

func explainDownloaded(e job.Ending) report.Explanation {
	why := report.Explanation{Title: "Download finished", Text: done(e)}
	switch {
	case e.Result == job.UpgradeFailed:
		why.Title += ", upgrade failed"
		why.Next = hint(e.Err)
	case e.Status.Phase == upgrade.Draft:
		why.Title += ", upgrade not started"
	case e.Result == job.Pending:
		why.Title += ", upgrade in progress"
	}
	return why
}

func explainPending(e job.Ending, _ job.Command) report.Explanation {
	why := report.Explanation{Title: "Upgrade in progress", Command: "run"}
	why.Text = fmt.Sprintf("The platform is working on request %s; its state is %q.", e.Ticket.ID, e.Status.State)
	if e.Status.Phase == upgrade.Queued {
		why.Text = fmt.Sprintf("Request %s is waiting on the platform; its state is %q.", e.Ticket.ID, e.Status.State)
	}
	if e.Status.Phase == upgrade.Draft {
		why.Title, why.Text = "Upgrade not started", stillDraft(e)
		if e.ProcessSent {
			why.Title = "Upgrade requested"
		}
	}
	return why
}

func explainUpgradeFailed(e job.Ending, _ job.Command) report.Explanation {
	why := report.Explanation{
		Title: "Upgrade failed", Text: fmt.Sprintf("The platform ended request %s as %q.", e.Ticket.ID, e.Status.State),
		Next:    "Read the platform's message and the upgrade notes. If they do not help, " + support(e) + ".",
		Command: "download",
	}
	if !e.Status.Sandbox {
		why.Request = request(e)
	}
	if len(e.Causes) > 0 {
		why.Next = "If that does not help, " + support(e) + "."
	}
	return why
}

func explainTimeout(e job.Ending, _ job.Command) report.Explanation {
	why := failed("Upgrade not finished in time", e)
	switch late, ok := errors.AsType[*job.TimeoutError](e.Err); {
	case ok && late.Last == nil && e.Status.Phase == upgrade.Draft:
		why.Text += " " + stillDraft(e)
	case ok && late.Last == nil:
		why.Text += " The platform keeps working on it."
	}
	why.Command = "run"
	return why
}

func explainInterrupted(e job.Ending, _ job.Command) report.Explanation {
	why := report.Explanation{Title: "Interrupted", Text: "The run was canceled."}
	if e.Ticket.ID != "" {
		why.Text += " " + left(e)
		why.Command = "run"
	}
	return why
}

func explainRefused(e job.Ending, _ job.Command) report.Explanation {
	why := failed("Refused by the platform", e)
	if e.Status.State != "" { // there is a status, so the key was right
		why.Text += fmt.Sprintf(" Before that, request %s was %q on the platform.", e.Ticket.ID, e.Status.State)
		why.Command = "run"
	}
	return why
}

func explainPreflight(e job.Ending, _ job.Command) report.Explanation {
	return failed("Dump not usable", e)
}

func explainUpload(e job.Ending, _ job.Command) report.Explanation {
	why := failed("Upload failed", e)
	why.Text += fmt.Sprintf(" Request %s is still a draft: the upgrade has not started.", e.Ticket.ID)
	why.Command = "run"
	return why
}

func explainDownload(e job.Ending, _ job.Command) report.Explanation {
	why := failed("Download failed", e)
	why.Command = "download"
	if _, early := errors.AsType[*job.NotReadyError](e.Err); early {
		why.Command = "run"
	}
	return why
}

func explainCheck(e job.Ending, _ job.Command) report.Explanation {
	if _, gated := errors.AsType[*job.GateError](e.Err); gated {
		return failed("Upgraded database differs from the dump", e)
	}
	if _, unknown := errors.AsType[*job.UndecidedError](e.Err); unknown {
		return failed("fail-on could not be decided", e)
	}
	why := failed("Upgraded database failed the check", e)
	why.Text = e.Err.Error() + "." // it may begin with a path
	why.Next = "The file is kept. Run odoo-upgrade inspect on it, and " + support(e) + ". To only get a warning for such a database, set {check} to warn."
	return why
}

func explainInvalid(e job.Ending, _ job.Command) report.Explanation {
	why := failed("Invalid input", e)
	why.Text = e.Err.Error() // not as a sentence: it may begin with the name of an input
	return why
}

func explainFailure(e job.Ending, _ job.Command) report.Explanation {
	why := failed("Upgrade run failed", e)
	if e.Ticket.ID != "" {
		why.Text += fmt.Sprintf(" Request %s still exists on the platform.", e.Ticket.ID)
		why.Command = "run"
	}
	return why
}

// left says in which state a run that was stopped left its request.
func left(e job.Ending) string {
	id, state := e.Ticket.ID, e.Status.State
	switch {
	case state == "":
		return fmt.Sprintf("It had not checked the status of request %s yet.", id)
	case e.Status.Phase == upgrade.Draft:
		return draft(e)
	case e.Status.Phase.Ended():
		return fmt.Sprintf("The platform had already ended request %s as %q.", id, state)
	}
	return fmt.Sprintf("The platform keeps working on request %s; its last known state was %q.", id, state)
}

// draft says what is known of a request whose last status was a draft.
func draft(e job.Ending) string {
	if e.ProcessSent {
		return fmt.Sprintf(
			"The platform was asked to process request %s and may be at work on it; its last known state was still a draft.",
			e.Ticket.ID,
		)
	}
	return fmt.Sprintf("Request %s is a draft; nothing is being upgraded.", e.Ticket.ID)
}

// stillDraft is draft for one whose status was read after process was accepted.
func stillDraft(e job.Ending) string {
	if !e.ProcessSent {
		return draft(e)
	}
	return fmt.Sprintf(
		"The platform accepted the call to process request %s and may be at work on it, but the status has not changed since: it is still a draft. %s",
		e.Ticket.ID,
		report.StaleStatus,
	)
}

// sentence turns an error's text into one.
func sentence(err error) string {
	if err == nil {
		return ""
	}
	return advice.Sentence(err.Error())
}
