package program

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Bounds of a program's output.
const (
	maxLine = 4 << 10
	kept    = 5   // last lines, for a message
	maxKept = 500 // bytes of each
)

// Lines hands a program's output on, a line at a time, and keeps the last ones. Lines of
// its two outputs are not mixed up.
type Lines struct {
	To   io.Writer
	Hide string // a path of this machine, which is left out

	mu      sync.Mutex
	partial []byte
	last    []string
}

func (l *Lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := b; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		rest = after
		l.partial = append(l.partial, line[:min(len(line), max(0, maxLine-len(l.partial)))]...)
		if ended {
			l.line()
		}
	}
	return len(b), nil
}

// End takes a last line that has no end.
func (l *Lines) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.line()
	}
}

func (l *Lines) line() {
	text := strings.TrimRight(strings.ToValidUTF8(string(l.partial), "\uFFFD"), " \t\r")
	l.partial = l.partial[:0]
	if l.Hide != "" {
		text = strings.ReplaceAll(text, l.Hide, "")
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	l.last = append(l.last[max(0, len(l.last)-kept+1):], text[:min(len(text), maxKept)])
	_, _ = fmt.Fprintln(l.To, text)
}

// Tail returns the last lines.
func (l *Lines) Tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.ToValidUTF8(strings.Join(l.last, "\n"), "\uFFFD")
}
