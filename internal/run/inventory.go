package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/inventory"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// ReadInventory reads the file of an inventory.
func ReadInventory(path string) (*inventory.Inventory, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, advice.New(fmt.Sprintf("the {inventory} %s is missing", path),
			"Check that the step that downloads it comes before this one: it is the file that the output inventory-path of an earlier job names.")
	}
	if err != nil {
		return nil, fmt.Errorf("opening {inventory}: %w", err)
	}
	defer file.Close()
	found, err := inventory.Read(file)
	if err != nil {
		return nil, advice.New(fmt.Sprintf("the {inventory} %s %v", path, err), "Use the file that the output inventory-path names, unchanged.")
	}
	return found, nil
}

// readInventory reads the input inventory, and checks that it is of the request's dump.
func (p *Plan) readInventory() error {
	if len(p.FailOn) > 0 && p.Command.Downloads {
		switch {
		case !p.Compare && slices.ContainsFunc(p.FailOn, func(a compare.Area) bool { return a != compare.DisabledViews }):
			return advice.New("{fail-on} is set, but {compare} is off", "Set {compare} to report, or remove {fail-on}.")
		case p.Check == job.Off && slices.Contains(p.FailOn, compare.DisabledViews):
			return advice.New("{fail-on} has disabled-views, but {check} is off, so the platform's report is not read", "Set {check} to strict or warn, or remove disabled-views.")
		case !slices.Contains(p.Download, upgrade.UpgradedDump):
			return advice.New("{fail-on} is set, but the upgraded database is not downloaded", "Add upgraded-dump to {download}, or remove {fail-on}.")
		}
	}
	if p.Inventory == "" {
		return nil
	}
	found, err := ReadInventory(InFolder(p.around.Workspace, p.Inventory))
	if err != nil {
		return err
	}
	const own = "Use the file that the output inventory-path of this request's own job names."
	switch {
	case p.plan.DumpSHA256 != "" && found.Dump.SHA256 != "" && p.plan.DumpSHA256 != found.Dump.SHA256:
		return advice.New("the {inventory} is of another dump than the one that the request was created for", own)
	case p.plan.Ticket.ID != "" && found.Dump.Request != "" && p.plan.Ticket.ID != found.Dump.Request:
		return advice.New(fmt.Sprintf("the {inventory} is of request %s, and this is request %s", found.Dump.Request, p.plan.Ticket.ID), own)
	}
	p.plan.Inventory = found
	return nil
}
