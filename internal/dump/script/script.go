package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"odoo-upgrade-action/internal/dump/stream"
)

// Reader reads a plain SQL dump as a stream: what pg_dump says of itself, the
// rows of the tables that are wanted, what is not SQL, and whether it has an end.
type Reader struct {
	PostgreSQL string // version of the server
	PgDump     string // version of pg_dump
	Database   string // of \connect, where there is one

	sink       Sink
	connects   bool   // it restores into a database that it names
	path       string // the schema of names without one, as pg_dump set it before 2018
	restricted bool   // it began with \restrict, and so has to end with \unrestrict
	closing    int    // how many lines of the closing have been seen, see close
	closed     bool   // all of them have been
	foreign    []byte // the first line that is not SQL
	damaged    string // the table with a row that does not have the table's columns
	zeros      bool   // there are bytes that are zero before the closing
	dumps      int    // how many begin in it

	lexer     lexer
	open      bool   // in a statement, not between two
	statement []byte // the beginning of the one at hand
	shortened bool   // it was longer
	midLine   bool   // the beginning of the current line was taken
	skipping  bool   // up to the line's end

	copying bool // between COPY and \.
	waiting bool // COPY was read, but its line has not ended
	columns int  // of what is copied
	table   Table
	rows    Rows // takes those of the table that is being copied, nil if they are not needed
	inserts inserts
	atEnd   bool // what is in the buffer is the rest

	passed   func(piece []byte) // gets all that was taken, piece by piece; may be nil
	ended    int                // statements so far
	commands int                // of psql's, so far
}

// scriptBuffer is how much is parsed in one piece. Comments that are longer are passed over;
// for a row that is wanted, the buffer grows up to maxRow.
const (
	scriptBuffer = 256 << 10
	maxRow       = 4 << 20
)

// How much of a statement is kept: all of the longest COPY, which has a table's 1,600
// columns, and of anything else what names its object.
const (
	maxCopy      = 256 << 10
	maxStatement = 1 << 10
)

// New returns a Reader, which tells sink, unless that is nil, what it finds.
func New(sink Sink) *Reader {
	if sink == nil {
		sink = nothing{}
	}
	return &Reader{sink: sink, path: Public}
}

// buffers are used again: an archive has hundreds of small tables.
var buffers = sync.Pool{New: func() any { return new([scriptBuffer]byte) }}

