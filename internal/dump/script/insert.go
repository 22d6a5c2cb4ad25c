package script

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/dump/stream"
)

// inserts is what rows need that have statements of their own, as pg_dump --inserts writes them:
// they are handed on as the lines of COPY that they would be.
type inserts struct {
	wanted  bool
	columns map[Table][]string // of the tables that were created
	known   int                // columns in it
	rows    map[Table]Rows     // nil where they are not wanted
	line    []byte
}

// maxColumns is how many columns are kept of all tables together.
const maxColumns = 1 << 20

// WithInserts makes the Reader hand on the rows of INSERT, too. It returns the Reader.
func (s *Reader) WithInserts() *Reader {
	s.inserts = inserts{wanted: true, columns: map[Table][]string{}, rows: map[Table]Rows{}}
	return s
}

// ReadInserts reads the rows of one table as an archive has them that was made with --inserts.
// columns are the table's, in their order.
func ReadInserts(in io.Reader, t Table, columns []string, sink Sink) error {
	s := New(sink).WithInserts()
	s.inserts.columns[t] = columns
	if err := s.Read(in); err != nil {
		return err
	}
	if s.open {
		return stream.Truncated("in the data of a table")
	}
	if s.zeros || s.foreign != nil {
		return s.Check()
	}
	return nil
}

// Columns returns the names of a table's columns from the statement that creates it. known are
// those of tables before it, from which it may inherit some.
func Columns(definition string, known map[Table][]string) []string {
	words := tokens(definition)
	for range 4 {
		if words.next().word() == "TABLE" {
			words.table(Public)
			return words.withInherited(Public, known)
		}
	}
	return nil
}

// withInherited takes the columns of a table as rows have them: what it inherits comes first. Odoo's
// actions inherit from each other.
func (t *tokens) withInherited(path string, known map[Table][]string) (names []string) {
	own := t.columns()
	if t.next().word() == "INHERITS" {
		for word := t.next(); word.text == "(" || word.text == ","; word = t.next() {
			names = append(names, known[t.table(path)]...)
		}
	}
	for _, name := range own {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// define notes the columns of a table, which INSERT does not name.
func (s *Reader) define(t Table, words tokens) {
	if !s.inserts.wanted || s.inserts.known > maxColumns {
		return
	}
	columns := words.withInherited(s.path, s.inserts.columns)
	s.inserts.columns[t] = columns
	s.inserts.known += len(columns)
}

// columns takes the list of columns in CREATE TABLE.
func (t *tokens) columns() (names []string) {
	if t.next().text != "(" {
		return nil
	}
	depth, first := 0, true
	for {
		word := t.next()
		switch {
		case word.text == "":
			return names
		case first && !isTableConstraint[word.word()]:
			names = append(names, word.text)
		case !word.quoted && word.text == "(":
			depth++
		case !word.quoted && word.text == ")":
			if depth--; depth < 0 {
				return names
			}
		}
		first = !word.quoted && word.text == "," && depth == 0
	}
}

var isTableConstraint = map[string]bool{
	")": true, "CONSTRAINT": true, "CHECK": true, "UNIQUE": true, "PRIMARY": true, "FOREIGN": true, "EXCLUDE": true, "LIKE": true,
}

// insert takes INSERT INTO t [(columns)] VALUES (…), (…).
func (s *Reader) insert(words tokens) {
	words.next() // INTO
	t := words.table(s.path)
	s.sink.Insert(t)
	if !s.inserts.wanted {
		return
	}
	columns := s.inserts.columns[t]
	word := words.next()
	if !word.quoted && word.text == "(" {
		for columns = nil; word.text != "" && (word.quoted || word.text != ")"); word = words.next() {
			columns = append(columns, words.next().text)
		}
	}
	rows, known := s.inserts.rows[t]
	if !known {
		c := Copy{Table: t, Columns: map[string]int{}}
		for n, name := range columns {
			c.Columns[name] = n
		}
		rows = s.sink.Copy(c)
		s.inserts.rows[t] = rows
	}
	for word.text != "" && word.word() != "VALUES" { // OVERRIDING SYSTEM VALUE, DEFAULT
		word = words.next()
	}
	if rows == nil {
		return
	}
	if s.shortened {
		s.sink.Unread(t)
		return
	}
	for rest := []byte(words); ; {
		at := bytes.IndexByte(rest, '(')
		if at < 0 {
			return
		}
		s.inserts.line, rest = tuple(s.inserts.line[:0], rest[at+1:], s.lexer.backslash)
		rows(s.inserts.line)
	}
}

// tuple appends what stands in parentheses to a line, as COPY would write it. It returns what
// follows.
func tuple(line, b []byte, backslash bool) (_, rest []byte) {
	for n := 0; ; n++ {
		if n > 0 {
			line = append(line, '\t')
		}
		line, b = value(line, bytes.TrimLeft(b, " \n\r\t"), backslash)
		end := bytes.IndexAny(b, ",)") // a cast may stand before it
		if end < 0 {
			return line, nil
		}
		if b[end] == ')' {
			return line, b[end+1:]
		}
		b = b[end+1:]
	}
}

// value appends one value to a line.
func value(line, b []byte, backslash bool) (_, rest []byte) {
	for len(b) > 1 && b[1] == '\'' && strings.IndexByte("EeBbXxNn", b[0]) >= 0 {
		backslash = backslash || b[0]|0x20 == 'e'
		b = b[1:]
	}
	if len(b) > 0 && b[0] == '\'' {
		return text(line, b[1:], backslash)
	}
	end := bytes.IndexAny(b, ",)")
	if end < 0 {
		end = len(b)
	}
	switch word := string(bytes.TrimSpace(b[:end])); word {
	case "NULL", "DEFAULT":
		line = append(line, `\N`...)
	case "true":
		line = append(line, 't')
	case "false":
		line = append(line, 'f')
	default:
		line = append(line, word...)
	}
	return line, b[end:]
}

// text appends a text that is open to a line.
func text(line, b []byte, backslash bool) (_, rest []byte) {
	for n := 0; n < len(b); n++ {
		switch c := b[n]; {
		case c == '\'' && n+1 < len(b) && b[n+1] == '\'':
			line = append(line, '\'')
			n++
		case c == '\'':
			return line, b[n+1:]
		case c == '\\' && backslash && n+1 < len(b): // the escapes of COPY are those of E''
			line = append(line, c, b[n+1])
			n++
		case c == '\\':
			line = append(line, `\\`...)
		case c == '\n':
			line = append(line, `\n`...)
		case c == '\r':
			line = append(line, `\r`...)
		case c == '\t':
			line = append(line, `\t`...)
		default:
			line = append(line, c)
		}
	}
	return line, nil
}
