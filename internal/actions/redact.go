package actions

import (
	"slices"
	"strings"
)

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
	written := 0
	for at := 0; at < len(text); {
		n := 0
		if c := text[at]; c == secret[0] || c == '%' || c == '+' { // quick: there may be long texts and many secrets
			n = matchEscaped(text[at:], secret)
		}
		if n == 0 {
			at++
			continue
		}
		if n > len(secret) {
			met = append(met, text[at:at+n])
		}
		out.WriteString(text[written:at])
		out.WriteString(masked)
		at += n
		written = at
	}
	if written == 0 {
		return text, nil
	}
	out.WriteString(text[written:])
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
		case at+2 < len(text) && text[at] == '%' && isHex(text[at+1], secret[n]>>4) && isHex(text[at+2], secret[n]&15):
			at += 3
		default:
			return 0
		}
	}
	return at
}

// isHex reports whether a digit, in either case, has that value.
func isHex(digit, value byte) bool {
	const lower, upper = "0123456789abcdef", "0123456789ABCDEF"
	return digit == lower[value] || digit == upper[value]
}