// Read reads all of it. An error is in's; Check says what is wrong with the script.
func (s *Reader) Read(in io.Reader) error {
	pooled := buffers.Get().(*[scriptBuffer]byte)
	defer buffers.Put(pooled)
	buffer := pooled[:0]
	for first := true; ; first = false {
		var err error
		for err == nil && len(buffer) < cap(buffer) { // small pieces would be parsed again and again
			var n int
			n, err = in.Read(buffer[len(buffer):cap(buffer)])
			buffer = buffer[:len(buffer)+n]
		}
		s.atEnd = err != nil
		used := 0
		if first && bytes.HasPrefix(buffer, stream.BOM) { // which psql takes
			used = len(stream.BOM)
		}
		used += s.consume(buffer[used:])
		if used == 0 && len(buffer) == cap(buffer) {
			if s.copying && s.rows != nil && !s.midLine && cap(buffer) < maxRow {
				buffer = append(make([]byte, 0, 2*cap(buffer)), buffer...)
				continue
			}
			used = s.tooLong(buffer)
			s.pass(buffer[:used])
		}
		buffer = buffer[:copy(buffer, buffer[used:])]
		if errors.Is(err, io.EOF) {
			s.pass(buffer)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// consume takes what can be understood of b and returns how much that was.
func (s *Reader) consume(b []byte) int {
	used := 0
	for {
		n := s.next(b[used:])
		if n == 0 {
			return used
		}
		s.pass(b[used : used+n])
		used += n
	}
}

// pass hands a piece on that was taken. Zero bytes are damage, as of a crash or a broken copy:
// psql passes over the rest of a line that has one. Behind the end they fill a block.
func (s *Reader) pass(piece []byte) {
	if !s.closed && !s.zeros && bytes.IndexByte(piece, 0) >= 0 {
		s.zeros = true
	}
	if s.passed != nil {
		s.passed(piece)
	}
}

func (s *Reader) next(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case s.waiting:
		return s.endOfCopy(b)
	case s.copying && s.rows == nil:
		return s.skipData(b)
	case s.copying:
		if n := s.dataLines(b); n > 0 {
			return n
		}
		return s.dataLine(b)
	case s.skipping:
		return s.skipLine(b)
	case s.open:
		return s.inside(b)
	case s.lexer.mode == inComment:
		return s.lexer.comment(b, s.atEnd)
	}
	return s.between(b)
}

// tooLong passes over most of a row or a comment that does not fit. The row's first part is
// all that is told of it.
func (s *Reader) tooLong(b []byte) int {
	if !s.copying {
		s.skipping = true
		return len(b)
	}
	if s.rows != nil && !s.midLine {
		s.rows(b)
	}
	s.midLine = true
	return len(b) - len("\n\\.\r\n")
}

// skipLine passes over the rest of a line.
func (s *Reader) skipLine(b []byte) int {
	at := bytes.IndexByte(b, '\n')
	if at < 0 {
		return len(b)
	}
	s.skipping, s.midLine = false, false
	return at + 1
}

// inside takes more of the statement at hand.
func (s *Reader) inside(b []byte) int {
	n, ended := s.lexer.scan(b, s.atEnd, s.keep)
	if s.foreign == nil && s.lexer.swallowed {
		s.foreign = bytes.Clone(s.statement)
	}
	if s.foreign == nil {
		s.foreign = s.lexer.message
	}
	if !ended {
		return n
	}
	s.midLine = true
	s.understand()
	s.open = false
	s.ended++
	if n == 0 {
		return s.between(b)
	}
	return n
}

// keep adds to the beginning of the statement at hand.
func (s *Reader) keep(code []byte) {
	limit := maxStatement
	if len(s.statement)+len(code) > maxStatement {
		limit = s.limit()
	}
	if len(s.statement)+len(code) > limit {
		s.shortened = true
	}
	s.statement = append(s.statement, code[:min(len(code), max(0, limit-len(s.statement)))]...)
}

// limit is how much of the statement at hand is kept, which is long.
func (s *Reader) limit() int {
	switch words := tokens(s.statement); words.next().word() {
	case "COPY":
		return maxCopy
	case "CREATE":
		if s.inserts.wanted {
			return maxCopy
		}
	case "INSERT":
		if s.inserts.wanted {
			return maxRow
		}
	}
	return maxStatement
}

// between takes what begins between two statements: blanks, a comment, a command of
// psql's, or the next statement.
func (s *Reader) between(b []byte) int {
	if blanks := len(b) - len(bytes.TrimLeft(b, " \t\f\v;")); blanks > 0 {
		s.midLine = true
		return blanks
	}
	at := bytes.IndexByte(b, '\n')
	line, n := b, len(b)
	if at >= 0 {
		line, n = b[:at], at+1
	}
	whole := sqlLine{bytes.TrimSuffix(line, []byte("\r")), at >= 0}
	comment, command := bytes.HasPrefix(line, []byte("--")), b[0] == '\\'
	switch {
	case at < 0 && !s.atEnd && (comment || command || len(b) < 2*maxStatement):
		return 0
	case len(bytes.Trim(whole.text, "\x00")) == 0, comment: // psql ignores zero bytes
		if !s.midLine {
			s.comment(whole)
		}
	case command:
		s.closeOrElse(whole)
		s.command(whole.text)
		s.commands++
	case bytes.HasPrefix(line, []byte("/*")):
		s.closing, s.midLine, s.lexer.mode = 0, true, inComment
		return len("/*")
	case at >= 0 && s.isWholeInsert(whole.text):
		s.closing, s.statement, s.shortened = 0, append(s.statement[:0], whole.text...), false
		s.understand()
	case IsStatement(line) || at < 0 && beginsStatement(line):
		s.closing = 0
		s.open, s.statement, s.shortened, s.lexer = true, s.statement[:0], false, lexer{backslash: s.lexer.backslash}
		return s.inside(b)
	default:
		s.closing, s.skipping = 0, at < 0
		if s.foreign == nil {
			s.foreign = bytes.Clone(line[:min(len(line), 256)])
		}
	}
	s.midLine = at < 0
	return n
}

var errZeros = errors.New("zero bytes in its SQL")

// Check says how the script ended: nil for a complete one.
func (s *Reader) Check() error {
	switch {
	case s.zeros:
		return errZeros
	case bytes.IndexByte(s.foreign, '\t') >= 0: // not quoted: a row may be private
		return stream.Refuse("has text in it that is not SQL, but may be a row of a table", stream.KeepApart)
	case s.foreign != nil:
		return stream.Refuse("has text in it that is not SQL: "+stream.Quote(s.foreign), stream.KeepApart)
	case s.damaged != "":
		return stream.Refuse("has a line between the rows of "+s.damaged+" that is not a row", stream.KeepApart)
	case s.dumps > 1:
		return stream.Refuse(
			fmt.Sprintf("has %d dumps, one after the other", s.dumps),
			"write each dump to a file of its own: with > in place of >>",
		)
	case s.copying, s.waiting:
		return stream.Truncated("in the data of a table")
	case s.open && (s.lexer.mode == inText || s.lexer.mode == inName || s.lexer.mode == inDollar || s.lexer.depth > 0):
		return stream.Truncated("in the middle of a statement")
	case !s.closed:
		return stream.Truncated(`before the end: the line "PostgreSQL database dump complete" is missing`)
	}
	return nil
}

// Warnings says what is odd about a complete script.
func (s *Reader) Warnings() (list []string) {
	if s.connects {
		name := s.Database
		if name == "" {
			name = "that it names"
		}
		list = append(
			list,
			fmt.Sprintf(
				`The dump has \connect: it restores into the database %s, not into the one you choose. Make it without --create.`,
				name,
			),
		)
	}
	return list
}
