package actions

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lines splits foreign text where the runner would split it and makes each line
// harmless: no control, format or line-separator characters, no workflow
// command. The runner obeys "::name::" at the start of a line, white space
// before it or not, and "##[name]" anywhere in one (actions/runner,
// ActionCommand.cs).
func Lines(text string) []string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' })
	for i, line := range lines {
		lines[i] = harmless(line)
	}
	return lines
}

// Line is Lines for text that has to stay on one line.
func Line(text string) string { return strings.Join(Lines(text), " ") }

func harmless(line string) string {
	line = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			return -1
		}
		return r
	}, line)
	line = strings.ReplaceAll(line, "##[", "# #[")
	if text := strings.TrimLeftFunc(line, unicode.IsSpace); strings.HasPrefix(text, "::") {
		line = ": " + text[1:]
	}
	return line
}

// cut shortens text to at most limit bytes without splitting a character, and
// says so at its end.
func cut(text string, limit int) string {
	const mark = " … (cut)"
	if len(text) <= limit {
		return text
	}
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}
