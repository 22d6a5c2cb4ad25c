package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/actions"
)

// text makes text from outside plain in Markdown: whatever could be markup, or HTML,
// is written as a character reference. Secrets are redacted first: no mask would
// match one that is written so.
func (r *Report) text(outside string) string {
	outside = r.out.Redact(actions.Line(r.out.Redact(outside)))
	outside = strings.ReplaceAll(outside, "://", ":\u200B//") // no links to unknown places
	var b strings.Builder
	for _, c := range outside {
		if c < unicode.MaxASCII && !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune(" ,.:;?'\"/%=-", c) {
			fmt.Fprintf(&b, "&#%d;", c)
		} else {
			b.WriteRune(c)
		}
	}
	return strings.TrimSpace(b.String())
}

// code is text set as code, or nothing for nothing.
func (r *Report) code(outside string) string {
	if outside == "" {
		return ""
	}
	return "<code>" + r.text(outside) + "</code>"
}

func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// rate is in bytes per second.
func rate(n int64, d time.Duration) int64 { return int64(float64(n) / max(d.Seconds(), 1e-3)) }

// short writes a duration as a person reads it: 5h, 3m12s, 1.2s, 40ms.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		d = d.Round(time.Millisecond)
	case d < 10*time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Second)
	}
	text := d.String()
	for _, end := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, end) {
			text = text[:len(text)-2]
		}
	}
	return text
}

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
