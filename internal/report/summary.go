package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/upgrade"
)

// summary is the job summary, in GitHub's Markdown: the verdict, what the platform says,
// what to do, and a table of what matters; the rest is folded.
func (r *Report) summary(e job.Ending, why Explanation) string {
	var b strings.Builder
	b.WriteString("## " + r.verdict(e, why) + "\n\n")
	text := why.Text
	if refused, ok := errors.AsType[*upgrade.RefusedError](e.Err); ok { // whose failures are a list
		text = strings.Replace(text, refused.Error(), "the platform refused", 1)
	}
	b.WriteString(r.text(text) + "\n")
	r.writeFailures(&b, e.Err)
	r.writeCauses(&b, e.Causes)
	for _, odd := range r.odd {
		b.WriteString("\n⚠️ " + r.text(odd) + "\n")
	}
	if said := e.Status.Get(upgrade.CustomerMessage); said != "" {
		b.WriteString("\n> **The platform says:** " + r.text(said) + "\n")
	}
	next := why.Next
	if len(e.Causes) > 0 {
		next = "Begin with the first cause. " + next
	}
	if next != "" {
		b.WriteString("\n**What to do:** " + r.text(next) + "\n")
	}
	if why.Code != "" {
		writeCode(&b, why.Code)
	}
	differs := e.Compared != nil && len(e.Compared.Result.In(compare.Areas())) > 0
	if differs { // which is what people have to read
		r.writeComparison(&b, e.Compared)
	}
	r.writeFacts(&b, e)
	if !differs {
		r.writeComparison(&b, e.Compared)
	}
	r.writeGantt(&b)
	r.writePlatformReport(&b, e)
	if e.Result == job.UpgradeFailed {
		r.writeLog(&b, len(e.Causes) == 0)
	}
	r.writeModules(&b, e.Checked)
	r.writeDetails(&b, e)
	writeRequest(&b, why.Request)
	return b.String()
}

// verdict is the first line: how it ended, between which versions, and how long it took.
func (r *Report) verdict(e job.Ending, why Explanation) string {
	parts := []string{mark(e.Result, why) + " " + r.text(why.Title)}
	if v := r.versions(e); v != "" {
		parts = append(parts, v)
	}
	if len(r.steps) > 0 {
		parts = append(parts, show.Duration(time.Since(r.began)))
	}
	return strings.Join(parts, " · ")
}

