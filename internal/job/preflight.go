package job

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/upgrade"
)

// Strictness is what happens with a database that is not as it should be.
type Strictness string

// The ways to handle it.
const (
	Strict Strictness = "strict" // end: before anything is sent to the platform, or as a failure
	Warn   Strictness = "warn"   // say so, and continue
	Off    Strictness = "off"    // do not check
)

// PreflightError says why a dump would be sent in vain, and what to do instead.
type PreflightError struct {
	Problem string
	Do      string // without a capital letter and a period
}

func (e *PreflightError) Error() string { return e.Problem }

// Advice implements advice.Adviser.
func (e *PreflightError) Advice() string { return advice.Sentence(e.Do) }

// preflight handles what is wrong with the dump as the plan says. What cannot be sent
// at all ends the job in any case.
func (r *run) preflight(d dump.Info, target upgrade.Target) error {
	if d.Problem != nil && d.Size == 0 {
		return d.Problem
	}
	wrongKind := r.wrongKind(d)
	if wrongKind != nil && d.Kind == dump.Directory { // only a single file can be sent
		return wrongKind
	}
	if r.plan.Preflight == Off {
		return nil
	}
	for _, warning := range d.Warnings {
		r.tell(event.DumpWarning{Text: warning})
	}
	if d.Neutralized && r.plan.Request.Aim == upgrade.Production {
		r.tell(
			event.DumpWarning{
				Text: "The dump is neutralized: its mail servers and scheduled actions are switched off, and stay so after an upgrade for production. Check that it is not a copy for tests.",
			},
		)
	}
	problems := r.plan.Problems(d, target)
	if wrongKind != nil {
		problems = append(problems, wrongKind)
	}
	if r.plan.Preflight == Strict {
		return errors.Join(problems...)
	}
	for _, problem := range problems {
		r.tell(event.DumpWarning{Text: advice.Full(problem)})
	}
	return nil
}

// acceptable handles a dump of a kind that the platform does not take, as the plan says.
func (r *run) acceptable(d dump.Info) error {
	err := r.wrongKind(d)
	switch {
	case err == nil || r.plan.Preflight == Off:
		return nil
	case r.plan.Preflight == Strict:
		return err
	}
	r.tell(event.DumpWarning{Text: advice.Full(err)})
	return nil
}

// wrongKind returns an error if the platform does not take complete dumps of this
// kind.
func (r *run) wrongKind(d dump.Info) error {
	forms := r.platform.Spec().Takes
	if d.Problem != nil || len(forms) == 0 || slices.Contains(forms, d.Form) {
		return nil
	}
	return &PreflightError{
		fmt.Sprintf("%s is a dump of the kind %s, and this platform takes only %s", d.Path, d.Form, strings.Join(dump.Names(forms), ", ")),
		"create it with pg_dump -Fc",
	}
}

// Problems lists why the plan cannot work with the dump for that target, either of
// which may be zero; a zero plan lists why no plan can.
func (p Plan) Problems(d dump.Info, target upgrade.Target) []error {
	if d.Problem != nil {
		return []error{d.Problem}
	}
	var list []error
	add := func(problem, do string) { list = append(list, &PreflightError{problem, do}) }
	if !d.Odoo && !d.Opaque {
		add(
			"the dump is not an Odoo database: it has no table ir_module_module",
			"check that it is the right database, and that its schema public was dumped",
		)
	}
	source, known := upgrade.ParseSeries(d.Series)
	if known && target.String() != "" && target.Compare(source) <= 0 {
		add(
			fmt.Sprintf("the dump is already at Odoo %s, and {target} is %s", d.Series, target),
			"set a newer {target}, or use a dump from before the upgrade",
		)
	}
	if p.Request.Contract != "" && d.ContractMatches(p.Request.Contract.Reveal()) == dump.OtherContract {
		add(
			"the dump belongs to another contract than the one given as {contract}",
			"check that it is the right database and the right secret; with {preflight} warn, it is sent all the same",
		)
	}
	if needs := p.needs(d); p.Disk.Known && p.Disk.Free < needs {
		add(
			fmt.Sprintf(
				"the disk for downloads has %s free, and the download may need %s",
				humanize.IBytes(uint64(p.Disk.Free)),
				humanize.IBytes(uint64(needs)),
			),
			"free some space, set {download-path} to a folder on a larger disk, or set {download} to none",
		)
	}
	return list
}

// needs estimates the bytes of what the plan downloads: an upgraded database is about
// as large as the original one. The size of its SQL cannot be estimated.
func (p Plan) needs(d dump.Info) int64 {
	n := int64(0)
	for _, item := range p.Items {
		if item == upgrade.UpgradedDump || item == upgrade.OriginalDump {
			n += d.Size
		}
	}
	return n
}
