// Package report puts what happens in a run into words: log lines, step outputs,
// annotations and the job summary. It decides how things are said, never what
// happens.
//
// Give New the runner, tell Observe every event, and call Finish once.
package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/upgrade"
)

// Report reports one run, to a console, outputs and a summary. Its methods are for one
// goroutine.
type Report struct {
	*console
	statuses
	transfers
	timeline
	// InputName returns what an input is called where the user is; it may be nil.
	InputName func(input string) string

	wait    time.Duration // the longest that the run waits for the platform
	odd     []string      // what the check warned of
	retried retried

	notCompared string // why the databases were not
}

// New returns a report of a run that waits for the platform that long.
func New(out *actions.Runner, wait time.Duration) *Report {
	c := &console{out: out}
	return &Report{
		console:   c,
		statuses:  statuses{outputs: &outputs{console: c, written: map[string]string{}}, began: time.Now(), unknown: map[string]bool{}},
		transfers: transfers{console: c},
		wait:      wait,
	}
}

// named names the inputs in a text of this program's own.
func (r *Report) named(text string) string {
	if r.InputName == nil {
		return text
	}
	return advice.Named(text, r.InputName)
}

// Live makes r draw the progress of transfers on a terminal, in place of lines now and then.
func (r *Report) Live(terminal io.Writer) { r.live = terminal }

// Observe reports an event.
func (r *Report) Observe(e event.Event) {
	switch e := e.(type) {
	case event.Began:
		r.begin(e.Step)
	case event.Ended:
		r.timeline.ended(e)
		r.end(e)
	case event.Inspected:
		r.inspected(e.Dump)
	case event.Created:
		r.ticket(e.Ticket)
		r.info("Request " + e.Ticket.ID + " created.")
	case event.Continuing:
		r.ticket(e.Ticket)
		doing := map[string]string{"status": "Checking", "wait": "Waiting for", "download": "Downloading files of"}[e.Command]
		r.info(cmp.Or(doing, "Continuing") + " request " + e.Ticket.ID + ".")
	case event.ProtocolChosen:
		r.output("protocol", e.Protocol)
		r.info("Protocol: " + e.Protocol + ".")
	case event.LogRead:
		r.logRead(e.Text)
	case event.StatusRead:
		r.reached(e.Status)
		r.statusRead(e.Status)
	case event.Progress:
		r.transferred(e)
	case event.ReadBack:
		r.readBack(e)
	case event.Downloaded:
		r.downloaded(e.Artifact)
	case event.Checked:
		r.checked(e)
	case event.Counted:
		r.output("inventory-path", e.Path)
		r.info("Inventory of the dump: " + e.Path)
	case event.Compared:
		r.compared(e)
	case event.ReportRead:
		r.reportRead(e)
	default:
		r.say(e)
	}
}

// Handle hands on the request's handle; there may be a newer one later.
func (r *Report) Handle(handle string) { r.output("handle", handle) }

// say reports an event that is a line in the log or a warning, and nothing else.
func (r *Report) say(e event.Event) {
	switch e := e.(type) {
	case event.Started:
		r.info(fmt.Sprintf("odoo-upgrade %s: %s, %s", e.Version, e.Command, e.Server))
	case event.Unencrypted:
		r.warn("Not encrypted", "server-url starts with http: the contract, the key and the dump go over the network unencrypted.")
	case event.RuledOut:
		r.info(r.named("Protocol " + e.Protocol + " needs {" + e.Input + "}, which is not set, so it is not used."))
	case event.Leftover:
		r.info(e.Path + " is there from an earlier run. The new file replaces it, or is put beside it if it has another extension.")
	case event.HandleNotSealed:
		r.warn("Output handle", e.Err.Error())
	case event.CreateRetried:
		r.warn("Odoo upgrade", "Creating the request again. If the platform received the first call, an empty draft remains there; you can ignore it.")
	case event.MayHaveAccepted:
		r.info(fmt.Sprintf("The platform may have accepted the call: watching the status for %s.", show.Duration(e.Watching)))
	case event.StillDraft:
		r.warn("Odoo upgrade", fmt.Sprintf("The status has not changed since the upgrade was requested: it is still %q. %s", e.State, StaleStatus))
	case event.SkipTestFailed:
		r.warn("Odoo upgrade", "The platform will test the upgraded database although skip-test is set: "+e.Err.Error())
	case event.DumpWarning:
		r.warn("Dump", r.named(e.Text))
	case event.CheckWarning:
		r.odd = append(r.odd, e.Text)
		r.warn("Upgraded database", e.Text)
	case event.NotesMissing:
		r.info("The platform's report is not there: " + e.Err.Error() + ".")
	case event.NotCompared:
		r.notCompared = e.Why
		r.info("Not compared with the dump that was sent: " + r.named(e.Why))
	case event.Notice:
		r.warn("Odoo upgrade", e.Text)
	case event.ItemMissing:
		r.info(fmt.Sprintf("The platform has no %s for this request: the upgrade added no files.", e.Item))
	case event.Retrying:
		r.retrying(e)
	case event.HostKeyLearned:
		r.info(fmt.Sprintf("SSH host key of %s: %s. It is trusted on first use and required from now on; to pin it, set ssh-known-hosts to: %s",
			e.Address, e.Fingerprint, e.KnownHosts))
	case event.SwitchedTransport:
		r.info(fmt.Sprintf("Switching from %s to %s: %v.", strings.ToUpper(e.From), strings.ToUpper(e.To), e.Err))
	case event.Resumed:
		where := "The platform already has"
		if e.Step == event.Download {
			where = "There are already"
		}
		r.info(fmt.Sprintf("%s the first %d of %d bytes: resuming there.", where, e.Done, e.Total))
	case event.StartedOver:
		text := "What the platform has is not the beginning of this dump: sending it from the first byte."
		if e.Step == event.Download {
			text = "What was downloaded before belongs to another file: downloading from the first byte."
		}
		r.info(text)
	}
}

