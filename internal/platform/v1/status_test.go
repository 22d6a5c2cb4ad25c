package v1

import (
	"testing"

	"odoo-upgrade-action/internal/upgrade"
)

func TestSizeOf(t *testing.T) {
	cases := []struct {
		text string
		size int64
		want bool
	}{
		{"912.99 Kb", 934902, true},
		{"912.99 Kb", 934902 - 100, false},
		{"912.99 Kb", 0, false},
		{"1.00 Gb", 1 << 30, true},
		{"1.00 Gb", 1 << 29, false},
		{"849920 bytes", 849920, true},
		{"849919 b", 849920, false},
		{"2 MiB", 2 << 20, true},
		{"", 5, true},
		{"a lot", 5, true},
		{"12", 5, true},
		{"NaN Kb", 5, true},
		{"1 parsec", 5, true},
	}
	for _, c := range cases {
		if got := sizeOf(c.text).Fits(c.size); got != c.want {
			t.Errorf("sizeOf(%q).Fits(%d) = %t", c.text, c.size, got)
		}
	}
}

// TestEveryFieldHasAKey checks that the domain's tables and the specification's names are about
// the same.
func TestEveryFieldHasAKey(t *testing.T) {
	known := map[string]bool{"filestore": true} // a bool, which is read differently
	for _, field := range fields {
		known[string(field)] = true
	}
	for _, link := range links {
		known[string(link)] = true
	}
	for _, f := range upgrade.Fields() {
		if !known[string(f.Name)] {
			t.Errorf("no key for %s", f.Name)
		}
	}
	for _, l := range upgrade.Links() {
		if !known[string(l.Name)] {
			t.Errorf("no key for %s", l.Name)
		}
	}
	if want := len(upgrade.Fields()) + len(upgrade.Links()); len(known) != want {
		t.Errorf("%d keys, want %d", len(known), want)
	}
}
