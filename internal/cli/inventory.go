package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/inventory"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
)

// run counts what a dump has.
func (c *inventoryCommand) run(p *program) int {
	if err := p.keep(c.localFlags); err != nil {
		return p.invalid(err)
	}
	path := cmp.Or(c.File, c.Dump)
	if path == "" {
		return p.invalid(advice.New("inventory needs a dump", "Give its path."))
	}
	told := report.New(p.runner, 0)
	told.InputName = p.inputName
	s, err := p.readSide(path)
	ending := job.Ending{Dump: s.info, Err: err}
	if err == nil && p.step {
		told.Observe(event.Inspected{Dump: s.info})
		var saved string
		if saved, ending.Err = p.save(c.DownloadPath, job.InventoryFile, s.inventory); ending.Err == nil {
			told.Observe(event.Counted{Path: saved})
		}
	} else if err == nil {
		ending.Err = c.print(p.stdout, s.inventory)
	}
	if !p.step && ending.Err == nil && c.Outputs+c.Summary == "" {
		return 0
	}
	return p.ended(told, ending)
}

// print prints an inventory, as text or JSON.
func (c *inventoryCommand) print(out io.Writer, i *inventory.Inventory) error {
	if c.Format.json {
		return i.Write(out)
	}
	rows := int64(0)
	for _, t := range i.Tables {
		rows += t.Rows
	}
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintln(out, row(name, fmt.Sprintf(format, args...)))
	}
	line("Odoo", "%s", i.Dump.Series)
	line("Rows", "%s in %s tables", humanize.Comma(rows), humanize.Comma(int64(len(i.Tables))))
	if l := i.Ledger; l != nil {
		var total inventory.Balance
		for _, b := range l.Accounts {
			total.Items += b.Items
			total.Debit.AddSum(b.Debit)
			total.Credit.AddSum(b.Credit)
		}
		line("Ledger", "%s posted items in %d accounts and %d journals: debit %s, credit %s",
			humanize.Comma(total.Items), len(l.Accounts), len(l.Journals), total.Debit, total.Credit)
	}
	if s := i.Stock; s != nil {
		line("Stock", "%s quantities at internal locations", humanize.Comma(int64(len(s.Quantities))))
	}
	for _, kind := range slices.Sorted(maps.Keys(i.Records)) {
		custom, inactive := 0, 0
		for _, r := range i.Records[kind] {
			if r.Custom {
				custom++
			}
			if r.Inactive {
				inactive++
			}
		}
		line("Records", "%d %ss: %d of them your own, %d switched off", len(i.Records[kind]), kind, custom, inactive)
	}
	for _, o := range i.Objects {
		line("No module's", "%s %s", o.Kind, o.Name)
	}
	for _, gap := range i.Gaps {
		line("Not counted", "%s", gap.Text)
	}
	return nil
}
