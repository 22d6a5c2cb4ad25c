// Package stream has what all readers of a dump share: the errors of a dump that breaks off or
// cannot be sent, and readers that bound what a hostile one may cost.
//
// Truncated makes an error that says where a dump breaks off; a Refusal says what a file is, or
// lacks, and what to do instead. Counter and Guard wrap a reader.
package stream

import (
	"bytes"
	"fmt"
	"io"

	"odoo-upgrade-action/internal/show"
)

// TruncatedError says where a dump breaks off.
type TruncatedError struct{ Where string }

func (e *TruncatedError) Error() string { return "truncated " + e.Where }

// Truncated returns a *TruncatedError. The text says where, as in "after 12 bytes".
func Truncated(format string, args ...any) error {
	return &TruncatedError{fmt.Sprintf(format, args...)}
}

// Refusal says why something cannot be sent, and what to do instead. The problem is a
// predicate, as in "the file is empty".
type Refusal struct{ Problem, Do string }

// Refuse returns a *Refusal.
func Refuse(problem, do string) *Refusal { return &Refusal{problem, do} }

func (e *Refusal) Error() string { return e.Problem + ": " + e.Do }

// KeepApart says what to do about messages in a dump.
const KeepApart = "write the dump with pg_dump -f FILE; with docker exec, leave out -t; and do not send messages into the dump with 2>&1"

// MakeCustom says what to do where another kind of dump is wanted.
const MakeCustom = "create the dump with pg_dump -Fc"

// BOM marks UTF-8. It belongs to text.
var BOM = []byte("\xef\xbb\xbf")

// Quote returns the first line of text that has something to read, in quotation marks
// and short: it is untrusted.
func Quote(text []byte) string {
	const limit = 120
	for line := range bytes.Lines(bytes.TrimPrefix(text, BOM)) {
		line = bytes.TrimSpace(line)
		if len(bytes.Trim(line, "-=*#/ ")) == 0 { // nothing, or a line of a frame
			continue
		}
		shown := show.Printable(string(line[:min(len(line), 4*limit)]))
		if runes := []rune(shown); len(runes) > limit {
			shown = string(runes[:limit]) + "…"
		}
		return `"` + shown + `"`
	}
	return `""`
}

// Bounds of what may come out of a compressed stream: dumps compress well, but
// there is a ratio that only bombs reach.
const (
	freeOutput = 64 << 20
	maxRatio   = 500
)

// Guard stops a stream that decompresses to more than any dump does.
type Guard struct {
	In   io.Reader
	From *Counter // of what is compressed
	out  int64
}

func (g *Guard) Read(p []byte) (int, error) {
	n, err := g.In.Read(p)
	g.out += int64(n)
	if g.out > freeOutput && g.out > maxRatio*g.From.N {
		return n, fmt.Errorf("it decompresses to more than %d times its size", maxRatio)
	}
	return n, err
}

// Counter counts what is read through it.
type Counter struct {
	In io.Reader
	N  int64 // bytes
}

func (c *Counter) Read(p []byte) (int, error) {
	n, err := c.In.Read(p)
	c.N += int64(n)
	return n, err
}
