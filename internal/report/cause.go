package report

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/digest"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/show"
)

// How many causes of a failure are shown.
const (
	mostCauses     = 10 // in the log, as annotations and in the summary
	mostMoreCauses = 90 // below them, folded
	causesInOutput = 100
)

// causeOutputs are those about why an upgrade failed.
var causeOutputs = []Output{
	{"cause", "Why the upgrade failed, in one line: the first of causes", false},
	{"causes", "What went wrong in a failed upgrade, as a JSON list, what weighs most first; docs/causes.md describes it", false},
}

// causes reports why the platform could not upgrade the database: outputs, log and annotations.
func (r *Report) causes(e job.Ending, fine bool) {
	if len(e.Causes) == 0 {
		return
	}
	r.output("cause", r.line(e.Causes[0].Text()))
	r.output("causes", causesJSON(e.Causes))
	r.info("What went wrong, in " + show.Count(int64(len(e.Causes)), "cause", "causes") + ":")
	for n, c := range e.Causes[:min(len(e.Causes), mostCauses)] {
		text := advice.Sentence(c.Text()) + " " + c.Advice + " (" + Place(c) + ")"
		switch {
		case n == 0 && !fine: // the message of the step says it
			r.info(r.line("1. " + text))
		case c.Warning || fine:
			r.warn("Cause", r.line(text))
		default:
			r.out.Error("Cause", r.line(text))
		}
	}
	if more := len(e.Causes) - mostCauses; more > 0 {
		r.info(fmt.Sprintf("and %d more, in the output causes.", more))
	}
}

// causesJSON are causes as an output has them.
func causesJSON(list []digest.Cause) string {
	text, err := json.Marshal(list[:min(len(list), causesInOutput)])
	if err != nil {
		return "[]"
	}
	return string(text)
}

// Place says where something is, and how often.
func Place(c digest.Cause) string {
	var parts []string
	if c.File != "" {
		text := c.File
		if c.FileLine > 0 {
			text += fmt.Sprintf(":%d", c.FileLine)
		}
		parts = append(parts, text)
	}
	if c.XMLID != "" && c.Kind != digest.Missing {
		parts = append(parts, c.XMLID)
	}
	if c.ID != "" && c.XMLID == "" {
		parts = append(parts, "id "+c.ID)
	}
	if len(c.Menus) > 0 {
		parts = append(parts, "menu "+show.First(c.Menus, 3, "; "))
	}
	parts = append(parts, "line "+humanize.Comma(c.Line)+" of the log")
	if c.Count > 1 {
		parts = append(parts, humanize.Comma(c.Count)+" times")
	}
	return strings.Join(parts, ", ")
}

// writeCauses writes why the upgrade failed: first, before anything else.
func (r *Report) writeCauses(b *strings.Builder, list []digest.Cause) {
	if len(list) == 0 {
		return
	}
	b.WriteString("\n### Why\n\n")
	shown := list[:min(len(list), mostCauses)]
	for n, c := range shown {
		r.writeCause(b, n+1, c)
	}
	if more := list[len(shown):]; len(more) > 0 {
		fmt.Fprintf(b, "\n<details><summary>%d more</summary>\n\n", len(more))
		for n, c := range more[:min(len(more), mostMoreCauses)] {
			r.writeCause(b, len(shown)+n+1, c)
		}
		b.WriteString("\n</details>\n")
	}
}

func (r *Report) writeCause(b *strings.Builder, number int, c digest.Cause) {
	sign := ""
	if c.Warning {
		sign = "⚠️ "
	}
	fmt.Fprintf(b, "%d. %s**%s**. %s  \n", number, sign, r.text(c.Title), r.text(c.Advice))
	if !strings.Contains(c.Title, c.Error) {
		fmt.Fprintf(b, "   %s  \n", r.code(c.Error))
	}
	fmt.Fprintf(b, "   <sub>%s</sub>\n", r.text(Place(c)))
}

// reportRead reports what the platform's report lists.
func (r *Report) reportRead(e event.ReportRead) {
	if text := e.Report.String(); text != "" {
		r.info("The platform's report: " + r.line(text) + ".")
	}
	r.output("report-disabled-views", fmt.Sprint(e.Report.DisabledViews()))
	r.output("report-json-path", e.Path)
}

// mostOfCategory is how many entries of a category of the platform's report the summary has.
const mostOfCategory = 100

// writePlatformReport writes what the platform's report lists, folded: what the comparison says
// does not stand here again.
func (r *Report) writePlatformReport(b *strings.Builder, e job.Ending) {
	if e.Report == nil || e.Report.Report.String() == "" {
		return
	}
	told := map[uint32]bool{}
	if e.Compared != nil {
		for _, f := range e.Compared.Result.Findings {
			if f.Subject == "view" {
				for _, id := range f.IDs {
					told[id] = true
				}
			}
		}
	}
	fmt.Fprintf(b, "\n**The platform's report:** %s\n", r.text(e.Report.Report.String()))
	for _, c := range e.Report.Report.Counts() {
		if c.Total == 0 {
			continue
		}
		fmt.Fprintf(b, "\n<details><summary>%s: %s</summary>\n\n", r.text(c.Name), humanize.Comma(c.Total))
		r.writeEntries(b, c, told)
		b.WriteString("\n</details>\n")
	}
}

func (r *Report) writeEntries(b *strings.Builder, c *digest.Category, told map[uint32]bool) {
	shown, again := 0, 0
	for _, entry := range c.Entries {
		isView := entry.Model == "ir.ui.view" || strings.HasSuffix(strings.ToLower(c.Name), " views")
		switch {
		case isView && told[entry.ID]:
			again++
		case shown < mostOfCategory:
			shown++
			line := r.text(entry.Text)
			if entry.ID > 0 {
				line += fmt.Sprintf(" (id %d)", entry.ID)
			}
			b.WriteString("- " + line + "\n")
		}
	}
	if again > 0 {
		fmt.Fprintf(b, "\n%s in the comparison above.\n", show.Count(int64(again), "of them is", "of them are"))
	}
	if more := c.Total - int64(shown+again); more > 0 {
		fmt.Fprintf(b, "\nand %s more.\n", humanize.Comma(more))
	}
}
