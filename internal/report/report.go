// Package report tells what a job does: as log lines, step outputs, annotations
// and a job summary. It decides how things are said, never what happens.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// Report tells of one job. Its methods are for one goroutine.
type Report struct {
	// Seal returns the handle of a request, "" where there can be none. Without
	// it no handle is handed on.
	Seal func(upgrade.Ticket, dump.Info) (string, error)

	out   *actions.Runner
	plan  job.Plan
	began time.Time

	dump     dump.Info
	ticket   upgrade.Ticket
	status   upgrade.Status    // the last that was told
	written  map[string]string // outputs, by name
	unknown  map[string]bool
	steps    []stepTook
	states   []stateSince
	lost     bool  // an output could not be written
	sent     int64 // bytes of the dump, so far
	progress pace  // of transfers
	waiting  pace  // of a platform that says nothing new
}

type stepTook struct {
	step job.Step
	took time.Duration
	err  error
}

type stateSince struct {
	state string
	at    time.Time
}

// New returns a report of a job with that plan.
func New(out *actions.Runner, plan job.Plan) *Report {
	return &Report{out: out, plan: plan, began: time.Now(), written: map[string]string{}, unknown: map[string]bool{}}
}

// Observe tells of an event.
func (r *Report) Observe(event job.Event) {
	switch e := event.(type) {
	case job.Began:
		r.begin(e.Step)
	case job.Ended:
		r.ended(e)
	case job.Inspected:
		r.dump = e.Dump
		r.Dump(e.Dump)
	case job.Created:
		r.Ticket(e.Ticket)
		r.out.Info("Request " + e.Ticket.ID + " created.")
	case job.Looked:
		r.looked(e)
	case job.Progress:
		r.transferred(e)
	case job.Fetched:
		r.fetched(e.Artifact)
	case job.Retrying:
		r.out.Info(fmt.Sprintf("%v. Next try in %v.", e.Err, e.Pause.Round(100*time.Millisecond)))
	case job.Warned:
		r.out.Warning("Odoo upgrade", e.Text)
	}
}

// Dump tells in a line what a dump is, and sets the outputs about it.
func (r *Report) Dump(d dump.Info) {
	line := []string{d.Name, size(d.Size), kindText(d)}
	if d.Odoo {
		line = append(line, strings.TrimSpace("Odoo "+d.Series))
	}
	if d.PostgreSQL != "" {
		line = append(line, "PostgreSQL "+d.PostgreSQL)
	}
	if d.SHA256 != "" {
		line = append(line, "SHA-256 "+d.SHA256)
	}
	r.out.Info("Dump: " + strings.Join(line, ", "))
	r.output("dump-sha256", d.SHA256)
	r.output("dump-kind", kindText(d))
	r.output("dump-odoo-version", d.Series)
	r.output("dump-postgresql", d.PostgreSQL)
}

// kindText is a dump's kind, with what is around it.
func kindText(d dump.Info) string {
	if d.Wrapped && d.Kind != dump.Gzip {
		return string(d.Kind) + ".gz"
	}
	return string(d.Kind)
}

// Ticket masks a request's key and hands its address on, at once: a step that
// is killed later has written it.
func (r *Report) Ticket(t upgrade.Ticket) {
	r.out.Mask(t.Key.Reveal())
	r.output("request-id", t.ID)
	r.output("request-key", t.Key.Reveal())
	r.ticket = t
	r.seal()
}

func (r *Report) seal() {
	if r.Seal == nil {
		return
	}
	sealed, err := r.Seal(r.ticket, r.dump)
	if err != nil {
		r.out.Warning("Output handle", err.Error())
	}
	r.output("handle", sealed)
}

// Reseal hands a new handle on, for something in it is known only now.
func (r *Report) Reseal() { r.seal() }

// Handle returns the handle that was handed on, "" if there is none.
func (r *Report) Handle() string { return r.written["handle"] }

