package cli

import (
	"strings"
	"testing"

	"odoo-upgrade-action/internal/dump"
)

// TestPrintChanges has names that are longer than most, and a database that was restored as a copy.
func TestPrintChanges(t *testing.T) {
	of := func(name, uuid string, modules ...dump.Module) dump.Info {
		return dump.Info{File: dump.File{Name: name}, Facts: dump.Facts{Series: "16.0", PostgreSQL: "15.18 (Debian 15.18-0+deb12u1)", UUID: uuid, Modules: modules}}
	}
	long := strings.Repeat("l10n_", 9) + "bank"
	before := of("before.dump", "aaaa", dump.Module{Name: "base", Version: "16.0.1.3"}, dump.Module{Name: long, Version: "16.0.1.0"})
	after := of("after.dump", "bbbb", dump.Module{Name: "base", Version: "17.0.1.3"}, dump.Module{Name: long, Version: "17.0.1.0"})
	for uuid, mentioned := range map[string]bool{"aaaa": false, "bbbb": true} {
		after.UUID = uuid
		changes, _ := dump.Compare(before, after)
		var out strings.Builder
		printChanges(&out, [2]dump.Info{before, after}, changes)
		if strings.Contains(out.String(), "Database UUID") != mentioned {
			t.Errorf("%s\n%s", uuid, out.String())
		}
		var columns []int
		for line := range strings.Lines(out.String()) {
			if at := strings.Index(line, "17.0.1.3"); at > 0 {
				columns = append(columns, at)
			}
			if at := strings.Index(line, "17.0.1.0"); at > 0 {
				columns = append(columns, at)
			}
		}
		if len(columns) != 2 || columns[0] != columns[1] {
			t.Errorf("columns at %v:\n%s", columns, out.String())
		}
	}
}
