package script

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"odoo-upgrade-action/internal/dump/stream"
)

// Sink is told what a dump has, of whatever kind it is: one way through the definitions and
// the rows of all tables.
//
// Where an archive says where the rows of each table are, several tables may be read at a time:
// then the Rows that Copy returned are called at the same time, each by one goroutine.
type Sink interface {
	Object(kind Kind, name Table) // the dump creates it
	Needs(extension string)       // a definition uses it
	Insert(t Table)               // a row has a statement of its own, or an archive has rows of the table
	Copy(c Copy) Rows             // rows follow; nil if they are not wanted
	Unread(t Table)               // rows that are wanted take more memory than is to be spent
}

// Kind is what a dump creates.
type Kind string

// The kinds of objects that a Sink is told of. A Key is an index or a constraint of some table.
const (
	KindTable     Kind = "table"
	KindKey       Kind = "key"
	KindExtension Kind = "extension"
	KindSchema    Kind = "schema"
	KindView      Kind = "view" // materialized or not
	KindFunction  Kind = "function"
	KindTrigger   Kind = "trigger"
)

// nothing wants nothing.
type nothing struct{}

func (nothing) Object(Kind, Table) {}
func (nothing) Needs(string)       {}
func (nothing) Insert(Table)       {}
func (nothing) Copy(Copy) Rows     { return nil }
func (nothing) Unread(Table)       {}

// uses tells by what a definition uses an extension that Odoo's own modules use.
var uses = map[string]string{"gin_trgm_ops": "pg_trgm", "gist_trgm_ops": "pg_trgm", "unaccent(": "unaccent"}

// Uses tells sink which extensions a definition, or a part of one, uses.
func Uses(definition []byte, sink Sink) {
	for word, extension := range uses {
		if bytes.Contains(definition, []byte(word)) {
			sink.Needs(extension)
		}
	}
}

// Rows takes the rows of one table, each a line in COPY's text format, without its end. The
// line is valid during the call only. Of a row that is longer than 4 MiB it has the first part.
type Rows func(line []byte)

// ReadRows reads what follows a COPY statement: rows, up to the line that ends them.
func ReadRows(in io.Reader, c Copy, rows Rows) error {
	s := Reader{sink: nothing{}, path: Public, copying: true, columns: len(c.Columns), table: c.Table, rows: rows}
	if err := s.Read(in); err != nil {
		return err
	}
	if s.zeros || s.foreign != nil || s.damaged != "" {
		return s.Check()
	}
	if s.copying {
		return stream.Truncated("in the data of a table")
	}
	return nil
}

// Field returns a column of a row, "" where it is NULL, missing, or longer than most bytes.
func (c Copy) Field(line []byte, column string, most int) string {
	at, ok := c.Columns[column]
	for ; ok && at > 0; at-- {
		_, rest, found := bytes.Cut(line, tab)
		line, ok = rest, found
	}
	field, _, _ := bytes.Cut(line, tab)
	if !ok || len(field) > most {
		return ""
	}
	return Unescape(field)
}

var tab = []byte("\t")

// Unescape reads a field of COPY's text format (PostgreSQL, COPY, "File
// Formats"). NULL is as good as empty here.
func Unescape(field []byte) string {
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
