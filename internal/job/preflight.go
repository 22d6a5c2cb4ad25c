package job

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/upgrade"
)

// Preflight is what happens with a dump that cannot work.
type Preflight string

// The ways to deal with it.
const (
	Strict Preflight = "strict" // end before anything is asked of the platform
	Warn   Preflight = "warn"   // say so, and go on
	Off    Preflight = "off"    // do not look
)

// PreflightError says why a dump would be sent in vain, and what to do instead.
type PreflightError struct {
	Problem, Advice string
}

func (e *PreflightError) Error() string { return e.Problem + ": " + e.Advice }

// preflight deals with what is wrong with the dump as the plan says. What
// cannot be sent at all ends the job in any case.
func (r *run) preflight(d dump.Info) error {
	if d.Problem != nil && d.Size == 0 {
		return d.Problem
	}
	if r.plan.Preflight == Off {
		return nil
	}
	for _, warning := range d.Warnings {
		r.observe(Warned{warning})
	}
	problems := r.plan.Problems(d)
	if r.plan.Preflight == Strict {
		return errors.Join(problems...)
	}
	for _, problem := range problems {
		r.observe(Warned{"Preflight: " + problem.Error()})
	}
	return nil
}

// Problems lists why the plan cannot work with the dump; a plan of nothing, with a
// Room of -1, why none can.
func (p Plan) Problems(d dump.Info) []error {
	if d.Problem != nil {
		return []error{d.Problem}
	}
	var list []error
	add := func(problem, advice string) { list = append(list, &PreflightError{problem, advice}) }
	if !d.Odoo && !d.Opaque {
		add("the dump is no Odoo database's: it has no table ir_module_module", "is it the right database, dumped with its schema public?")
	}
	source, known := upgrade.ParseSeries(d.Series)
	if target := p.Request.Target; known && target.String() != "" && target.Compare(source) <= 0 {
		add(fmt.Sprintf("the dump is of Odoo %s already, and target is %s", d.Series, target), "set a newer target, or take the dump from before the upgrade")
	}
	if p.Request.Contract != "" && d.ContractMatches(p.Request.Contract.Reveal()) == dump.OtherContract {
		add("the dump names another contract than the input contract", "is it the right database, and the right secret? With preflight: warn it is sent all the same")
	}
	if needs := p.needs(d); p.Room >= 0 && p.Room < needs {
		add(fmt.Sprintf("the disk of download-path has %s free, and the download may need %s", humanize.IBytes(uint64(p.Room)), humanize.IBytes(uint64(needs))),
			"make room, set download-path to a folder on a larger disk, or download: none")
	}
	return list
}

// needs estimates the bytes of what the plan downloads: an upgraded database is
// about as large as the original one. How large its SQL is, nobody knows.
func (p Plan) needs(d dump.Info) int64 {
	n := int64(0)
	for _, item := range p.Items {
		if item == upgrade.UpgradedDump || item == upgrade.OriginalDump {
			n += d.Size
		}
	}
	return n
}
