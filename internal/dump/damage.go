package dump

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
)

// An archive or a compressed file that cannot be read may have been damaged in a way that
// others have been before: what damaged it is found by reading it once more. For SQL, which
// may have any line ends and any characters, none of this holds.

// How much of a damaged file is read to find what damaged it.
const (
	maxDamageRead = 64 << 20
	damageBuffer  = 64 << 10
	damageOverlap = 256
)

// diagnose returns why in cannot be read, nil if it is none of the known ways.
func diagnose(in io.Reader) *stream.Refusal {
	s := symptomsOf(in)
	switch {
	case s.recoded:
		return content{kind: Recoded}.refusal()
	case s.lines > 0 && s.lines == s.carriage:
		return stream.Refuse("was changed in transit: there is a carriage return before every line feed",
			"transfer it as it is: docker exec without -t, FTP in binary mode, and pg_dump -f FILE instead of > FILE on Windows")
	case s.message != nil:
		return stream.Refuse(fmt.Sprintf("has a message of pg_dump's in it, %s", stream.Quote(s.message)), stream.KeepApart)
	}
	return nil
}

// symptoms are what is found in a damaged file.
type symptoms struct {
	recoded         bool   // its beginning was
	lines, carriage int    // line feeds, and those with a carriage return before them
	message         []byte // the first of pg_dump's
}

func symptomsOf(in io.Reader) (s symptoms) {
	in = io.LimitReader(in, maxDamageRead)
	buffer := make([]byte, damageBuffer)
	kept := 0
	for first := true; ; first = false {
		n, err := io.ReadFull(in, buffer[kept:])
		b := buffer[:kept+n]
		if first {
			s.recoded = isRecoded(b)
		}
		s.count(b, kept)
		// The last bytes are searched again, with what follows them.
		kept = copy(buffer, b[len(b)-min(len(b), damageOverlap):])
		if err != nil {
			return s
		}
	}
}

// count counts lines; the first seen bytes of b were counted before.
func (s *symptoms) count(b []byte, seen int) {
	s.lines += bytes.Count(b[seen:], []byte("\n"))
	s.carriage += bytes.Count(b[max(0, seen-1):], []byte("\r\n"))
	if s.message != nil {
		return
	}
	if at := script.FindMessage(b); at >= 0 {
		s.message = bytes.Clone(b[at:min(len(b), at+damageOverlap)])
	}
}

// isRecoded recognizes binary data that a program took for text: what was not a character
// became U+FFFD, a question mark, or the character of a code page. All of it is UTF-8 then,
// which compressed data never is, with control characters, which text does not have.
func isRecoded(b []byte) bool {
	b = bytes.TrimPrefix(b, stream.BOM)
	if !isUTF8(b) {
		return false
	}
	characters, wide, marks, controls := 0, 0, 0, 0
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		characters++
		switch {
		case size > 1:
			wide++
		case r == '?':
			marks++
		case r < ' ' && r != '\t' && r != '\n' && r != '\r':
			controls++
		}
		b = b[size:]
	}
	return controls*100 > characters && (wide*10 > characters || wide == 0 && marks*10 > characters)
}
