package report

import (
	"fmt"
	"strconv"
	"strings"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
)

// checked reports what the upgraded database is, and what changed in it.
func (r *Report) checked(e event.Checked) {
	d := e.Dump
	line := identity(d)
	if d.Odoo && !d.Neutralized {
		line = append(line, "not neutralized")
	}
	r.info("Upgraded database: " + strings.Join(line, ", "))
	if e.Copied {
		r.info("Its version was not checked: the sandbox only copies.")
	}
	r.output("upgraded-odoo-version", d.Series)
	r.output("upgraded-postgresql", d.PostgreSQL)
	if !e.Compared {
		return
	}
	r.info("Modules: " + e.Changes.String() + ".")
	for name, kinds := range map[string][]string{
		"modules-added": {dump.Added}, "modules-removed": {dump.Removed, dump.Uninstalled}, "modules-updated": {dump.Updated},
	} {
		r.output(name, strconv.Itoa(e.Changes.Count(kinds...)))
	}
	r.output("modules-json-path", e.ChangesPath)
}

// identity lists what a person wants to know first of a dump.
func identity(d dump.Info) []string {
	list := []string{d.Form.String()}
	if d.Odoo {
		list = append(list, strings.TrimSpace("Odoo "+d.Series))
	}
	if version, _, _ := strings.Cut(d.PostgreSQL, " "); version != "" {
		list = append(list, "PostgreSQL "+version)
	}
	if d.Neutralized {
		list = append(list, "neutralized")
	}
	return list
}

// mostModules limits the rows of the table of modules.
const mostModules = 200

// writeModules writes the folded table of what changed in the modules: the vendor's, and
// the others apart, which the platform does not upgrade.
func (r *Report) writeModules(b *strings.Builder, e *event.Checked) {
	if e == nil || !e.Compared || len(e.Changes.Modules)+len(e.Changes.Kept) == 0 {
		return
	}
	var vendors, custom []dump.Change
	for _, m := range e.Changes.Modules {
		if m.Custom {
			custom = append(custom, m)
		} else {
			vendors = append(vendors, m)
		}
	}
	for _, m := range e.Changes.Kept {
		custom = append(custom, dump.Change{Name: m.Name, Old: m.Version, New: m.Version, Kind: "same version", Custom: true})
	}
	fmt.Fprintf(b, "\n<details><summary>Modules: %s</summary>\n", e.Changes.String())
	left := r.writeModuleTable(b, vendors, mostModules)
	if len(custom) > 0 {
		b.WriteString(
			"\nCustom modules. The platform does not upgrade their code: check that you have a version of each for the new Odoo.\n",
		)
		r.writeModuleTable(b, custom, left)
	}
	b.WriteString("\n</details>\n")
}

// writeModuleTable writes at most so many rows, and returns how many more there may be.
func (r *Report) writeModuleTable(b *strings.Builder, list []dump.Change, most int) (left int) {
	if len(list) == 0 {
		return most
	}
	b.WriteString("\n| Module | Before | After | |\n|---|---|---|---|\n")
	for _, m := range list[:min(len(list), most)] {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", r.code(m.Name), r.text(m.Old), r.text(m.New), m.Kind)
	}
	if more := len(list) - most; more > 0 {
		fmt.Fprintf(b, "\nand %d more.\n", more)
	}
	return max(0, most-len(list))
}
