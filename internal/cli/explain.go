package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"syscall"

	"odoo-upgrade-action/internal/api"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/transfer"
	"odoo-upgrade-action/internal/upgrade"
)

// exitStatuses are part of the contract with users: the README lists them.
var exitStatuses = []struct {
	result job.Result
	status int
	help   string
}{
	{job.Success, 0, "The upgrade succeeded, and what was asked for is there"},
	{job.Pending, 0, "The command did its work; the platform has not decided yet (`start`, `status`, `download`)"},
	{job.Failure, 1, "Something else went wrong, like an outage of the platform that did not end"},
	{job.InvalidInput, 2, "An input is missing or wrong; no request was made and nothing sent"},
	{job.PreflightFailed, 3, "The dump cannot work; no request was made and nothing sent"},
	{job.Refused, 4, "The platform refused: the contract, the target, the dump or the key"},
	{job.UploadFailed, 5, "The dump did not arrive"},
	{job.UpgradeFailed, 6, "The platform ended the upgrade as failed or cancelled (0 where that was only to be told: `status`, and `download` of what there is all the same)"},
	{job.Timeout, 7, "The platform is still at work after `timeout` (0 with `on-timeout: continue`)"},
	{job.DownloadFailed, 8, "A file that was asked for could not be fetched, or is not there yet"},
	{job.Interrupted, 130, "The run was cancelled; what the platform was asked for goes on"},
}

func exitStatus(result job.Result) int {
	for _, s := range exitStatuses {
		if s.result == result {
			return s.status
		}
	}
	return 1
}

// explain puts the end of a command into words. o is nil where the inputs could
// not be read.
func explain(e job.Ending, command string, o *order) report.Explanation {
	why := report.Explanation{Fine: fine(e, command, o)}
	if e.Err != nil {
		why.Text = sentence(e.Err)
	}
	why.Next = hint(e.Err)
	id := e.Ticket.ID
	if command == "download" && e.Err == nil {
		_, why.Text = done(e, command)
		why.Title = "Download finished"
		switch {
		case e.Result == job.UpgradeFailed:
			why.Title += ", upgrade failed"
		case upgrade.IsDraft(e.Status.State):
			why.Title += ", upgrade not started"
		case e.Result == job.Pending:
			why.Title += ", upgrade under way"
		}
		return why
	}
	switch e.Result {
	case job.Success:
		why.Title, why.Text = done(e, command)
		if command == "inspect" {
			why.Title, why.Text = "Dump recognised", "Nothing speaks against sending it."
			if e.Dump.Opaque {
				why.Text = "What is in it is not known."
			}
		}
	case job.Pending:
		why.Title = "Upgrade under way"
		why.Text = fmt.Sprintf("Request %s is %q at the platform, which works on it.", id, e.Status.State)
		if upgrade.IsDraft(e.Status.State) {
			why.Title, why.Text = "Upgrade not started", draft(e)
			if e.Asked {
				why.Title = "Upgrade asked for"
			}
		}
		why.GoOn = "run"
	case job.UpgradeFailed:
		why.Title = "Upgrade failed"
		why.Text = fmt.Sprintf("The platform ended request %s as %q.", id, e.Status.State)
		why.Next = "Read the platform's message and its notes, or ask Odoo's support with the request's id."
		why.GoOn = "download"
	case job.Timeout:
		why.Title = "Upgrade not ended in time"
		if late, ok := errors.AsType[*job.TimeoutError](e.Err); ok && late.Last == nil {
			why.Text += " It goes on working."
		}
		why.GoOn = "run"
	case job.Interrupted:
		why.Title, why.Text, why.Next = "Interrupted", "The run was stopped before it ended.", ""
		if id != "" {
			why.Text += " " + left(e, o.states())
			why.GoOn = "run"
		}
	case job.Refused:
		why.Title = "Refused by the platform"
		if e.Status.State != "" { // it is known, so it was no wrong key
			why.Text += fmt.Sprintf(" Request %s was %q at the platform before.", id, e.Status.State)
			why.GoOn = "run"
		}
	case job.PreflightFailed:
		why.Title = "Dump not usable"
	case job.UploadFailed:
		why.Title = "Upload failed"
		why.Text += fmt.Sprintf(" Request %s stays a draft; nothing is processed.", id)
		why.GoOn = "run"
	case job.DownloadFailed:
		why.Title, why.GoOn = "Download failed", "download"
		if _, early := errors.AsType[*job.NotReadyError](e.Err); early {
			why.GoOn = "run"
		}
	case job.InvalidInput:
		// Not made a sentence: it may begin with an input's name.
		why.Title, why.Text = "Invalid input", e.Err.Error()
	default:
		why.Title = "Upgrade run failed"
		if id != "" {
			why.Text += fmt.Sprintf(" Request %s lives on at the platform.", id)
			why.GoOn = "run"
		}
	}
	return why
}

