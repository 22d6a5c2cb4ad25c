package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

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
	line := func(name, before, after, what string) {
		text := fmt.Sprintf("%-32s %-18s %-18s %s", actions.Line(name), actions.Line(before), actions.Line(after), what)
		_, _ = fmt.Fprintln(out, strings.TrimRight(text, " "))
	}
	line("", infos[0].Name, infos[1].Name, "")
	line("Odoo", infos[0].Series, infos[1].Series, "")
	line("PostgreSQL", infos[0].PostgreSQL, infos[1].PostgreSQL, "")
	yes := map[bool]string{true: "yes", false: "no"}
	line("Neutralized", yes[infos[0].Neutralized], yes[infos[1].Neutralized], "")
	for _, m := range changes.Modules {
		line(m.Name, m.Old, m.New, m.Kind+map[bool]string{true: ", not from Odoo"}[m.Custom])
	}
	for _, m := range changes.Kept {
		line(m.Name, m.Version, m.Version, "same version, not from Odoo")
	}
	_, _ = fmt.Fprintln(out, changes)
}
