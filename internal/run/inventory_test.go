package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/inventory"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// TestInventoryOfAnother refuses the inventory of another dump and of another request, and takes
// the request's own.
func TestInventoryOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inventory.json")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	own := &inventory.Inventory{Dump: inventory.Dump{SHA256: "aaaa", Request: "10001"}}
	if err := own.Write(file); err != nil || file.Close() != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sha256, ticket, want string
	}{
		"its own":         {"aaaa", "10001", ""},
		"nothing known":   {"", "", ""},
		"another dump":    {"bbbb", "10001", "is of another dump than the one that the request was created for"},
		"another request": {"", "10002", "is of request 10001, and this is request 10002"},
	} {
		p := &Plan{Inputs: Inputs{Command: job.CommandNamed("download"), Inventory: path, Compare: true, Download: []upgrade.Item{upgrade.UpgradedDump}}}
		p.plan.DumpSHA256, p.plan.Ticket.ID = c.sha256, c.ticket
		err := p.readInventory()
		if c.want == "" && (err != nil || p.plan.Inventory == nil) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || advice.Of(err) == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGatesThatCannotDecide are errors before anything is asked.
func TestGatesThatCannotDecide(t *testing.T) {
	for want, o := range map[string]Inputs{
		"{compare} is off":                        {Download: []upgrade.Item{upgrade.UpgradedDump}},
		"the upgraded database is not downloaded": {Compare: true},
	} {
		o.Command, o.FailOn = job.CommandNamed("run"), []compare.Area{compare.Rows}
		if err := (&Plan{Inputs: o}).readInventory(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
