// Package show writes values as people read them: a Duration, a Count, and what is Printable of a text
// that another program sent. Foreign text on its way to the runner's log also passes package
// actions.
package show

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// Duration writes a time span as people read it: 3 h 12 min, 2 min 5 s, 12 s.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under 1 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < time.Hour:
		d = d.Round(time.Second)
		return strings.TrimSuffix(fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60), " 0 s")
	case d < 48*time.Hour:
		d = d.Round(time.Minute)
		return strings.TrimSuffix(fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60), " 0 min")
	}
	d = d.Round(time.Hour)
	return strings.TrimSuffix(fmt.Sprintf("%d days %d h", int(d.Hours())/24, int(d.Hours())%24), " 0 h")
}

// Limit is Duration for one that was set: below a second it is exact.
func Limit(d time.Duration) string {
	if d < time.Second {
		return d.String()
	}
	return Duration(d)
}

// First lists some texts, and says how many more there are.
func First(texts []string, most int, separator string) string {
	if more := len(texts) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], separator), more)
	}
	return strings.Join(texts, separator)
}

// Count is a number with its noun: 1 row, 12,345 rows.
func Count(n int64, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(n) + " " + several
}

// Printable returns a text without what does not show, or changes how the rest shows. Line feeds
// stay.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != '\n' {
			return -1
		}
		return r
	}, text)
}

// Line is Printable on one line, without spaces around it.
func Line(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(Printable(strings.ReplaceAll(text, "\t", " ")), "\n", " "))
}
