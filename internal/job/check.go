package job

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/upgrade"
)

// CheckError says that the database that came back is not the one that was asked for.
type CheckError struct {
	Path     string
	Problems []string // each a predicate, like "is truncated"
}

func (e *CheckError) Error() string { return e.Path + " " + strings.Join(e.Problems, ", and ") }

// ChangesFile is the name of the file that lists what changed in the modules.
const ChangesFile = "module-changes"

// check inspects the upgraded database, and handles one that is not as it should be as the
// plan says. The file stays, so that people can examine it.
func (r *run) check(ctx context.Context, s upgrade.Status) error {
	a, ok := r.artifact(upgrade.UpgradedDump)
	if !ok || r.plan.Check == Off {
		return nil
	}
	return r.step(event.Check, func() error {
		info, err := dump.Inspect(ctx, a.Location, dump.Options{})
		if err != nil && r.plan.Check == Warn && ctx.Err() == nil {
			r.tell(event.CheckWarning{Text: fmt.Sprintf("The upgraded database could not be checked: %v.", err)})
			return nil
		}
		if err != nil {
			return as(CheckFailed, fmt.Errorf("checking %s: %w", a.Path, err))
		}
		checked := event.Checked{Dump: info, Copied: r.isCopy(a, s)}
		if info.Problem == nil && r.seen.Dump.Problem == nil { // else the modules may be cut off, too
			checked.Changes, checked.Compared = dump.Compare(r.seen.Dump, info)
		}
		if checked.Compared && r.save != nil {
			if checked.ChangesPath, err = r.saveChanges(checked.Changes, info); err != nil {
				r.tell(event.CheckWarning{Text: fmt.Sprintf("The list of module changes could not be written: %v.", err)})
			}
		}
		r.seen.Checked = &checked
		r.tell(checked)
		problems := r.problems(checked, s)
		if len(problems) == 0 {
			return nil
		}
		err = &CheckError{a.Path, problems}
		if r.plan.Check != Warn {
			return as(CheckFailed, err)
		}
		r.tell(event.CheckWarning{Text: "The upgraded database " + strings.TrimPrefix(err.Error(), a.Path+" ") + "."})
		return nil
	})
}

// isCopy reports whether what came back is what was sent, by a sandbox that says so.
func (r *run) isCopy(a upgrade.Artifact, s upgrade.Status) bool {
	sent := cmp.Or(r.seen.Dump.SHA256, r.plan.DumpSHA256)
	return s.Copies && (sent == "" || sent == a.SHA256)
}

// problems lists what is wrong with the upgraded database, and warns of what is odd.
func (r *run) problems(c event.Checked, s upgrade.Status) (list []string) {
	d := c.Dump
	switch {
	case d.Problem != nil:
		return []string{d.Problem.Problem}
	case d.Opaque:
		r.tell(event.CheckWarning{Text: strings.Join(append([]string{"The upgraded database was not checked."}, d.Warnings...), " ")})
		return nil
	case !d.Odoo:
		return []string{"is not an Odoo database: it has no table ir_module_module"}
	case c.Copied:
		return nil // the version cannot be another one
	}
	if len(d.Unfinished) > 0 {
		list = append(list, "has modules whose installation, upgrade or removal did not end: "+show.First(d.Unfinished, 10, ", "))
	}
	if before, now := r.seen.Dump.PostgreSQLMajor(), d.PostgreSQLMajor(); before > 0 && now > before {
		r.tell(event.CheckWarning{Text: fmt.Sprintf(
			"The upgraded database comes from PostgreSQL %d, and the one that was sent from %d. Upgrade your PostgreSQL before you restore it: an older one may refuse what a newer one writes.",
			now, before,
		)})
	}
	target := r.plan.Request.Target
	if target.String() == "" {
		target, _ = upgrade.ParseSeries(s.Get(upgrade.TargetField))
	}
	series, known := upgrade.ParseSeries(d.Series)
	switch {
	case target.String() == "":
		r.tell(event.CheckWarning{Text: "The version of the upgraded database was not checked: the target of the request is not known."})
	case !known:
		r.tell(
			event.CheckWarning{
				Text: fmt.Sprintf(
					"The Odoo version of the upgraded database was not found, so it was not compared with the target, %s.",
					target,
				),
			},
		)
	case series.Compare(target) != 0:
		list = append(list, fmt.Sprintf("is at Odoo %s, and the target is %s", d.Series, target))
	}
	aim := cmp.Or(s.Get(upgrade.AimField), string(r.plan.Request.Aim))
	if aim == string(upgrade.Test) && !d.Neutralized {
		r.tell(
			event.CheckWarning{
				Text: "The upgraded database comes from a test and is not neutralized: if Odoo starts on it, it sends mail and runs scheduled actions. Neutralize it first: odoo-bin neutralize -d DATABASE.",
			},
		)
	}
	return list
}

// saveChanges writes the list of changes to the folder of downloads.
func (r *run) saveChanges(c dump.Changes, after dump.Info) (path string, err error) {
	before := r.seen.Dump
	return r.saveJSON(ChangesFile, map[string]any{
		"old":            map[string]string{"name": before.Name, "odoo_version": before.Series, "postgresql": before.PostgreSQL},
		"new":            map[string]string{"name": after.Name, "odoo_version": after.Series, "postgresql": after.PostgreSQL},
		"modules":        c.Modules,
		"custom_modules": c.Kept,
	})
}