// versions names Odoo's version before and after.
func (r *Report) versions(e job.Ending) string {
	source, target := e.Dump.Series, e.Status.Get(upgrade.TargetField)
	if source == "" {
		source = e.Status.Get(upgrade.DatabaseVersion)
	}
	switch {
	case source == "" && target == "":
		return ""
	case target == "", e.Checked != nil && e.Checked.Copied:
		return "Odoo " + r.text(source)
	case source == "":
		return "to Odoo " + r.text(target)
	}
	return "Odoo " + r.text(source) + " → " + r.text(target)
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

// writeCode writes the inputs, or the command, that continue the request.
func writeCode(b *strings.Builder, code string) {
	language := "sh"
	if strings.HasPrefix(code, "with:") || strings.HasPrefix(code, "- uses:") {
		language = "yaml"
	}
	fence := fenceFor(code)
	b.WriteString("\n**To continue, use this in a later step:**\n\n" + fence + language + "\n" + code + "\n" + fence + "\n")
}

// writeRequest writes what to send to those who may help.
func writeRequest(b *strings.Builder, text string) {
	if text == "" {
		return
	}
	fence := fenceFor(text)
	b.WriteString("\n<details><summary>A request to Odoo's support, ready to send</summary>\n\n" + fence + "text\n" + text + "\n" + fence + "\n\n</details>\n")
}

// fenceFor returns a fence that no line of the code ends: a dump's name may have anything.
func fenceFor(code string) string {
	fence := "```"
	for strings.Contains(code, fence) {
		fence += "`"
	}
	return fence
}

// writeFailures lists what the platform refused.
func (r *Report) writeFailures(b *strings.Builder, err error) {
	refused, ok := errors.AsType[*upgrade.RefusedError](err)
	if !ok {
		return
	}
	b.WriteString("\n")
	for _, f := range refused.Failures {
		line := r.code(f.Reason)
		if f.Message != "" {
			line = strings.TrimSpace(r.text(f.Message) + " " + line)
		}
		b.WriteString("- " + line + "\n")
		if len(f.Expected) > 0 {
			b.WriteString("  - Expected: " + r.text(strings.Join(f.Expected, ", ")) + "\n")
		}
	}
}

// row writes a line of a table of two columns, unless it has no value.
func row(b *strings.Builder, name, value string) {
	if value != "" {
		fmt.Fprintf(b, "| %s | %s |\n", name, value)
	}
}

// writeFacts writes the table of what matters, ten rows at most.
func (r *Report) writeFacts(b *strings.Builder, e job.Ending) {
	b.WriteString("\n")
	row(b, "Result", r.code(string(e.Result)))
	b.WriteString("|---|---|\n")
	row(b, "Request", r.code(e.Ticket.ID))
	row(b, "State", r.stateWay(e.Status.State))
	row(b, "Aim", r.text(e.Status.Get(upgrade.AimField)))
	if e.Dump.Size > 0 {
		row(b, "Dump", r.describe(r.code(e.Dump.Name), e.Dump.Size, e.Dump))
	}
	row(b, "Upload", r.backText())
	for _, a := range e.Artifacts {
		if a.Item == upgrade.UpgradedDump && e.Checked != nil {
			row(b, "Upgraded database", r.describe(r.code(a.Path), a.Size, e.Checked.Dump))
		} else if a.Item == upgrade.UpgradedDump {
			row(b, "Upgraded database", r.code(a.Path)+", "+size(a.Size)+", not checked")
		}
	}
	if e.Checked != nil {
		row(b, "Check", r.checkResult(e))
		row(b, "Modules", modulesResult(e))
	}
	if r.notCompared != "" {
		row(b, "Comparison", r.text("not made. "+r.named(r.notCompared)))
	}
	row(b, "Upgrade time, as the platform gives it", r.text(e.Status.Get(upgrade.Elapsed)))
}

func (r *Report) checkResult(e job.Ending) string {
	switch {
	case len(r.odd) > 0 && (e.Result != job.CheckFailed || e.Compared != nil):
		return "passed with warnings"
	case e.Result == job.CheckFailed && e.Compared == nil:
		return "failed"
	case e.Checked.Copied:
		return "version not checked: the sandbox only copies"
	}
	return "passed"
}

func modulesResult(e job.Ending) string {
	switch {
	case e.Checked.Compared:
		return e.Checked.Changes.String()
	case e.Checked.Dump.Problem != nil:
		return ""
	}
	return "not compared: this run did not have the original dump"
}

// describe says what a database is, in one cell.
func (r *Report) describe(name string, bytes int64, d dump.Info) string {
	return name + ", " + size(bytes) + ", " + r.text(strings.Join(identity(d), ", "))
}

// stateWay shows the states that the request went through during the run.
func (r *Report) stateWay(last string) string {
	var way []string
	for i, s := range r.states {
		text := r.code(s.state)
		if i+1 < len(r.states) {
			text += fmt.Sprintf(" (%s)", show.Duration(r.states[i+1].at.Sub(s.at)))
		}
		way = append(way, text)
	}
	if len(way) == 0 {
		return r.code(last)
	}
	if more := len(way) - mostStates; more > 0 {
		way = append(way[:mostStates/2], append([]string{fmt.Sprintf("%d more", more)}, way[len(way)-mostStates/2:]...)...)
	}
	return strings.Join(way, " → ")
}

// mostStates limits how many states the summary shows.
const mostStates = 12

// writeDetails writes what few people want to read, folded.
func (r *Report) writeDetails(b *strings.Builder, e job.Ending) {
	var details strings.Builder
	row(&details, "SHA-256 of the dump", r.code(e.Dump.SHA256))
	row(&details, "PostgreSQL of the dump", r.text(e.Dump.PostgreSQL))
	row(&details, "Odoo version detected by the platform", r.text(e.Status.Get(upgrade.DatabaseVersion)))
	row(&details, "Estimated time", r.text(e.Status.Get(upgrade.EstimatedTime)))
	if e.Checked != nil {
		row(&details, "PostgreSQL of the upgraded database", r.text(e.Checked.Dump.PostgreSQL))
		row(&details, "List of module changes", r.code(e.Checked.ChangesPath))
	}
	if details.Len()+len(e.Artifacts)+len(r.steps) == 0 {
		return
	}
	b.WriteString("\n<details><summary>Details</summary>\n")
	if head, rest, ok := strings.Cut(details.String(), "\n"); ok {
		b.WriteString("\n" + head + "\n|---|---|\n" + rest)
	}
	r.writeFiles(b, e.Artifacts)
	r.writeSteps(b)
	b.WriteString("\n</details>\n")
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
	b.WriteString("\n| Step | Duration | Result |\n|---|---|---|\n")
	for _, s := range r.steps {
		sign := "✅"
		_, late := errors.AsType[*job.TimeoutError](s.err)
		switch {
		case late:
			sign = "⏳" // nothing has failed
		case errors.Is(s.err, context.Canceled):
			sign = "🛑"
		case s.err != nil:
			sign = "❌"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", stepLabel(s.step), show.Duration(s.took), sign)
	}
}
