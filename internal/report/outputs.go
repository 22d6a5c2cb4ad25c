package report

import (
	"errors"
	"io/fs"
	"net/url"
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

// mostURLs limits how many different addresses a platform's statuses may name: each is a
// secret that every text is searched for.
const mostURLs = 300

// affordOutput reports whether an output with a text of the platform's can be written, and
// says once that no more can.
func (r *Report) affordOutput(bytes int) bool {
	r.outputBytes += bytes
	if r.outputBytes <= maxOutputs {
		return true
	}
	if !r.outputsFull {
		r.outputsFull = true
		r.warn("Outputs", "The outputs are full. From here on, only the result and the files are added.")
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
	return strings.HasSuffix(name, "-sha256") || strings.HasSuffix(name, "-path")
}

// output sets a step output, unless it has that value already. A failure is said, but
// does not end a run that may be about to get a database.
func (r *Report) output(name, value string) {
	if was, ok := r.written[name]; ok && was == value || !ok && value == "" {
		return
	}
	if !isOwn(name) && !r.affordOutput(len(name)+len(value)+outputFrame) {
		return
	}
	r.written[name] = value
	if !secretOutput(name) && !isOwn(name) {
		value = r.line(value) // a platform may repeat the key in any text
	}
	err := r.out.Output(name, value)
	if _, unwritable := errors.AsType[*fs.PathError](err); unwritable {
		if r.lost {
			return // said once
		}
		r.lost = true
	}
	if err != nil {
		r.warn("Output "+name, err.Error())
	}
}

// maskURLs masks the URLs in a status: each of them gives access to the database. One that
// holds the key is masked by the key's mask.
func (r *Report) maskURLs(s upgrade.Status) {
	for _, l := range upgrade.Links() {
		value := s.Links[l.Name].Reveal()
		u, err := url.Parse(value)
		isURL := err == nil && u.Scheme != "" && u.Host != "" // a word would be masked wherever it stands
		if isURL && r.out.Redact(value) == value && !r.hushed {
			r.out.Mask(value)
			r.urls++
		}
	}
	if r.urls > mostURLs && !r.hushed {
		r.hushed = true
		r.warn("Status", "The platform's status has too many URLs to mask. From here on, its fields are left out of the log and the outputs.")
	}
}

func (r *Report) statusOutputs(s upgrade.Status) {
	r.output("state", s.State)
	if r.hushed {
		return
	}
	for _, f := range upgrade.Fields() {
		r.output(string(f.Name), s.Get(f.Name))
	}
	for _, l := range upgrade.Links() {
		r.output(string(l.Name), s.Links[l.Name].Reveal())
	}
	r.output("request", s.Raw.Reveal())
}
