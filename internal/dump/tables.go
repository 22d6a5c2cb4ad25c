package dump

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
)

// Bounds of what is kept of a dump's rows. Odoo has some hundred modules.
const (
	maxModules    = 20_000
	maxExtensions = 1000
	maxName       = 200     // of a module's name and version
	maxField      = 4 << 10 // of a value that is read
)

// facts is what the tables of Odoo tell, and the rows of two of them.
type facts struct {
	defined bool // the table of modules is created
	dumped  bool // its rows are there
	counted bool // and were read
	count   int  // how many there are
	keys    bool // some table has an index or a constraint

	public     bool     // the dump creates the schema public, which every database has
	extensions []string // that the dump creates
	needed     []string // that a definition uses, of those that Odoo uses

	series      string
	modules     []Module // that are installed
	others      []string // that are not
	unfinished  []string // of those, what is between two states
	contract    string
	uuid        string
	neutralized bool
	unread      bool // the rows are there, but compressed with too large a window
}

// The tables that are read, in the schema that Odoo always uses.
const (
	moduleTable = "ir_module_module"
	configTable = "ir_config_parameter"
)

var (
	modulesName = script.Table{Schema: script.Public, Name: moduleTable}
	configName  = script.Table{Schema: script.Public, Name: configTable}
)

// Object implements script.Sink.
func (f *facts) Object(kind script.Kind, t script.Table) {
	switch kind {
	case script.KindTable:
		f.defined = f.defined || t == modulesName
	case script.KindKey:
		f.keys = true
	case script.KindSchema:
		f.public = f.public || t.Name == script.Public
	case script.KindExtension:
		if len(f.extensions) < maxExtensions {
			f.extensions = append(f.extensions, t.Name)
		}
	}
}

// Needs implements script.Sink.
func (f *facts) Needs(extension string) {
	if !slices.Contains(f.needed, extension) {
		f.needed = append(f.needed, extension)
	}
}

// missing returns the extensions that definitions use and the dump does not create, which has its
// own schema public: pg_dump -n public leaves them out.
func (f *facts) missing() []string {
	if !f.public {
		return nil
	}
	list := slices.DeleteFunc(slices.Clone(f.needed), func(name string) bool { return slices.Contains(f.extensions, name) })
	slices.Sort(list)
	return list
}

// Insert implements script.Sink.
func (f *facts) Insert(t script.Table) {
	if t == modulesName {
		f.dumped = true
		f.count++
	}
}

// Unread implements script.Sink.
func (f *facts) Unread(script.Table) { f.unread = true }

// Copy implements script.Sink: the rows of two tables are wanted.
func (f *facts) Copy(c script.Copy) script.Rows {
	take := f.parameter
	switch c.Table {
	case modulesName:
		if !f.counted {
			f.count = 0 // an archive has said that there are rows
		}
		f.dumped, f.counted = true, true
		take = f.module
	case configName:
	default:
		return nil
	}
	return func(line []byte) {
		take(func(column string) string { return c.Field(line, column, maxField) })
	}
}

const wholeAgain = "create it again with pg_dump -Fc, without --schema-only (-s), --data-only (-a), --section and --exclude-table-data"

// check says what a complete dump of Odoo has and this one does not.
func (f *facts) check() error {
	switch {
	case f.dumped && !f.defined:
		return stream.Refuse(
			"has no table definitions, only rows: it has those of "+moduleTable+", but does not create the table",
			wholeAgain,
		)
	case f.defined && (!f.dumped || f.counted && f.count == 0 && !f.unread):
		return stream.Refuse("has no rows in "+moduleTable+", only the definition of the table", wholeAgain)
	}
	return nil
}

// module takes a row of ir_module_module.
func (f *facts) module(get func(string) string) {
	f.count++
	version := get("latest_version")
	if version == "" {
		version = get("db_version") // its name in Odoo's newest sources
	}
	name := get("name")
	if len(name) > maxName || len(version) > maxName {
		return
	}
	if name == "base" {
		f.series = seriesOf(version)
	}
	if len(f.modules)+len(f.others) >= maxModules {
		return
	}
	switch state := get("state"); state {
	case "installed":
		f.modules = append(f.modules, Module{name, version, isCustom(get)})
	case "to upgrade", "to install", "to remove":
		f.unfinished = append(f.unfinished, fmt.Sprintf("%s (%s)", name, state))
		fallthrough
	default:
		f.others = append(f.others, name)
	}
}

// isCustom reports whether a module does not seem to be of Odoo's maker: by its author, or for
// those that it took over from others, its website or its license.
func isCustom(get func(string) string) bool {
	author := get("author")
	return author != "" && !vendors(author) && !vendorsSite.MatchString(get("website")) && get("license") != "OEEL-1"
}

var vendorsSite = regexp.MustCompile(`(?i)^(?:https?://)?(?:[a-z0-9-]+\.)*(?:odoo|openerp)\.com(?:[/?#]|$)`)

// vendors tells whether Odoo's maker is among the authors.
func vendors(authors string) bool {
	for _, author := range strings.FieldsFunc(strings.ToLower(authors), func(r rune) bool { return strings.ContainsRune(",;/&", r) }) {
		switch strings.Trim(author, " .") {
		case "odoo s.a", "odoo sa", "odoo", "odoo ps", "openerp s.a", "openerp sa", "openerp":
			return true
		}
	}
	return false
}

// seriesOf is the first two dotted parts: 16.0 of 16.0.1.3.
func seriesOf(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + "." + parts[1]
}

// parameter takes a row of ir_config_parameter.
func (f *facts) parameter(get func(string) string) {
	switch value := get("value"); get("key") {
	case "database.enterprise_code":
		f.contract = value
	case "database.uuid":
		f.uuid = value
	case "database.is_neutralized":
		f.neutralized = strings.EqualFold(value, "true") || value == "1" || value == "t"
	}
}
