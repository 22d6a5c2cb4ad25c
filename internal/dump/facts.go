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
	maxField   = 4 << 10 // of a value that is looked at
	maxRow     = 1 << 20 // of a row that is looked at; a longer one is passed over
)

// facts is what the rows of two of Odoo's tables tell.
type facts struct {
	odoo        bool
	series      string
	modules     []Module
	custom      int
	contract    string
	uuid        string
	neutralized bool
	unread      bool // the rows are there, but packed with too large a window
}

// The tables that are read, in the schema that Odoo always uses.
const (
	schema      = "public"
	moduleTable = "ir_module_module"
	configTable = "ir_config_parameter"
)

// rows takes the rows of one table, in COPY's text format.
type rows struct {
	facts   *facts
	take    func(get func(column string) string)
	columns map[string]int
}

// rowsOf returns what takes the rows of a COPY statement's table, nil for a
// table that says nothing. A column list is in the dump's own order. Before 2018
// pg_dump named a table without its schema, which is namespace then.
func (f *facts) rowsOf(statement, namespace string) *rows {
	table, columns, ok := parseCopy(statement)
	if !ok {
		return nil
	}
	if !strings.Contains(table, ".") {
		table = namespace + "." + table
	}
	r := &rows{facts: f, columns: columns}
	switch table {
	case schema + "." + moduleTable:
		f.odoo = true
		r.take = f.module
	case schema + "." + configTable:
		r.take = f.parameter
	default:
		return nil
	}
	return r
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
	if get("state") != "installed" && get("state") != "to upgrade" || len(f.modules) >= maxModules {
		return
	}
	f.modules = append(f.modules, Module{name, version})
	if author := get("author"); author != "" && !vendors(author) {
		f.custom++
	}
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

// parseCopy reads "COPY public.t (a, "b") FROM stdin;" as pg_dump writes it.
func parseCopy(statement string) (table string, columns map[string]int, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(statement), "COPY ")
	if !ok || len(rest) > maxRow {
		return "", nil, false
	}
	list, ok := strings.CutSuffix(rest, ") FROM stdin;")
	table, list, found := strings.Cut(list, " (")
	if !ok || !found {
		return "", nil, false
	}
	columns = map[string]int{}
	for n, name := range strings.Split(list, ", ") {
		columns[strings.Trim(name, `"`)] = n
	}
	return table, columns, true
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