// output sets a step output, unless it has that value already. That it cannot be
// set is told, but does not end a job that may have a database on its way.
func (r *Report) output(name, value string) {
	if was, ok := r.written[name]; ok && was == value || !ok && value == "" {
		return
	}
	r.written[name] = value
	if !secretOutput(name) {
		value = r.out.Redact(value) // a platform may repeat the key in any text
	}
	err := r.out.Output(name, value)
	if _, unwritable := errors.AsType[*fs.PathError](err); unwritable {
		if r.lost {
			return // said once
		}
		r.lost = true
	}
	if err != nil {
		r.out.Warning("Output "+name, err.Error())
	}
}

// Lost tells whether an output could not be written: steps that follow would
// read nothing.
func (r *Report) Lost() bool { return r.lost }

func (r *Report) begin(step job.Step) {
	now := time.Now()
	r.progress, r.waiting = newPace(now, 5*time.Second, time.Minute), newPace(now, time.Minute, 30*time.Minute)
	switch step {
	case job.Upload:
		r.out.Group("Uploading the dump")
	case job.Process:
		r.out.Info("Asking the platform to process the dump.")
	case job.Wait:
		r.out.Info("Waiting up to " + short(r.plan.Timeout) + " for the platform.")
	case job.Download:
		r.out.Group("Downloading")
	}
}

func (r *Report) ended(e job.Ended) {
	r.steps = append(r.steps, stepTook{e.Step, e.Took, e.Err})
	if e.Step == job.Upload || e.Step == job.Download {
		r.out.EndGroup()
	}
	if e.Err != nil {
		return // Finish tells it, once
	}
	switch e.Step {
	case job.Upload:
		r.out.Info(fmt.Sprintf("Uploaded %s in %s, %s/s.", size(r.sent), short(e.Took), size(rate(r.sent, e.Took))))
	case job.Wait:
		r.out.Info(fmt.Sprintf("The platform has ended the upgrade as %q.", r.status.State))
	}
}

// looked tells what is new in a status.
func (r *Report) looked(e job.Looked) {
	before, now := r.status, time.Now()
	r.maskURLs(e.Status)
	if e.Status.State != before.State {
		r.states = append(r.states, stateSince{e.Status.State, now})
	}
	if changed(before, e.Status) {
		r.statusOutputs(e.Status)
	}
	if lines := news(before, e.Status); len(lines) > 0 {
		for _, line := range lines {
			r.out.Info(line)
		}
		r.waiting = newPace(now, time.Minute, 30*time.Minute)
	} else if r.waiting.due(now) {
		r.out.Info(fmt.Sprintf("Still %q, %s after the start.", e.Status.State, short(now.Sub(r.began))))
	}
	if !e.Known && !r.unknown[e.Status.State] {
		r.unknown[e.Status.State] = true
		r.out.Warning("Unknown state", fmt.Sprintf(
			"The state %q is in no document of the platform. It counts as neither success nor failure: waiting goes on. If it means an end, list it in success-states or failure-states.", e.Status.State))
	}
	r.status = e.Status
}

// news lists what a person wants to know of a status that was not so before.
func news(before, now upgrade.Status) []string {
	var lines []string
	tell := func(format, was, is string) {
		if is != was && is != "" {
			lines = append(lines, fmt.Sprintf(format, is))
		}
	}
	if now.State != before.State && before.State != "" {
		lines = append(lines, "State: "+before.State+" → "+now.State)
	} else {
		tell("State: %s", before.State, now.State)
	}
	tell("Issue stage: %s", before.IssueStage, now.IssueStage)
	tell("Odoo version, as the platform sees it: %s", before.DatabaseVersion, now.DatabaseVersion)
	tell("Estimated time: %s", before.EstimatedTime, now.EstimatedTime)
	tell("Message of the platform: %s", before.CustomerMessage, now.CustomerMessage)
	return lines
}

// changed tells whether anything but the time is another one.
func changed(before, now upgrade.Status) bool {
	return !slices.EqualFunc(before.Fields(), now.Fields(), func(a, b upgrade.Field) bool {
		return a == b || a.Name == "elapsed" && b.Name == "elapsed"
	})
}

