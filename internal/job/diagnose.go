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
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// diagnose finds out why the platform could not upgrade the database: its log says so, and nothing
// else. The log is kept, all of it. That it cannot be read changes nothing about how the request
// ended.
func (r *run) diagnose(ctx context.Context) {
	reader, ok := r.platform.(platform.LogReader)
	if !ok || r.seen.Status.Phase != upgrade.Failed || ctx.Err() != nil {
		return
	}
	var log digest.Log
	if r.hasArtifact(upgrade.Log) {
		r.saveLog = nil
	}
	artifact, err := r.keepLog(ctx, reader, &log)
	if artifact.Size > 0 {
		r.seen.Artifacts = append(r.seen.Artifacts, artifact)
		r.tell(event.Downloaded{Artifact: artifact})
	}
	if err != nil && !retry.IsTransient(err) && r.saveLog != nil { // the disk may be full: the causes are needed all the more
		log, r.saveLog = digest.Log{}, nil
		_, _ = r.keepLog(ctx, reader, &log)
	}
	if err != nil && ctx.Err() == nil {
		r.tell(event.Notice{Text: fmt.Sprintf("The platform's log could not be kept: %v.", err)})
	}
	r.seen.Causes = log.Causes()
}

// hasArtifact reports whether an item was downloaded.
func (r *run) hasArtifact(item upgrade.Item) bool {
	return slices.ContainsFunc(r.seen.Artifacts, func(a upgrade.Artifact) bool { return a.Item == item })
}

// ReportFile is the name of the file with what the platform's report lists.
const ReportFile = "platform-report"

// platformReport fetches what the platform reports of its upgrade, if it does, and reads it: asked
// for or not, when the upgraded database is checked.
func (r *run) platformReport(ctx context.Context, s upgrade.Status) {
	if r.plan.Check == Off || s.Phase != upgrade.Done || !slices.Contains(r.plan.Items, upgrade.UpgradedDump) {
		return
	}
	at := slices.IndexFunc(r.seen.Artifacts, func(a upgrade.Artifact) bool { return a.Item == upgrade.Notes })
	if at < 0 {
		if at = r.fetchNotes(ctx, s); at < 0 {
			return
		}
	}
	file, err := os.Open(r.seen.Artifacts[at].Location)
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

// fetchNotes downloads the notes where the platform offers some, and returns where they are among
// the artifacts; -1 without any. A run does not fail because of what it was not asked for.
func (r *run) fetchNotes(ctx context.Context, s upgrade.Status) int {
	if !slices.Contains(r.platform.Spec().Offers, upgrade.Notes) || ctx.Err() != nil {
		return -1
	}
	within, cancel := context.WithTimeout(ctx, stall.Notes)
	defer cancel()
	artifact, err := r.fetch(within, s, upgrade.Notes)
	if _, missing := errors.AsType[*upgrade.MissingError](err); missing || ctx.Err() != nil {
		return -1
	}
	if err != nil {
		r.tell(event.NotesMissing{Err: err})
		return -1
	}
	r.seen.Artifacts = append(r.seen.Artifacts, artifact)
	r.tell(event.Downloaded{Artifact: artifact})
	return len(r.seen.Artifacts) - 1
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
