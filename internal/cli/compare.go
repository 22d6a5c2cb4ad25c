package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/run"
	"odoo-upgrade-action/internal/upgrade"
)

// compare prints what changed between two dumps of a database. One that could not be sent
// fails, as with inspect.
func (c *inspectCommand) compare(p *program, path string) int {
	var infos [2]dump.Info
	for n, name := range []string{path, c.Other} {
		info, err := dump.Inspect(p.ctx, run.InFolder(p.workspace(), name), dump.Options{Digest: c.SHA256})
		if p.ctx.Err() != nil {
			return exitStatus(job.Interrupted)
		}
		if err != nil {
			return p.invalid(fmt.Errorf("inspecting the dump: %w", err))
		}
		if err := errors.Join(job.Plan{}.Problems(info, upgrade.Target{})...); err != nil {
			p.runner.Error("Dump not usable", advice.Full(err))
			return exitStatus(job.PreflightFailed)
		}
		infos[n] = info
	}
	changes, known := dump.Compare(infos[0], infos[1])
	if !known {
		p.runner.Error("Dumps not comparable", "The modules of one of the dumps could not be read. Make both with pg_dump -Fc, complete.")
		return exitStatus(job.PreflightFailed)
	}
	if c.Format.json {
		printJSON(p.stdout, map[string]any{
			"old": inspection(infos[0], nil), "new": inspection(infos[1], nil), "modules": changes.Modules, "custom_modules": changes.Kept,
		})
		return 0
	}
	printChanges(p.stdout, infos, changes)
	return 0
}

// printChanges prints a table of what differs.
func printChanges(out io.Writer, infos [2]dump.Info, changes dump.Changes) {
	rows := [][]string{
		{"", infos[0].Name, infos[1].Name},
		{"Odoo", infos[0].Series, infos[1].Series},
		{"PostgreSQL", infos[0].PostgreSQL, infos[1].PostgreSQL},
	}
	if infos[0].UUID != infos[1].UUID { // as after a restore as a copy
		rows = append(rows, []string{"Database UUID", infos[0].UUID, infos[1].UUID, "another one"})
	}
	yes := map[bool]string{true: "yes", false: "no"}
	rows = append(rows, []string{"Neutralized", yes[infos[0].Neutralized], yes[infos[1].Neutralized]})
	for _, m := range changes.Modules {
		rows = append(rows, []string{m.Name, m.Old, m.New, m.Kind + map[bool]string{true: ", not from Odoo"}[m.Custom]})
	}
	for _, m := range changes.Kept {
		rows = append(rows, []string{m.Name, m.Version, m.Version, "same version, not from Odoo"})
	}
	printRows(out, rows)
	_, _ = fmt.Fprintln(out, changes)
}

// printRows prints a table whose columns are as wide as what is in them.
func printRows(out io.Writer, rows [][]string) {
	var widths [4]int
	for _, cells := range rows {
		for n, cell := range cells {
			cells[n] = actions.Line(cell)
			widths[n] = max(widths[n], utf8.RuneCountInString(cells[n]))
		}
	}
	for _, cells := range rows {
		var line strings.Builder
		for n, cell := range cells {
			line.WriteString(cell + strings.Repeat(" ", widths[n]+2-utf8.RuneCountInString(cell)))
		}
		_, _ = fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
}
