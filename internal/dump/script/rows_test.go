package script

import "testing"

func TestUnescape(t *testing.T) {
	for field, want := range map[string]string{
		`\N`: "", `plain`: "plain", `a\tb\nc\\d`: "a\tb\nc\\d", `\b\f\r\v`: "\b\f\r\v", `\101\x41\x4`: "AA\x04", `\q`: "q", `end\`: `end\`, `\x`: "x", `\7`: "\a",
	} {
		if got := Unescape([]byte(field)); got != want {
			t.Errorf("%q: %q, want %q", field, got, want)
		}
	}
}
