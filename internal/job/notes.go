package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/digest"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// ReportFile is the name of the file with what the platform's report lists.
const ReportFile = "platform-report"

// platformReport fetches what the platform reports of its upgrade, if it does, and reads it: asked
// for or not, when the upgraded database is checked.
func (r *run) platformReport(ctx context.Context, s upgrade.Status) {
	if r.plan.Check == Off || s.Phase != upgrade.Done || !slices.Contains(r.plan.Items, upgrade.UpgradedDump) {
		return
	}
	notes, ok := r.artifact(upgrade.Notes)
	if !ok {
		if notes, ok = r.fetchNotes(ctx, s); !ok {
			return
		}
	}
	file, err := os.Open(notes.Location)
	if err != nil {
		return // it was there: a gate will say that the report is not
	}
	defer file.Close()
	found, err := digest.ReadReport(file)
	if err != nil {
		return // notes of another kind are for people
	}
	read := event.ReportRead{Report: found}
	if r.save != nil {
		if read.Path, err = r.saveJSON(ReportFile, found); err != nil {
			r.tell(event.CheckWarning{Text: fmt.Sprintf("What the platform's report lists could not be written: %v.", err)})
		}
	}
	r.seen.Report = &read
	r.tell(read)
}

// fetchNotes downloads the notes where the platform offers some. A run does not fail because of what
// it was not asked for.
func (r *run) fetchNotes(ctx context.Context, s upgrade.Status) (notes upgrade.Artifact, ok bool) {
	if !slices.Contains(r.platform.Spec().Offers, upgrade.Notes) || ctx.Err() != nil {
		return notes, false
	}
	within, cancel := context.WithTimeout(ctx, stall.Notes)
	defer cancel()
	notes, err := r.fetch(within, s, upgrade.Notes)
	if _, missing := errors.AsType[*upgrade.MissingError](err); missing || ctx.Err() != nil {
		return notes, false
	}
	if err != nil {
		r.tell(event.NotesMissing{Err: err})
		return notes, false
	}
	r.seen.Artifacts = append(r.seen.Artifacts, notes)
	r.tell(event.Downloaded{Artifact: notes})
	return notes, true
}

// gateReport adds the views that the platform's report lists as disabled to what the gates do not
// accept, where they are one.
func (r *run) gateReport(err error) error {
	if !slices.Contains(r.plan.FailOn, compare.DisabledViews) {
		return err
	}
	if r.seen.Report == nil {
		if err != nil {
			return err
		}
		return as(CheckFailed, &UndecidedError{"The platform's report of this upgrade is not there, so the views that it disabled are not known."})
	}
	n := r.seen.Report.Report.DisabledViews()
	if n == 0 {
		return err
	}
	found := compare.Finding{Area: compare.DisabledViews, Kind: compare.Disabled, Subject: "view", Count: n, Text: r.seen.Report.Report.Disabled()}
	if gate, ok := errors.AsType[*GateError](err); ok {
		gate.Findings = append(gate.Findings, found)
		return err
	}
	if err != nil {
		return err
	}
	return as(CheckFailed, &GateError{[]compare.Finding{found}, r.seen.Report.Path})
}
