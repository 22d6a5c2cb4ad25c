package cli

import (
	"os/exec"
	"strings"
	"testing"
)

// levels is how the rooms lie: an import goes to a lower level, never to the
// same one.
var levels = map[string]int{
	"odoo-upgrade-action":                  6,
	"odoo-upgrade-action/internal/cli/gen": 6,
	"odoo-upgrade-action/internal/cli":     5,
	"odoo-upgrade-action/internal/report":  4,
	"odoo-upgrade-action/internal/job":     3,
	"odoo-upgrade-action/internal/api":     2,
	// The sandbox uses dump and retry, and shares no type with api on purpose.
	"odoo-upgrade-action/internal/sandbox":  2,
	"odoo-upgrade-action/internal/transfer": 2,
	"odoo-upgrade-action/internal/handle":   2,
	"odoo-upgrade-action/internal/actions":  1,
	"odoo-upgrade-action/internal/dump":     1,
	"odoo-upgrade-action/internal/realtest": 1, // for tests alone
	"odoo-upgrade-action/internal/retry":    1,
	"odoo-upgrade-action/internal/sftp":     1,
	"odoo-upgrade-action/internal/upgrade":  1,
}

// never lists what some rooms must not know, with why.
var never = map[string][]string{
	"odoo-upgrade-action/internal/job":     {"net/http", "golang.org/x/crypto/ssh", "odoo-upgrade-action/internal/api", "odoo-upgrade-action/internal/transfer", "odoo-upgrade-action/internal/actions"}, // the flow knows no protocol
	"odoo-upgrade-action/internal/sandbox": {"odoo-upgrade-action/internal/upgrade"},                                                                                                                     // a shared type would hide a wrong name
	"odoo-upgrade-action/internal/upgrade": {"os", "net", "net/http", "encoding/json", "time"},                                                                                                           // pure
}

func TestImportsPointDown(t *testing.T) {
	text, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "odoo-upgrade-action/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		names := strings.Fields(line)
		room := names[0]
		level, known := levels[room]
		if !known {
			t.Errorf("%s has no level: give it one here", room)
		}
		found++
		for _, used := range names[1:] {
			if below, ours := levels[used]; ours && below >= level {
				t.Errorf("%s (level %d) imports %s (level %d)", room, level, used, below)
			}
			for _, not := range never[room] {
				if used == not {
					t.Errorf("%s must not know %s", room, used)
				}
			}
		}
	}
	if found != len(levels) {
		t.Errorf("%d rooms found, %d have a level", found, len(levels))
	}
}
