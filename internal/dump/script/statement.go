package script

import (
	"bytes"
	"strings"
)

var (
	openBanner     = []byte("-- PostgreSQL database dump")
	completeBanner = []byte("-- PostgreSQL database dump complete")
	fromVersion    = []byte("-- Dumped from database version ")
	byVersion      = []byte("-- Dumped by pg_dump version ")
)

// sqlLine is a line without its end.
type sqlLine struct {
	text  []byte
	ended bool // it had one
}

// close takes a line of the closing, which has been the same in every version of
// pg_dump: the banner, "--", an empty line; since August 2025 also \unrestrict
// and an empty line.
func (s *Reader) close(line sqlLine) bool {
	text := line.text
	switch {
	case bytes.Equal(text, completeBanner):
		s.closing = 0
	case s.closing == 1 && string(text) == "--",
		(s.closing == 2 || s.closing == 4) && len(text) == 0,
		s.closing == 3 && bytes.HasPrefix(text, []byte(`\unrestrict `)):
	default:
		return false
	}
	if line.ended {
		s.closing++
	}
	s.closed = s.closed || s.closing == 5 || s.closing == 3 && !s.restricted
	return true
}

// closeOrElse takes a line that is of the closing, or interrupts it.
func (s *Reader) closeOrElse(line sqlLine) {
	if !s.close(line) {
		s.closing = 0
	}
}

// comment takes a line that is empty or a comment.
func (s *Reader) comment(line sqlLine) {
	text := line.text
	if at := FindMessage(text); at > 0 && s.foreign == nil { // it begins in the middle of a line where two streams were joined
		s.foreign = bytes.Clone(text[at:min(len(text), at+256)])
	}
	switch {
	case s.close(line):
	case bytes.Equal(text, openBanner):
		s.dumps++
		s.closed, s.restricted = false, false
	case s.PostgreSQL == "" && bytes.HasPrefix(text, fromVersion):
		s.PostgreSQL = Short(text[len(fromVersion):])
	case s.PgDump == "" && bytes.HasPrefix(text, byVersion):
		s.PgDump = Short(text[len(byVersion):])
	}
}

// command takes a command of psql's.
func (s *Reader) command(line []byte) {
	word, rest, _ := strings.Cut(Short(line), " ")
	switch word {
	case `\restrict`:
		s.restricted = true
	case `\connect`, `\c`:
		s.connects = true
		if s.Database == "" {
			s.Database = connectsTo(rest)
		}
	}
}

// connectsTo returns the database that the arguments of \connect name: NAME, or
// -reuse-previous=on "dbname='NAME'".
func connectsTo(arguments string) string {
	_, name, found := strings.Cut(arguments, "dbname=")
	if !found {
		name = strings.TrimSpace(arguments)
	}
	return strings.Trim(name, `"'`)
}

// Short keeps text from a dump bounded.
func Short(text []byte) string { return string(text[:min(len(text), 200)]) }

// understand takes what a statement says.
func (s *Reader) understand() {
	words := tokens(s.statement)
	verb := words.next()
	switch verb.word() {
	case "COPY":
		s.copy(string(s.statement))
	case "INSERT":
		s.insert(words)
	case "CREATE":
		s.create(words)
	case "ALTER":
		if words.next().word() == "TABLE" && bytes.Contains(s.statement, []byte("ADD CONSTRAINT")) {
			s.sink.Object(KindKey, Table{})
		}
	case "SET":
		s.set(words)
	case "SELECT":
		if bytes.Contains(s.statement, []byte("set_config('search_path', ''")) {
			s.path = "" // each name has its schema
		}
	}
}

// created are the words for what CREATE creates.
var created = map[string]Kind{
	"TABLE": KindTable, "INDEX": KindKey, "EXTENSION": KindExtension, "SCHEMA": KindSchema, "VIEW": KindView,
	"FUNCTION": KindFunction, "PROCEDURE": KindFunction, "AGGREGATE": KindFunction, "TRIGGER": KindTrigger,
}

// create takes CREATE TABLE, CREATE INDEX and the like.
func (s *Reader) create(words tokens) {
	for range 4 { // UNLOGGED, UNIQUE, OR REPLACE and the like
		kind, known := created[words.next().word()]
		if !known {
			continue
		}
		switch kind {
		case KindKey:
			s.sink.Object(kind, Table{})
			Uses(s.statement, s.sink)
		case KindExtension, KindSchema, KindTrigger:
			s.sink.Object(kind, words.table(""))
		default:
			name := words.table(s.path)
			s.sink.Object(kind, name)
			if kind == KindTable {
				s.define(name, words)
			}
		}
		return
	}
}

// set takes the settings that say how the rest is to be read.
func (s *Reader) set(words tokens) {
	name := words.next().word()
	words.next() // = or TO
	value := words.next()
	switch name {
	case "SEARCH_PATH":
		s.path = strings.Trim(value.text, "'")
	case "STANDARD_CONFORMING_STRINGS":
		s.lexer.backslash = strings.EqualFold(strings.Trim(value.text, "'"), "off")
	}
}

// copy begins the data of a table, if it follows the statement.
func (s *Reader) copy(statement string) {
	c, ok := ParseCopy(statement, s.path)
	if !ok {
		return
	}
	s.waiting, s.columns, s.table = true, len(c.Columns), c.Table
	s.rows = s.sink.Copy(c)
}
