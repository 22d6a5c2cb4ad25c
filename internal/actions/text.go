package actions

import (
	"encoding/hex"
	"slices"
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

// redactor replaces secrets, longest first, so that one that holds another
// leaves nothing of itself behind.
type redactor struct{ secrets []string }

func (r *redactor) add(secret string) {
	at, found := slices.BinarySearchFunc(r.secrets, secret, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	if !found {
		r.secrets = slices.Insert(r.secrets, at, secret)
	}
}

// redact replaces the secrets in text, in whatever form: each character as it is or
// percent-encoded, and a space as a plus sign, because programs differ in what they
// encode. It returns the encoded forms that it found.
func (r *redactor) redact(text string) (safe string, met []string) {
	for _, secret := range r.secrets {
		if !strings.ContainsAny(text, "%+") {
			text = strings.ReplaceAll(text, secret, masked)
			continue
		}
		var forms []string
		text, forms = redactOne(text, secret)
		met = append(met, forms...)
	}
	return text, met
}

const masked = "***"

// redactOne replaces one secret, and returns the forms of it that have an escape.
func redactOne(text, secret string) (safe string, met []string) {
	var out strings.Builder
	for at := 0; at < len(text); {
		n := matchEscaped(text[at:], secret)
		if n == 0 {
			out.WriteByte(text[at])
			at++
			continue
		}
		if n > len(secret) {
			met = append(met, text[at:at+n])
		}
		out.WriteString(masked)
		at += n
	}
	return out.String(), met
}

// matchEscaped returns how many bytes at the beginning of text are the secret, of which
// any may be percent-encoded in either case; 0 if it is another text.
func matchEscaped(text, secret string) int {
	at := 0
	for n := range len(secret) {
		switch {
		case at < len(text) && (text[at] == secret[n] || text[at] == '+' && secret[n] == ' '):
			at++
		case at+2 < len(text) && text[at] == '%' && strings.EqualFold(text[at+1:at+3], hex.EncodeToString([]byte{secret[n]})):
			at += 3
		default:
			return 0
		}
	}
	return at
}