// left says where a run that was stopped leaves its request.
func left(e job.Ending, states upgrade.States) string {
	id, state := e.Ticket.ID, e.Status.State
	switch {
	case state == "":
		return fmt.Sprintf("It had not seen request %s yet.", id)
	case upgrade.IsDraft(state):
		return draft(e)
	case states.Verdict(state) != upgrade.Waiting:
		return fmt.Sprintf("The platform had ended request %s as %q by then.", id, state)
	}
	return fmt.Sprintf("What the platform was asked for goes on there: request %s was %q.", id, state)
}

// draft says what is known of a request that was a draft when it was last seen.
func draft(e job.Ending) string {
	if e.Asked {
		return fmt.Sprintf("The platform was asked to process request %s and may be at work on it; it was still a draft when it was last seen.", e.Ticket.ID)
	}
	return fmt.Sprintf("Request %s is a draft; nothing is being upgraded.", e.Ticket.ID)
}

// fine tells whether the command ended as it should have.
func fine(e job.Ending, command string, o *order) bool {
	switch e.Result {
	case job.Success:
		return true
	case job.Pending:
		return command == "start" || command == "status" || command == "download"
	case job.UpgradeFailed:
		return command == "status" || command == "download" && e.Err == nil // it looked, or fetched what there is, and that went well
	case job.Timeout:
		return o != nil && o.OnTimeout.goOn
	}
	return false
}

func done(e job.Ending, command string) (title, text string) {
	title = "Upgrade succeeded"
	if e.Status.Target != "" {
		title = fmt.Sprintf("Upgrade to %s succeeded", e.Status.Target)
	}
	text = fmt.Sprintf("Request %s is %q.", e.Ticket.ID, e.Status.State)
	switch n := len(e.Artifacts); {
	case n == 1:
		text += " The file that was asked for is in the workspace: " + e.Artifacts[0].Path
	case n > 1:
		text += fmt.Sprintf(" The %d files that were asked for are in the workspace.", n)
	case command == "run":
		text += " Nothing was to be downloaded."
	}
	return title, text
}

// hint says what to do about an error, "" where its text says it already.
func hint(err error) string {
	if refused, ok := errors.AsType[*upgrade.RefusedError](err); ok {
		return refusalHint(refused)
	}
	if page, ok := errors.AsType[*api.ResponseError](err); ok {
		switch page.Code {
		case http.StatusRequestEntityTooLarge:
			return "The dump is too large for an upload by HTTPS. Set transport to auto or sftp, or make a smaller one: pg_dump -Fc packs it."
		case http.StatusNotFound:
			return "Check server-url: is that the platform's address?"
		}
	}
	if _, ok := errors.AsType[*transfer.HostKeyError](err); ok {
		return "Compare the fingerprint with one that you trust: either the platform has a new key, and ssh-known-hosts has to be set to it, or somebody stands between."
	}
	if _, ok := errors.AsType[*transfer.LongerError](err); ok {
		return "Make a new request for this dump: run without handle and request-id."
	}
	if _, ok := errors.AsType[*job.DraftError](err); ok {
		return "Use run or start, and give dump, too."
	}
	if _, ok := errors.AsType[*job.NotReadyError](err); ok {
		return "Use run, which waits for it."
	}
	if _, ok := errors.AsType[*transfer.NoRoomError](err); ok {
		return "Make room, or set download-path to a folder on a larger disk."
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "The disk is full. Make room, or set download-path to a folder on a larger disk."
	case errors.Is(err, syscall.ENOTDIR), err != nil && strings.HasSuffix(err.Error(), "not a directory"): // os.Root has an error of its own
		return "A file has the name of that folder: move it, or set download-path to another one."
	case errors.Is(err, fs.ErrPermission):
		return "The program may not do that here. Look at the owner and the mode of that path."
	case errors.Is(err, fs.ErrNotExist):
		return "Paths are relative to the workspace. Is the step that makes it before this one, in the same job?"
	}
	return ""
}

// refusalHint names the input to look at. Reasons are an open set of
// SUBJECT:PROBLEM.
func refusalHint(refused *upgrade.RefusedError) string {
	if refused.Method == upgrade.SFTPMethod {
		return "The platform gives no SFTP access to the request as it is. Set transport to auto or https."
	}
	var hints []string
	for _, f := range refused.Failures {
		subject, problem, _ := strings.Cut(f.Reason, ":")
		if problem == "STATE" {
			continue // its message says more
		}
		switch subject {
		case "TARGET":
			hints = append(hints, "Set target to a version that the platform takes.")
		case "CONTRACT":
			hints = append(hints, "Check the contract: is the secret set, and does this workflow get it? Workflows on pull requests from forks get none.")
		case "REQUEST", "KEY":
			hints = append(hints, "Check request-id and request-key: they belong together, and to this server-url.")
		}
	}
	return strings.Join(hints, " ")
}

// sentence makes an error's text one.
func sentence(err error) string {
	text := err.Error()
	word, _, _ := strings.Cut(text, " ")
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" && word != "" { // and no name of a file
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}
