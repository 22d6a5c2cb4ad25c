package dump

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// A dump that cannot be read may have been damaged in a way that others have been
// before: what damaged it is found by reading it once more.

// How much of a damaged dump is read to find what damaged it.
const (
	maxDamageRead = 64 << 20
	recodedWindow = 32 << 10
)

// symptoms are what is counted in a damaged file.
type symptoms struct {
	lines, carriage int    // line feeds, and those with a carriage return before them
	replaced        int    // U+FFFD
	latin           int    // characters from U+0080 to U+00FF
	utf8            bool   // the beginning is UTF-8
	message         []byte // the first line that is pg_dump's message
}

// diagnose returns why in cannot be read, nil if it is none of the known ways.
func diagnose(in io.Reader) *refusal {
	s := symptomsOf(in)
	switch {
	case s.utf8 && s.replaced > 2, s.utf8 && s.latin > 32:
		return content{kind: Recoded}.refusal()
	case s.lines > 0 && s.lines == s.carriage:
		return &refusal{"was changed on its way: there is a carriage return before every line feed",
			"transfer it as it is: docker exec without -t, FTP in binary mode, and pg_dump -f FILE instead of > FILE on Windows"}
	case s.message != nil:
		return &refusal{fmt.Sprintf("has a message of pg_dump's in it, %s", quote(s.message)), keepApart}
	}
	return nil
}

func symptomsOf(in io.Reader) (s symptoms) {
	in = io.LimitReader(in, maxDamageRead)
	buffer := make([]byte, 64<<10)
	kept := 0
	for first := true; ; first = false {
		n, err := io.ReadFull(in, buffer[kept:])
		b := buffer[:kept+n]
		if first {
			s.begin(b[:min(len(b), recodedWindow)])
		}
		s.count(b, kept)
		// The last bytes are looked at again with what follows them.
		kept = copy(buffer, b[len(b)-min(len(b), 128):])
		if err != nil {
			return s
		}
	}
}

// begin counts what tells text from anything else.
func (s *symptoms) begin(b []byte) {
	s.utf8 = isUTF8(b)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 3 {
			s.replaced++
		}
		if r >= 0x80 && r < 0x100 {
			s.latin++
		}
		b = b[size:]
	}
}

// count counts lines; the first seen bytes of b were counted before.
func (s *symptoms) count(b []byte, seen int) {
	s.lines += bytes.Count(b[seen:], []byte("\n"))
	s.carriage += bytes.Count(b[max(0, seen-1):], []byte("\r\n"))
	if s.message != nil {
		return
	}
	if at := bytes.Index(b, []byte("\npg_dump: ")); at >= 0 {
		s.message = bytes.Clone(b[at+1 : min(len(b), at+256)])
	}
}
