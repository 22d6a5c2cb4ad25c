package run

import (
	"bytes"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/upgrade"
)

// TestMasking writes a text with a key and a contract in pieces that end anywhere.
func TestMasking(t *testing.T) {
	const key, contract = "10001-QK4_m2BlETenOf3IQYDLtQ==", "M123456-abcdef"
	const text = "start " + key + " and ?token=10001-QK4_m2BlETenOf3IQYDLtQ%3D%3D for " + contract + ", 10001-QK4 M12345\n" + contract
	for size := 1; size <= len(text); size++ {
		var out bytes.Buffer
		m := newMasking(&out, upgrade.Secret(key), upgrade.Secret(contract), upgrade.Secret(""))
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if written, err := m.Write([]byte(rest[:n])); written != n || err != nil {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		if err := m.flush(); err != nil {
			t.Fatal(err)
		}
		got := out.String()
		if strings.Contains(got, "QK4_m2") || size == len(text) && strings.ContainsAny(strings.Replace(got, "?token=", "", 1), "=%") || strings.Contains(got, contract) || !strings.HasSuffix(got, " for ***, 10001-QK4 M12345\n***") || !strings.HasPrefix(got, "start ***") {
			t.Fatalf("in pieces of %d: %s", size, got)
		}
	}
	var out bytes.Buffer
	m := newMasking(&out)
	_, _ = m.Write([]byte("nothing to mask"))
	if _ = m.flush(); out.String() != "nothing to mask" {
		t.Errorf("%q", out.String())
	}
}