// StaleStatus says why a status may be an old one.
const StaleStatus = "A proxy or a cache between this machine and the platform may answer with an old status."

// How often the same error is reported at first, and how far apart then: an outage lasts.
const (
	sameErrors  = 3
	sameErrorIn = time.Minute
)

// retrying reports that something is tried again.
func (r *Report) retrying(e event.Retrying) {
	text, now := e.Err.Error(), time.Now()
	if text != r.retried.text {
		r.retried = retried{text: text, pace: newPace(now, sameErrorIn, lastProgress)}
	}
	if r.retried.times++; r.retried.times > sameErrors && !r.retried.due(now) {
		return
	}
	r.info(fmt.Sprintf("%s. Retrying in %v.", text, e.Pause.Round(100*time.Millisecond)))
}

// retried is an error after which something is tried again and again.
type retried struct {
	text  string
	times int
	pace
}

// inspected reports in one line what a dump is, and sets the outputs about it.
func (r *Report) inspected(d dump.Info) {
	line := append([]string{d.Name, size(d.Size)}, identity(d)...)
	if d.SHA256 != "" {
		line = append(line, "SHA-256 "+d.SHA256)
	}
	r.info("Dump: " + strings.Join(line, ", "))
	r.output("dump-sha256", d.SHA256)
	r.output("dump-kind", d.Form.String())
	r.output("dump-odoo-version", d.Series)
	r.output("dump-postgresql", d.PostgreSQL)
}

// ticket masks a request's key and sets the outputs about it at once, so that they
// are there even if the step is killed.
func (r *Report) ticket(t upgrade.Ticket) {
	r.out.Mask(t.Key.Reveal())
	r.output("request-id", t.ID)
	r.output("request-key", t.Key.Reveal())
}

func (r *Report) begin(step event.Step) {
	now := time.Now()
	r.progress, r.waiting = newPace(now, firstProgress, lastProgress), newPace(now, time.Minute, 30*time.Minute)
	switch step {
	case event.Upload:
		r.group("Uploading the dump")
	case event.Process:
		r.info("Starting the upgrade.")
	case event.Compare:
		r.info("Comparing the upgraded database with the dump that was sent.")
	case event.Wait:
		r.info("Waiting for the upgrade, for up to " + show.Limit(r.wait) + ".")
	case event.Download:
		r.group("Downloading")
	}
}

func (r *Report) end(e event.Ended) {
	r.clearBar()
	r.bar = nil
	r.endLogGroup()
	if e.Step == event.Upload && e.Err == nil { // Finish reports errors, once
		r.info(fmt.Sprintf("Uploaded %s in %s.", size(r.moving.done), show.Duration(e.Took)))
	}
	if e.Step == event.Upload || e.Step == event.Download {
		r.out.EndGroup()
	}
}

func (r *Report) downloaded(a upgrade.Artifact) {
	r.info(fmt.Sprintf("%s: %s, %s, SHA-256 %s", a.Item, a.Path, size(a.Size), a.SHA256))
	r.output(string(a.Item)+"-path", a.Path)
	r.output(string(a.Item)+"-sha256", a.SHA256)
}
