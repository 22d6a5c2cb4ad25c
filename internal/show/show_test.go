package show

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "under 1 s", 999 * time.Millisecond: "under 1 s", time.Second: "1 s", 59600 * time.Millisecond: "60 s", time.Minute: "1 min",
		125 * time.Second: "2 min 5 s", time.Hour: "1 h", 3*time.Hour + 12*time.Minute: "3 h 12 min", 49 * time.Hour: "2 days 1 h", 48 * time.Hour: "2 days",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                     "plain",
		" two\nlines\t\r\n":         "two lines",
		"\x1b[31mred\x07":           "[31mred",
		"not\xffUTF-8":              "notUTF-8",
		"\u202egpj.exe\u2066\u200b": "gpj.exe",
	} {
		if got := Line(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
