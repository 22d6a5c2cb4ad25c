package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/inventory"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/run"
	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// side is a database that is compared.
type side struct {
	info      dump.Info // of an inventory from a file, what that says
	inventory *inventory.Inventory
}

// unusableError says that a dump cannot be counted.
type unusableError struct{ error }

func (e unusableError) Unwrap() error { return e.error }

// readSide counts a dump, or reads the inventory of one.
func (p *program) readSide(path string) (side, error) {
	path = run.InFolder(p.workspace(), path)
	if isInventory(path) {
		found, err := run.ReadInventory(path)
		if err != nil {
			return side{}, err
		}
		return side{dump.Info{
			File:  dump.File{Name: filepath.Base(path), SHA256: found.Dump.SHA256},
			Facts: dump.Facts{Series: found.Dump.Series, UUID: found.Dump.UUID, Neutralized: found.Dump.Neutralized, Modules: found.Modules},
		}, found}, nil
	}
	info, err := dump.Inspect(p.ctx, path, dump.Options{Digest: true})
	if err != nil {
		return side{}, fmt.Errorf("inspecting the dump: %w", err)
	}
	if err := errors.Join(job.Plan{}.Problems(info, upgrade.Target{})...); err != nil {
		return side{info: info}, unusableError{err}
	}
	found, err := inventory.Of(p.ctx, info)
	return side{info, found}, err
}

// isInventory reports whether a file begins as an inventory does.
func isInventory(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, len(`{"format":"`)+len(inventory.FileFormat))
	_, err = io.ReadFull(file, head)
	return err == nil && bytes.HasSuffix(head, []byte(inventory.FileFormat))
}

// ended ends a command that sends nothing.
func (p *program) ended(told *report.Report, ending job.Ending) int {
	switch _, unusable := errors.AsType[unusableError](ending.Err); {
	case ending.Err == nil:
		ending.Result = job.Success
	case p.ctx.Err() != nil:
		ending.Result = job.Interrupted
	case unusable:
		ending.Result = job.PreflightFailed
	case ending.Result == "":
		ending.Result = job.InvalidInput
	}
	why := p.explain(ending, job.Command{})
	why.Fine = ending.Err == nil
	told.Finish(ending, why)
	return exitStatus(ending.Result)
}

// run compares two databases.
func (c *compareCommand) run(p *program) int {
	if err := p.keep(c.localFlags); err != nil {
		return p.invalid(err)
	}
	old, upgraded := cmp.Or(c.Old, c.gateFlags.Inventory, c.Dump), cmp.Or(c.New, c.Upgraded)
	if old == "" || upgraded == "" {
		return p.invalid(advice.New("compare needs two databases", "Give the dump that was sent, or its inventory, and the upgraded database."))
	}
	told := report.New(p.runner, 0)
	told.InputName = p.inputName
	sides, err := p.readSides(old, upgraded)
	if err != nil {
		return p.ended(told, job.Ending{Err: err})
	}
	found := compare.Compare(sides[0].inventory, sides[1].inventory)
	compared := event.Compared{Result: found, Gates: c.FailOn}
	if p.step {
		compared.Path, err = p.save(c.DownloadPath, job.ComparisonFile, found)
		told.Observe(compared)
	} else {
		c.print(p.stdout, sides, found)
	}
	ending := job.Ending{Dump: sides[0].info, Compared: &compared, Err: err}
	if err == nil {
		ending.Err = job.Gate(compared)
		if ending.Err != nil {
			ending.Result = job.CheckFailed
		}
	}
	if !p.step && ending.Err == nil && c.Outputs+c.Summary == "" {
		return 0
	}
	return p.ended(told, ending)
}

// readSides counts both databases.
func (p *program) readSides(old, upgraded string) (sides [2]side, err error) {
	for n, path := range []string{old, upgraded} {
		if sides[n], err = p.readSide(path); err != nil {
			return sides, err
		}
	}
	return sides, nil
}

// save writes a small file beside where downloads go, and returns its path as users know it.
func (p *program) save(folder, name string, value any) (string, error) {
	at, err := workspace.Open(p.workspace(), folder)
	if err != nil {
		return "", fmt.Errorf("opening {download-path}: %w", err)
	}
	defer at.Close()
	var content bytes.Buffer
	if i, ok := value.(*inventory.Inventory); ok {
		err = i.Write(&content)
	} else {
		printJSON(&content, value)
	}
	if err != nil {
		return "", err
	}
	return at.Save(p.ctx, name, ".json", content.Bytes())
}

// print prints what differs, as text or JSON.
func (c *compareCommand) print(out io.Writer, sides [2]side, found compare.Result) {
	changes, known := dump.Compare(sides[0].info, sides[1].info)
	if c.Format.json {
		printJSON(out, map[string]any{"comparison": found, "modules": changes.Modules, "custom_modules": changes.Kept})
		return
	}
	printChanges(out, [2]dump.Info{sides[0].info, sides[1].info}, changes)
	if !known {
		_, _ = fmt.Fprintln(out, "The modules of one of the databases are not known.")
	}
	_, _ = fmt.Fprintf(out, "\n%s.\n", found)
	for _, f := range found.Findings {
		_, _ = fmt.Fprintln(out, row(string(f.Area), f.Text))
	}
	for _, f := range found.Folded {
		_, _ = fmt.Fprintln(out, row("not counted", fmt.Sprintf("%s (%d): %s", f.Reason, f.Count, show.First(f.Example, 3, ", "))))
	}
	for _, gap := range found.NotCompared {
		_, _ = fmt.Fprintln(out, row("not compared", gap.Text))
	}
}

// printChanges prints a table of what differs in versions and modules.
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
