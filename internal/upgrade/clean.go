package upgrade

import (
	"strings"
	"unicode"
)

// quotes are pairs of quotation marks that are taken off a value.
var quotes = [][2]string{{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"\u201c", "\u201d"}, {"\u2018", "\u2019"}}

// Clean returns a value as it was meant: without characters that do not show, which come along
// where text is copied from a page, and without space and quotation marks around it.
func Clean(value string) string {
	value = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\u00a0':
			return ' '
		case unicode.In(r, unicode.Cf):
			return -1
		}
		return r
	}, value))
	for _, q := range quotes {
		inner, begins := strings.CutPrefix(value, q[0])
		if inner, ends := strings.CutSuffix(inner, q[1]); begins && ends {
			return strings.TrimSpace(inner)
		}
	}
	return value
}
