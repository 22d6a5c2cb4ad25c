package dump

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// script reads a plain SQL dump as a stream: what pg_dump says of itself, the
// rows of the tables that tell something, and whether it has an end.
type script struct {
	facts      facts
	postgreSQL string
	pgDump     string
	database   string // of \connect, where there is one
	path       string // the schema of names without one, as pg_dump set it before 2018
	restricted bool   // it began with \restrict, and so has to end with \unrestrict
	closing    int    // how many lines of the closing have been seen, see close

	copying bool  // between COPY and \.
	rows    *rows // of the table that is being copied, nil if it is not needed
	midLine bool  // the beginning of the current line was skipped
	atEnd   bool  // what is in the buffer is the rest
}

// scriptBuffer is how much is looked at in one piece. Lines outside of data
// that are longer are passed over.
const scriptBuffer = 256 << 10

// read reads all of it. An error is the reader's.
func (s *script) read(in io.Reader) error {
	buffer := make([]byte, 0, scriptBuffer)
	for {
		var err error
		for err == nil && len(buffer) < cap(buffer) { // small pieces would be looked at again and again
			var n int
			n, err = in.Read(buffer[len(buffer):cap(buffer)])
			buffer = buffer[:len(buffer)+n]
		}
		s.atEnd = err != nil
		used := s.consume(buffer)
		if used == 0 && len(buffer) == cap(buffer) {
			used = s.tooLong(buffer)
		}
		buffer = buffer[:copy(buffer, buffer[used:])]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// consume takes what can be understood of b and returns how much that was.
func (s *script) consume(b []byte) int {
	used := 0
	for {
		var n int
		if s.copying && s.rows == nil {
			n = s.skipData(b[used:])
		} else {
			n = s.line(b[used:])
		}
		if n == 0 {
			return used
		}
		used += n
	}
}

// skipData skips rows that are not needed, up to the line \. that ends them
// or to where one could still begin. A backslash in data is always doubled, so
// no row can look like that line (PostgreSQL, COPY, "Text Format").
func (s *script) skipData(b []byte) int {
	if n := endOfData(b); n > 0 && !s.midLine {
		s.copying = false
		return n
	}
	for from := 0; ; {
		at := bytes.Index(b[from:], []byte("\n\\."))
		if at < 0 {
			break
		}
		from += at + 1
		if n := endOfData(b[from:]); n > 0 {
			s.copying, s.midLine = false, false
			return from + n
		}
	}
	return max(0, bytes.LastIndexByte(b, '\n')) // which may be the one before \.
}

// endOfData returns the length of the line \. if b begins with it, else 0.
func endOfData(b []byte) int {
	for _, line := range []string{"\\.\n", "\\.\r\n"} {
		if bytes.HasPrefix(b, []byte(line)) {
			return len(line)
		}
	}
	return 0
}

// sqlLine is a line without its end.
type sqlLine struct {
	text  []byte
	ended bool // it had one
}

// line reads one line and returns its length, 0 if its end is not in b yet.
func (s *script) line(b []byte) int {
	at := bytes.IndexByte(b, '\n')
	n := at + 1
	if at < 0 {
		if !s.atEnd || len(b) == 0 {
			return 0
		}
		at, n = len(b), len(b)
	}
	text := bytes.TrimSuffix(b[:at], []byte("\r"))
	switch {
	case s.midLine:
		s.midLine = false
	case !s.copying:
		s.statement(sqlLine{text, n > at})
	case string(text) == `\.`:
		s.copying, s.rows = n == at, nil // the last line needs its end
	default:
		s.rows.row(text)
	}
	return n
}

// tooLong passes over most of a line that does not fit: none that tells
// something is that long.
func (s *script) tooLong(b []byte) int {
	if !s.copying {
		s.closing = 0
	}
	s.midLine = true
	return len(b) - len("\n\\.\r\n")
}

var (
	completeBanner = []byte("-- PostgreSQL database dump complete")
	fromVersion    = []byte("-- Dumped from database version ")
	byVersion      = []byte("-- Dumped by pg_dump version ")
	createModules  = []byte("CREATE TABLE " + schema + "." + moduleTable + " ")
	createBare     = []byte("CREATE TABLE " + moduleTable + " ")
	setPath        = []byte("SET search_path = ")
	copyWord       = []byte("COPY ")
	connectWord    = []byte(`\connect `)
)

// close takes a line of the closing, which has been the same in every version of
// pg_dump: the banner, "--", an empty line; since August 2025 also \unrestrict
// and an empty line.
func (s *script) close(line sqlLine) bool {
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
	return true
}

// complete tells whether all of the closing has been seen, and no statement since.
func (s *script) complete() bool { return s.closing == 5 || s.closing == 3 && !s.restricted }

// statement looks at a line outside of data.
func (s *script) statement(l sqlLine) {
	line := l.text
	switch {
	case s.close(l), len(line) == 0:
		return
	case bytes.HasPrefix(line, []byte("--")):
		if s.postgreSQL == "" && bytes.HasPrefix(line, fromVersion) {
			s.postgreSQL = short(line[len(fromVersion):])
		}
		if s.pgDump == "" && bytes.HasPrefix(line, byVersion) {
			s.pgDump = short(line[len(byVersion):])
		}
		return
	}
	s.closing = 0
	switch {
	case bytes.HasPrefix(line, []byte(`\restrict `)):
		s.restricted = true
	case bytes.HasPrefix(line, copyWord) && bytes.HasSuffix(line, []byte(" FROM stdin;")):
		s.copying, s.rows = true, s.facts.rowsOf(string(line), s.path)
	case bytes.HasPrefix(line, createModules), s.path == schema && bytes.HasPrefix(line, createBare):
		s.facts.odoo = true
	case bytes.HasPrefix(line, setPath):
		path, _, _ := strings.Cut(short(line[len(setPath):]), ",")
		s.path = strings.Trim(path, `"`)
	case s.database == "" && bytes.HasPrefix(line, connectWord):
		s.database = strings.Trim(short(line[len(connectWord):]), `"`)
	}
}

// short keeps text from a dump bounded.
func short(text []byte) string { return string(text[:min(len(text), 200)]) }

// check tells how the script ended.
func (s *script) check() error {
	switch {
	case s.copying:
		return truncated("in the data of a table")
	case !s.complete():
		return truncated(`before its closing lines, "PostgreSQL database dump complete" and what follows`)
	}
	return nil
}
