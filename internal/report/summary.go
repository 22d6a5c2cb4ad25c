package report

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// summary is the job summary, in GitHub's Markdown.
func (r *Report) summary(e job.Ending, why Explanation) string {
	var b strings.Builder
	b.WriteString("## " + mark(e.Result, why) + " " + r.text(why.Title) + "\n\n")
	b.WriteString(r.text(why.Text) + "\n")
	if why.Next != "" {
		b.WriteString("\n**What to do:** " + r.text(why.Next) + "\n")
	}
	r.writeFailures(&b, e.Err)
	if e.Status.Get(upgrade.CustomerMessage) != "" {
		b.WriteString("\n> **The platform says:** " + r.text(e.Status.Get(upgrade.CustomerMessage)) + "\n")
	}
	if e.Result == job.UpgradeFailed {
		r.writeLog(&b)
	}
	r.writeFacts(&b, e)
	r.writeFiles(&b, e.Artifacts)
	r.writeSteps(&b)
	if why.Code != "" {
		language := "sh"
		if strings.HasPrefix(why.Code, "with:") {
			language = "yaml"
		}
		fence := fenceFor(why.Code)
		b.WriteString("\n### To continue\n\n" + fence + language + "\n" + why.Code + "\n" + fence + "\n")
	}
	return b.String()
}

// fenceFor returns a fence that no line of the code ends: a dump's name may have anything.
func fenceFor(code string) string {
	fence := "```"
	for strings.Contains(code, fence) {
		fence += "`"
	}
	return fence
}

func mark(result job.Result, why Explanation) string {
	switch {
	case result == job.Success:
		return "✅"
	case result == job.Pending, result == job.Timeout && why.Fine:
		return "⏳"
	case result == job.Interrupted:
		return "🛑"
	}
	return "❌"
}

func (r *Report) writeFailures(b *strings.Builder, err error) {
	refused, ok := errors.AsType[*upgrade.RefusedError](err)
	if !ok {
		return
	}
	b.WriteString("\n| Reason | Message | Expected |\n|---|---|---|\n")
	for _, f := range refused.Failures {
		fmt.Fprintf(b, "| %s | %s | %s |\n", r.code(f.Reason), r.text(f.Message), r.text(strings.Join(f.Expected, ", ")))
	}
}

func (r *Report) writeFacts(b *strings.Builder, e job.Ending) {
	b.WriteString("\n| | |\n|---|---|\n")
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "| %s | %s |\n", name, value)
		}
	}
	row("Result", r.code(string(e.Result)))
	row("Request", r.code(e.Ticket.ID))
	row("State", r.stateWay(e.Status.State))
	row("Target", r.text(e.Status.Get(upgrade.TargetField)))
	row("Aim", r.text(e.Status.Get(upgrade.AimField)))
	if e.Dump.Size > 0 {
		row("Dump", fmt.Sprintf("%s, %s, %s", r.code(e.Dump.Name), size(e.Dump.Size), e.Dump.Form()))
		row("Dump's Odoo", r.text(e.Dump.Series))
		row("Dump's PostgreSQL", r.text(e.Dump.PostgreSQL))
		row("Dump's SHA-256", r.code(e.Dump.SHA256))
	}
	row("Odoo version that the platform found", r.text(e.Status.Get(upgrade.DatabaseVersion)))
	row("Time on the platform", r.text(e.Status.Get(upgrade.Elapsed)))
	row("Total time", short(time.Since(r.began)))
}

// stateWay shows the states that the request went through during the run.
func (r *Report) stateWay(last string) string {
	var way []string
	for i, s := range r.states {
		text := r.code(s.state)
		if i+1 < len(r.states) {
			text += fmt.Sprintf(" (%s)", short(r.states[i+1].at.Sub(s.at)))
		}
		way = append(way, text)
	}
	if len(way) == 0 {
		return r.code(last)
	}
	return strings.Join(way, " → ")
}

func (r *Report) writeFiles(b *strings.Builder, files []upgrade.Artifact) {
	if len(files) == 0 {
		return
	}
	b.WriteString("\n| File | Size | SHA-256 |\n|---|---|---|\n")
	for _, f := range files {
		fmt.Fprintf(b, "| %s | %s | %s |\n", r.code(f.Path), size(f.Size), r.code(f.SHA256))
	}
}

func (r *Report) writeSteps(b *strings.Builder) {
	if len(r.steps) == 0 {
		return
	}
	b.WriteString("\n<details><summary>Steps</summary>\n\n| Step | Took | |\n|---|---|---|\n")
	for _, s := range r.steps {
		sign := "✅"
		if s.err != nil {
			sign = "❌"
			if _, late := errors.AsType[*job.TimeoutError](s.err); late {
				sign = "⏳" // nothing has failed
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", s.step, short(s.took), sign)
	}
	b.WriteString("\n</details>\n")
}
