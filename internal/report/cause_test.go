package report

import (
	"fmt"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/digest"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// TestForeignCauses has causes and a report that a log, and so a dump, may have made up.
func TestForeignCauses(t *testing.T) {
	evil := "::error::x\n##[error]y <script>alert(1)</script> [a](http://evil.example) **b** \x1b[31m\u202e " + key
	ending := job.Ending{
		Result: job.UpgradeFailed, Ticket: upgrade.Ticket{ID: "1"},
		Causes: []digest.Cause{{Kind: digest.View, Title: evil, Error: evil + " again", Advice: evil, Line: 3, Count: 2, Place: digest.Place{XMLID: evil, File: evil, Menus: []string{evil}}}},
		Report: &event.ReportRead{Report: &digest.Report{Steps: []digest.Step{{Categories: []*digest.Category{{Name: evil, Total: 1, Entries: []digest.Entry{{Text: evil}}}}}}}},
	}
	why := Explanation{Title: "T", Request: "Error 1: " + evil + "\n```\n# x"}
	log, outputs, summary := tell(t, ending, why, event.StatusRead{Status: statusOf("failed", upgrade.Failed)})
	for _, mark := range []string{"<script", "](", "**b", "http://evil", "\x1b", "\u202e", key} {
		shown, _, _ := strings.Cut(summary, "<details><summary>A request to Odoo's support")
		if strings.Contains(shown, mark) {
			t.Errorf("%q in the summary:\n%s", mark, shown)
		}
	}
	_, request, _ := strings.Cut(summary, "A request to Odoo's support")
	if strings.Contains(request, key) || !strings.Contains(request, "\n````text\n") {
		t.Errorf("request: %s", request)
	}
	_, told, _ := strings.Cut(outputs, "cause<<")
	if strings.Contains(told, key) || strings.Contains(told, "\x1b") {
		t.Errorf("outputs: %s", outputs)
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, "##[") || strings.HasPrefix(line, "::error::") || strings.Contains(line, "\x1b") || strings.Contains(line, key) && !strings.HasPrefix(line, "::add-mask::") {
			t.Errorf("in the log: %q", line)
		}
	}
}

// TestManyCauses shows ten, folds the others, and makes no more annotations than GitHub shows.
func TestManyCauses(t *testing.T) {
	ending := job.Ending{Result: job.UpgradeFailed, Ticket: upgrade.Ticket{ID: "1"}}
	for n := range 400 {
		ending.Causes = append(ending.Causes, digest.Cause{Title: fmt.Sprintf("Cause %d", n+1), Error: strings.Repeat("x", 600), Advice: "Do.", Line: 1, Count: 1, Warning: n > 5})
	}
	log, _, summary := tell(t, ending, Explanation{Title: "T", Text: "Failed."}, event.StatusRead{Status: statusOf("failed", upgrade.Failed)})
	if errors, warnings := strings.Count(log, "::error title="), strings.Count(log, "::warning title=Cause"); errors != 6 || warnings != 4 {
		t.Errorf("%d errors and %d warnings", errors, warnings)
	}
	if !strings.Contains(log, "::error title=T::Failed. Cause 1.%0ADo.") || !strings.Contains(log, "and 390 more, in the output causes.") {
		t.Error(log)
	}
	before, after, _ := strings.Cut(summary, "<summary>390 more</summary>")
	if !strings.Contains(before, "10. ⚠️ **Cause 10**") || strings.Contains(before, "Cause 11") || !strings.Contains(after, "Cause 100**") || strings.Contains(after, "Cause 101") || len(summary) > 200<<10 {
		t.Errorf("%d bytes:\n%.2000s", len(summary), summary)
	}
}

// TestReportBesideComparison says of no view twice that it was disabled.
func TestReportBesideComparison(t *testing.T) {
	found := compare.Result{Findings: []compare.Finding{{Area: compare.Views, Kind: compare.Disabled, Subject: "view", IDs: []uint32{7}, Count: 1, Text: "View a was switched off"}}}
	read := digest.Report{Steps: []digest.Step{{Categories: []*digest.Category{
		{Name: digest.DisabledViews, Total: 5, Entries: []digest.Entry{{Text: "a", ID: 7, Model: "ir.ui.view"}, {Text: "b", ID: 8, Model: "ir.ui.view"}}},
		{Name: "Empty"}, {Name: "Accounting", Total: 1, Entries: []digest.Entry{{Text: "Tax", ID: 7, Model: "account.tax"}}},
	}}}}
	_, _, summary := tell(t, job.Ending{Result: job.Success, Compared: &event.Compared{Result: found}, Report: &event.ReportRead{Report: &read}}, Explanation{Title: "T", Fine: true})
	want := "**The platform's report:** Disabled views: 5, Accounting: 1\n\n<details><summary>Disabled views: 5</summary>\n\n- b &#40;id 8&#41;\n\n1 of them is in the comparison above.\n\nand 3 more.\n\n</details>\n\n" +
		"<details><summary>Accounting: 1</summary>\n\n- Tax &#40;id 7&#41;\n"
	if !strings.Contains(summary, want) && !strings.Contains(summary, strings.NewReplacer("&#40;", "(", "&#41;", ")").Replace(want)) {
		t.Error(summary)
	}
}
