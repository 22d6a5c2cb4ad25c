package dump

import (
	"bytes"
	"strconv"
	"strings"
)

// Bounds of what is kept of a dump's rows. Odoo has some hundred modules.
const (
	maxModules = 20_000
	maxName    = 200     // of a module's name and version
	maxField   = 4 << 10 // of a value that is read
	maxRow     = 1 << 20 // of a row that is read; a longer one is skipped
)

// facts is what the tables of Odoo tell, and the rows of two of them.
type facts struct {
	defined bool // the table of modules is created
	dumped  bool // its rows are there
	counted bool // and were read
	count   int  // how many there are
	keys    bool // some table has an index or a constraint

	series      string
	modules     []Module // that are installed
	others      []string // that are not
	contract    string
	uuid        string
	neutralized bool
	unread      bool // the rows are there, but compressed with too large a window
}

// The tables that are read, in the schema that Odoo always uses.
const (
	schema      = "public"
	moduleTable = "ir_module_module"
	configTable = "ir_config_parameter"
)

var (
	modulesName = tableName{schema, moduleTable}
	configName  = tableName{schema, configTable}
)

// create notes that the dump creates a table.
func (f *facts) create(t tableName) { f.defined = f.defined || t == modulesName }

// insert notes a row that is inserted by a statement of its own, or rows that cannot be
// read.
func (f *facts) insert(t tableName) {
	if t == modulesName {
		f.dumped = true
		f.count++
	}
}

// rows takes the rows of one table, in COPY's text format.
type rows struct {
	facts   *facts
	table   string
	take    func(get func(column string) string)
	columns map[string]int
}

// rowsOf returns what takes the rows of a COPY statement's table, nil for a
// table that says nothing. A column list is in the dump's own order.
func (f *facts) rowsOf(c copyStatement) *rows {
	r := &rows{facts: f, table: c.table.name, columns: c.columns}
	switch c.table {
	case modulesName:
		f.dumped, f.counted = true, true
		r.take = f.module
	case configName:
		r.take = f.parameter
	default:
		return nil
	}
	return r
}

const wholeAgain = "create it again with pg_dump -Fc, without --schema-only (-s), --data-only (-a), --section and --exclude-table-data"

// check says what a complete dump of Odoo has and this one does not.
func (f *facts) check() error {
	switch {
	case f.dumped && !f.defined:
		return &refusal{"has no table definitions, only rows: it has those of " + moduleTable + ", but does not create the table", wholeAgain}
	case f.defined && (!f.dumped || f.counted && f.count == 0 && !f.unread):
		return &refusal{"has no rows in " + moduleTable + ", only the definition of the table", wholeAgain}
	}
	return nil
}

// row takes one line, without its end.
func (r *rows) row(line []byte) {
	fields := bytes.Split(line, []byte("\t"))
	r.take(func(column string) string {
		at, ok := r.columns[column]
		if !ok || at >= len(fields) || len(fields[at]) > maxField {
			return ""
		}
		return unescape(fields[at])
	})
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
	if get("state") != "installed" && get("state") != "to upgrade" {
		f.others = append(f.others, name)
		return
	}
	author := get("author")
	custom := author != "" && !vendors(author)
	f.modules = append(f.modules, Module{name, version, custom})
}

// vendors tells whether Odoo's maker is among the authors.
func vendors(authors string) bool {
	for author := range strings.SplitSeq(strings.ToLower(authors), ",") {
		switch strings.Trim(author, " .") {
		case "odoo s.a", "odoo sa", "odoo", "openerp s.a", "openerp sa", "openerp":
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

// unescape reads a field of COPY's text format (PostgreSQL, COPY, "File
// Formats"). NULL is as good as empty here.
func unescape(field []byte) string {
	if string(field) == `\N` {
		return ""
	}
	if !bytes.ContainsRune(field, '\\') {
		return string(field)
	}
	out := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' || i+1 == len(field) {
			out = append(out, field[i])
			continue
		}
		i++
		if at := strings.IndexByte("bfnrtv", field[i]); at >= 0 {
			out = append(out, "\b\f\n\r\t\v"[at])
			continue
		}
		if n := digits(field[i:], 3, "01234567"); n > 0 {
			value, _ := strconv.ParseUint(string(field[i:i+n]), 8, 16)
			out = append(out, byte(value))
			i += n - 1
			continue
		}
		if n := digits(field[i+1:], 2, "0123456789abcdefABCDEF"); field[i] == 'x' && n > 0 {
			value, _ := strconv.ParseUint(string(field[i+1:i+1+n]), 16, 16)
			out = append(out, byte(value))
			i += n
			continue
		}
		out = append(out, field[i])
	}
	return string(out)
}

// digits counts how many of b's first bytes, at most limit, are in set.
func digits(b []byte, limit int, set string) int {
	n := 0
	for n < len(b) && n < limit && strings.IndexByte(set, b[n]) >= 0 {
		n++
	}
	return n
}
