package actions

import (
	"strings"
	"testing"
)

// BenchmarkRedact has a hostile text and many secrets.
func BenchmarkRedact(b *testing.B) {
	var r redactor
	for n := range 500 {
		r.add("https://platform.example/database/" + strings.Repeat(string(rune('a'+n%26)), 20) + strings.Repeat(string(rune('a'+n/26)), 20))
	}
	text := strings.Repeat("https://platform.example/%20database/ ", 200_000/38)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.redact(text)
	}
}
