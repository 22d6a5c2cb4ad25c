package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/run"
	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/upgrade"
)

// run inspects a dump. One that cannot be sent fails the preflight, so that a script
// can rely on the exit status.
func (c *inspectCommand) run(p *program) int {
	if err := p.keep(c.localFlags); err != nil {
		return p.invalid(err)
	}
	path := c.Dump
	if c.File != "" {
		path = c.File
	}
	if path == "" {
		return p.invalid(errors.New("missing: dump"))
	}
	info, err := dump.Inspect(p.ctx, run.InFolder(p.workspace(), path), dump.Options{Digest: c.SHA256 || p.step})
	ending := job.Ending{Result: job.Success, Dump: info}
	switch {
	case p.ctx.Err() != nil:
		ending.Result, ending.Err = job.Interrupted, err
	case err != nil:
		ending.Result, ending.Err = job.InvalidInput, fmt.Errorf("inspecting the dump: %w", err)
	default:
		if ending.Err = errors.Join(job.Plan{}.Problems(info, upgrade.Target{})...); ending.Err != nil {
			ending.Result = job.PreflightFailed
		}
	}
	told := report.New(p.runner, 0)
	told.InputName = p.inputName
	if err == nil && p.step {
		told.Observe(event.Inspected{Dump: info})
		for _, line := range describe(info, ending.Err) {
			p.runner.Info(line)
		}
		for _, warning := range info.Warnings {
			told.Observe(event.DumpWarning{Text: warning})
		}
	} else if err == nil {
		c.print(p.stdout, info, ending.Err)
	}
	if p.step || ending.Err != nil || c.Outputs != "" || c.localFlags.Summary != "" {
		why := p.explain(ending, job.Command{})
		why.Fine = ending.Err == nil
		told.Finish(ending, why)
	}
	return exitStatus(ending.Result)
}

func (c *inspectCommand) print(out io.Writer, info dump.Info, problem error) {
	if c.Format.json {
		printJSON(out, inspection(info, problem))
		return
	}
	for _, line := range describe(info, problem) {
		_, _ = fmt.Fprintln(out, line)
	}
	for _, warning := range info.Warnings {
		_, _ = fmt.Fprintln(out, row("Warning", warning))
	}
}

// printJSON prints a value as JSON. In a step's log, ##[ begins a command, anywhere in a
// line.
func printJSON(out io.Writer, value any) {
	text, _ := json.MarshalIndent(value, "", "  ")
	_, _ = fmt.Fprintf(out, "%s\n", bytes.ReplaceAll(text, []byte("##["), []byte(`\u0023#[`)))
}

// inspection is what inspect prints as JSON. The contract is not in it.
func inspection(i dump.Info, wrong error) map[string]any {
	problem, do := "", ""
	if wrong != nil {
		problem, do = wrong.Error(), advice.Of(wrong)
	}
	modules, warnings := i.Modules, i.Warnings
	if modules == nil {
		modules = []dump.Module{}
	}
	if warnings == nil {
		warnings = []string{}
	}
	unfinished := i.Unfinished
	if unfinished == nil {
		unfinished = []string{}
	}
	return map[string]any{
		"name": i.Name, "size": i.Size, "sha256": i.SHA256, "kind": i.Kind, "gzip": i.Wrapper == dump.InGzip, "wrapper": i.Wrapper, "compression": i.Compression,
		"database": i.Database, "postgresql": i.PostgreSQL, "pg_dump": i.PgDump,
		"odoo": i.Odoo, "odoo_version": i.Series, "modules": modules, "custom_modules": i.CustomCount(), "unfinished_modules": unfinished, "database_uuid": i.UUID,
		"filestore": i.Filestore, "neutralized": i.Neutralized, "contract": i.ContractMatches("") != dump.NoContract,
		"usable": wrong == nil, "problem": problem, "advice": do, "warnings": warnings,
	}
}

// row is a line of what inspect prints as text.
func row(name, value string) string { return fmt.Sprintf("%-14s %s", name, actions.Line(value)) }

// describe returns what inspect prints as text, a line for each known fact.
func describe(i dump.Info, wrong error) (lines []string) {
	kind := string(i.Kind)
	if i.Wrapper != "" {
		kind += ", in " + string(i.Wrapper)
	}
	if i.Compression != "" && i.Compression != "none" && i.Wrapper == "" {
		kind += ", compressed with " + i.Compression
	}
	odoo := "no"
	if i.Opaque {
		odoo = "not known"
	}
	if i.Odoo {
		odoo = strings.TrimSuffix("yes, "+i.Series, ", ")
	}
	modules := ""
	if len(i.Modules) > 0 {
		modules = fmt.Sprintf("%d installed, %d of them seem to be your own", len(i.Modules), i.CustomCount())
		if own := i.Custom(); len(own) > 0 {
			modules += ": " + show.First(own, 20, ", ")
		}
	}
	whole := "yes"
	if i.Opaque {
		whole = "not known"
	}
	if wrong != nil {
		whole = "no: " + advice.Full(wrong)
	}
	for _, known := range [][2]string{
		{"File", i.Name}, {"Size", fmt.Sprintf("%s (%d bytes)", humanize.IBytes(uint64(i.Size)), i.Size)}, {"SHA-256", i.SHA256},
		{"Kind", kind}, {"Database", i.Database}, {"PostgreSQL", i.PostgreSQL}, {"pg_dump", i.PgDump},
		{"Odoo", odoo}, {"Modules", modules}, {"Not ended", show.First(i.Unfinished, 20, ", ")}, {"UUID", i.UUID},
		{"Filestore", map[bool]string{true: "inside"}[i.Filestore]}, {"Neutralized", map[bool]string{true: "yes"}[i.Neutralized]},
		{"Contract", map[bool]string{true: "the database names one"}[i.ContractMatches("") != dump.NoContract]}, {"Usable", whole},
	} {
		if known[1] != "" {
			lines = append(lines, row(known[0], known[1]))
		}
	}
	return lines
}
