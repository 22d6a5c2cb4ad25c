package report

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/actions"
)

// line makes text from outside one harmless line without secrets. They are redacted twice: what
// Line removes may have hidden one.
func (c *console) line(outside string) string {
	return c.out.Redact(actions.Line(c.out.Redact(outside)))
}

// text makes text from outside plain in Markdown: whatever could be markup, or HTML,
// is written as a character reference. Secrets are redacted first: no mask would
// match one that is written so.
func (c *console) text(outside string) string {
	outside = c.line(outside)
	outside = strings.ReplaceAll(outside, "://", ":\u200B//") // no links to unknown places
	outside = bareLink.ReplaceAllString(outside, "$1\u200B.")
	var b strings.Builder
	for _, char := range outside {
		if char < unicode.MaxASCII && !unicode.IsLetter(char) && !unicode.IsDigit(char) && !strings.ContainsRune(" ,.:;?'\"/%=-", char) {
			fmt.Fprintf(&b, "&#%d;", char)
		} else {
			b.WriteRune(char)
		}
	}
	return strings.TrimSpace(b.String())
}

// bareLink is what GitHub makes a link of without a scheme.
var bareLink = regexp.MustCompile(`(?i)(www)\.`)

// code is text set as code, or nothing for nothing.
func (c *console) code(outside string) string {
	if outside == "" {
		return ""
	}
	return "<code>" + c.text(outside) + "</code>"
}

func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// rate is in bytes per second.
func rate(n int64, d time.Duration) int64 { return int64(float64(n) / max(d.Seconds(), 1e-3)) }

// pace spaces repeated lines, further and further apart.
type pace struct {
	next           time.Time
	every, longest time.Duration
}

func newPace(now time.Time, first, longest time.Duration) pace {
	return pace{now.Add(first), first, longest}
}

func (p *pace) due(now time.Time) bool {
	if now.Before(p.next) {
		return false
	}
	p.every = min(p.every*3/2, p.longest)
	p.next = now.Add(p.every)
	return true
}
