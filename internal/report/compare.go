package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/show"
)

// How many findings are shown.
const (
	mostLogged = 20  // in the log
	mostRows   = 10  // in the table of the summary
	mostFolded = 300 // below it, folded
)

// compared reports what the upgraded database lacks, or has otherwise.
func (r *Report) compared(e event.Compared) {
	found := e.Result
	r.info("Comparison: " + found.String() + ".")
	for _, f := range found.Findings[:min(len(found.Findings), mostLogged)] {
		r.info("  " + f.Text)
	}
	if more := len(found.Findings) - mostLogged; more > 0 {
		r.info(fmt.Sprintf("  and %d more", more))
	}
	if list := found.In(compare.Areas()); len(list) > 0 && len(found.In(e.Gates)) == 0 { // else the error says it
		r.warn("Comparison", found.String()+": "+compare.Texts(list)+".")
	}
	for _, gap := range found.NotCompared {
		r.info(gap.Text)
	}
	for name, n := range map[string]int64{
		"rows-lost": found.RowsLost, "tables-lost": found.TablesLost, "views-disabled": found.ViewsDisabled, "views-lost": found.ViewsLost,
		"automations-disabled": found.AutomationsDisabled, "fields-lost": found.FieldsLost,
	} {
		r.output(name, strconv.FormatInt(n, 10))
	}
	r.output("ledger", string(found.Ledger))
	r.output("stock", string(found.Stock))
	r.output("comparison-path", e.Path)
}

// areaNames are what areas are called in the summary.
var areaNames = map[compare.Area]string{
	compare.Rows: "Rows", compare.Ledger: "Ledger", compare.Stock: "Stock", compare.Views: "Views", compare.Automation: "Automation",
	compare.Fields: "Fields", compare.Modules: "Modules",
}

// writeComparison writes the table of what the upgrade lost or changed, or that it did not; the
// rest is folded.
func (r *Report) writeComparison(b *strings.Builder, e *event.Compared) {
	if e == nil {
		return
	}
	found := e.Result
	b.WriteString("\n### Compared with the dump that was sent\n\n")
	rest := found.Findings
	if len(found.In(compare.Areas())) == 0 {
		r.writeEqual(b, found)
	} else {
		b.WriteString(r.text(found.String()) + "\n\n| | What the upgrade changed |\n|---|---|\n")
		r.writeFindings(b, rest[:min(len(rest), mostRows)])
		rest = rest[min(len(rest), mostRows):]
	}
	r.writeRest(b, rest)
	r.writeFolded(b, found.Folded)
	for _, gap := range found.NotCompared {
		b.WriteString("\n⚠️ " + r.text(gap.Text) + "\n")
	}
}

func (r *Report) writeFindings(b *strings.Builder, list []compare.Finding) {
	for _, f := range list {
		fmt.Fprintf(b, "| %s | %s |\n", areaNames[f.Area], r.text(f.Text))
	}
}

// writeEqual writes what was compared, and is as it was.
func (r *Report) writeEqual(b *strings.Builder, found compare.Result) {
	row(b, "Rows", fmt.Sprintf("%s in %s: none of yours is missing", humanize.Comma(found.RowsCompared), show.Count(found.TablesCompared, "table", "tables")))
	b.WriteString("|---|---|\n")
	if found.Ledger == compare.Equal {
		row(b, "Ledger", "equal, to the cent")
	}
	if found.Stock == compare.Equal {
		row(b, "Stock", "equal, for each product and location")
	}
	row(b, "Views, automation, fields", "none of yours is gone or was switched off")
}

// writeRest writes the findings that have no place in the table.
func (r *Report) writeRest(b *strings.Builder, rest []compare.Finding) {
	if len(rest) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>%d more</summary>\n\n| | |\n|---|---|\n", len(rest))
	r.writeFindings(b, rest[:min(len(rest), mostFolded)])
	if more := len(rest) - mostFolded; more > 0 {
		fmt.Fprintf(b, "\nand %d more, in the file of the comparison.\n", more)
	}
	b.WriteString("\n</details>\n")
}

// writeFolded writes what is not a finding, and why.
func (r *Report) writeFolded(b *strings.Builder, folded []compare.Folded) {
	if len(folded) == 0 {
		return
	}
	b.WriteString("\n<details><summary>What every upgrade changes</summary>\n\n| | Number | For example |\n|---|---|---|\n")
	for _, f := range folded {
		fmt.Fprintf(b, "| %s | %s | %s |\n", r.text(f.Reason), humanize.Comma(f.Count), r.text(show.First(f.Example, 5, ", ")))
	}
	b.WriteString("\n</details>\n")
}