// maskURLs masks the addresses that a status gives, for who has one has the
// database. One that holds the key is masked by the key's mask.
func (r *Report) maskURLs(s upgrade.Status) {
	for _, field := range s.Fields() {
		if field.Secret && r.out.Redact(field.Value) == field.Value {
			r.out.Mask(field.Value)
		}
	}
}

func (r *Report) statusOutputs(s upgrade.Status) {
	for _, field := range s.Fields() {
		r.output(strings.ReplaceAll(field.Name, "_", "-"), field.Value)
	}
	r.output("request", s.Raw.Reveal())
}

func (r *Report) transferred(e job.Progress) {
	if e.Step == job.Upload {
		r.sent = e.Done
	}
	if !r.progress.due(time.Now()) {
		return
	}
	line := size(e.Done)
	if e.Total > 0 {
		line = fmt.Sprintf("%3d %%, %s of %s", e.Done*100/e.Total, size(e.Done), size(e.Total))
	}
	if e.Item != "" {
		line = string(e.Item) + ": " + line
	}
	r.out.Info(line)
}

func (r *Report) fetched(a upgrade.Artifact) {
	r.out.Info(fmt.Sprintf("%s: %s, %s, SHA-256 %s", a.Item, a.Path, size(a.Size), a.SHA256))
	r.output(string(a.Item)+"-path", a.Path)
	r.output(string(a.Item)+"-sha256", a.SHA256)
}

// Explanation is how a job's end is put to people.
type Explanation struct {
	Title string // a few words
	Text  string // what happened and what the platform is doing now, one paragraph
	Next  string // what to do next, one paragraph, or ""
	GoOn  string // the command to go on with, or ""
	Code  string // the YAML or the command to go on with, or ""
	Fine  bool   // whether this is an end that was asked for
}

// Finish tells how the job ended: the rest of the outputs, one annotation
// unless all is well, and the summary.
func (r *Report) Finish(e job.Ending, why Explanation) {
	if e.Status.State != "" {
		r.maskURLs(e.Status)
		r.statusOutputs(e.Status)
	}
	r.output("failures", failuresJSON(e.Err))
	r.output("result", string(e.Result))
	text := why.Text
	if why.Next != "" {
		text += "\n" + why.Next
	}
	switch {
	case !why.Fine:
		r.out.Error(why.Title, text)
	case e.Err != nil, e.Result == job.UpgradeFailed:
		r.out.Warning(why.Title, text)
	default:
		r.out.Info(why.Title + ". " + text)
	}
	if why.Code != "" {
		r.out.Info("To go on:")
		r.out.Info(why.Code)
	}
	if err := r.out.Summary(r.summary(e, why)); err != nil {
		r.out.Warning("Job summary", err.Error())
	}
}

// failuresJSON lists the platform's failures in the shape in which they came,
// "[]" where there are none.
func failuresJSON(err error) string {
	list := []map[string]any{}
	if refused, ok := errors.AsType[*upgrade.RefusedError](err); ok {
		for _, f := range refused.Failures {
			entry := map[string]any{"reason": f.Reason, "message": f.Message}
			for key, value := range f.Other {
				entry[key] = value
			}
			for key, value := range map[string]string{"code": f.Code, "value": f.Value} {
				if value != "" {
					entry[key] = value
				}
			}
			if len(f.Expected) > 0 {
				entry["expected"] = f.Expected
			}
			list = append(list, entry)
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "[]"
	}
	return string(text)
}

func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// rate is bytes for each second.
func rate(n int64, d time.Duration) int64 { return int64(float64(n) / max(d.Seconds(), 1e-3)) }

// short writes a duration as a person reads it: 5h, 3m12s, 1.2s, 40ms.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		d = d.Round(time.Millisecond)
	case d < 10*time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Second)
	}
	text := d.String()
	for _, end := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, end) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// pace spaces repeated lines, ever more widely.
type pace struct {
	next           time.Time
	every, longest time.Duration
}

func newPace(now time.Time, first, longest time.Duration) pace {
	return pace{now.Add(first), first, longest}
}

func (p *pace) due(now time.Time) bool {
	if now.Before(p.next) {
		return false
	}
	p.every = min(p.every*3/2, p.longest)
	p.next = now.Add(p.every)
	return true
}
