package report

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/upgrade"
)

// Output declares a step output.
type Output struct {
	Name   string
	Help   string
	Secret bool // holds the key or a URL with it: masked, and dropped from a job's outputs
}

// Outputs declares every step output, in the order of the documentation.
func Outputs() []Output {
	list := []Output{
		{"result", "How the run ended, such as success, upgrade-failed or timeout; see How it ends in the README", false},
		{"state", "The platform's state of the request", false},
		{"protocol", "The protocol that the platform speaks: v1 or json-rpc", false},
		{"request-id", "ID of the request, set as soon as it is known", false},
		{"request-key", "Private key of the request", true},
		{"handle", "Sealed reference of the request, for a later job; it may appear in a public log", false},
		{"request", "The whole status as JSON", true},
		{"failures", "What the platform refused, as a JSON list in the platform's own shape", false},
		{"dump-sha256", "SHA-256 of the dump", false},
		{"dump-kind", "What the dump is: custom, tar, sql, odoo-zip; with .gz if it is compressed with gzip", false},
		{"dump-odoo-version", "Odoo version of the dump, like 16.0 or 10.saas~15", false},
		{"dump-postgresql", "Version of the PostgreSQL that the dump is from", false},
	}
	list = append(list,
		Output{"upgraded-odoo-version", "Odoo version of the upgraded database", false},
		Output{"upgraded-postgresql", "Version of the PostgreSQL that the upgraded database was dumped from", false},
		Output{"modules-added", "Number of modules that the upgrade installed", false},
		Output{"modules-removed", "Number of modules that were removed or uninstalled", false},
		Output{"modules-updated", "Number of modules whose version changed", false},
		Output{"modules-json-path", "Path of a JSON file that lists these modules, in the workspace", false},
	)
	list = append(list, causeOutputs...)
	list = append(list, comparisonOutputs...)
	for _, item := range upgrade.Items() {
		list = append(list,
			Output{string(item) + "-path", "Path of " + string(item) + ", in the workspace", false},
			Output{string(item) + "-sha256", "SHA-256 of " + string(item) + "; for a folder, see Which protocol in the README", false})
	}
	for _, f := range upgrade.Fields() {
		list = append(list, Output{string(f.Name), f.Help, false})
	}
	for _, l := range upgrade.Links() {
		list = append(list, Output{string(l.Name), l.Help, true})
	}
	return list
}

// comparisonOutputs are those of the comparison.
var comparisonOutputs = []Output{
	{"rows-lost", "Number of rows that the upgraded database lacks, without those that every upgrade rewrites", false},
	{"tables-lost", "Number of tables with such rows that are gone", false},
	{"ledger", "How the ledger compares: equal, differs, or none if it was not compared", false},
	{"stock", "How the stock compares: equal, differs, or none if it was not compared", false},
	{"views-disabled", "Number of views that were switched off", false},
	{"views-lost", "Number of your own views that are gone", false},
	{"automations-disabled", "Number of scheduled actions, server actions and automation rules that were switched off or are gone", false},
	{"fields-lost", "Number of manual fields and models, and of objects that no module owns, that are gone", false},
	{"report-disabled-views", "Number of views that the platform's own report lists as disabled", false},
	{"report-json-path", "Path of a JSON file with what the platform's own report lists, in the workspace", false},
	{"comparison-path", "Path of a JSON file with the whole comparison, in the workspace", false},
	{"inventory-path", "Path of the inventory of the dump that was sent, in the workspace; a later job takes it as input inventory", false},
}

// secretOutput reports whether the output with that name is declared to hold the key.
func secretOutput(name string) bool {
	for _, o := range Outputs() {
		if o.Name == name {
			return o.Secret
		}
	}
	return false
}

// maxOutputs limits what a platform's texts take of the file of outputs, in bytes: the
// runner takes 1 MiB of outputs, and each change of a text is written.
const maxOutputs = 512 << 10

// outputFrame is about how many bytes the runner's file has around each output.
const outputFrame = 100

// outputs sets the outputs of the step.
type outputs struct {
	*console
	written map[string]string // by name
	bytes   int               // of the platform's texts
	full    bool              // no more of them is written
	lost    bool              // that one could not be written was said
}

// afford reports whether an output with a text of the platform's can be written, and
// says once that no more can.
func (o *outputs) afford(bytes int) bool {
	o.bytes += bytes
	if o.bytes <= maxOutputs {
		return true
	}
	if !o.full {
		o.full = true
		o.warn("Outputs", "The outputs are full. From here on, only the result and the files are added.")
	}
	return false
}

// isOwn reports whether an output has no text of the platform's or of a dump's: a mask
// that happens to fit would only damage it.
func isOwn(name string) bool {
	switch name {
	case "result", "protocol", "request-id", "handle", "dump-kind", "modules-added", "modules-removed", "modules-updated":
		return true
	}
	if slices.ContainsFunc(comparisonOutputs, func(o Output) bool { return o.Name == name }) {
		return true
	}
	return strings.HasSuffix(name, "-sha256") || strings.HasSuffix(name, "-path")
}

// output sets a step output, unless it has that value already. A failure is said, but
// does not end a run that may be about to get a database.
func (o *outputs) output(name, value string) {
	if was, ok := o.written[name]; ok && was == value || !ok && value == "" {
		return
	}
	if !isOwn(name) && !o.afford(len(name)+len(value)+outputFrame) {
		return
	}
	o.written[name] = value
	if !secretOutput(name) && !isOwn(name) {
		value = o.line(value) // a platform may repeat the key in any text
	}
	err := o.out.Output(name, value)
	if _, unwritable := errors.AsType[*fs.PathError](err); unwritable {
		if o.lost {
			return // said once
		}
		o.lost = true
	}
	if err != nil {
		o.warn("Output "+name, err.Error())
	}
}
