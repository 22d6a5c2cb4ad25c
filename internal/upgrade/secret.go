// Package upgrade is the domain: a request to the upgrade platform, its status, and what
// that status means for a workflow. It is pure: no I/O, no clock, no encoding, and no
// word of any protocol.
//
// A back end makes a Status of what its platform says, with the Phase that it means, and
// a RefusedError of what the platform refuses.
package upgrade

// Secret is text that must not be readable in a log: a contract, a request's key, a URL
// that holds the key. Formatting one in any way prints Redacted; only
// Reveal gives the text, so that a leak has to be written on purpose.
type Secret string

// Redacted stands wherever a Secret is formatted.
const Redacted = "***"

// Reveal returns the text itself. Its result goes to the platform or into a
// masked output, nowhere else.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Redacted
}

// GoString implements fmt.GoStringer, so that %#v does not get around String.
func (s Secret) GoString() string { return s.String() }

// MarshalText keeps a Secret out of JSON, of slog and of every other encoder
// that asks for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
