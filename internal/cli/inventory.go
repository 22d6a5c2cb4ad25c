package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/inventory"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/show"
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

// plural is what several records of a kind are called.
func plural(kind inventory.Kind) string {
	if stem, ok := strings.CutSuffix(string(kind), "y"); ok {
		return stem + "ies"
	}
	return string(kind) + "s"
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
	line("Rows", "%s in %s", humanize.Comma(rows), show.Count(int64(len(i.Tables)), "table", "tables"))
	if l := i.Ledger; l != nil {
		var total inventory.Balance
		for _, b := range l.Accounts {
			total.Items += b.Items
			total.Debit.AddSum(b.Debit)
			total.Credit.AddSum(b.Credit)
		}
		line("Ledger", "%s in %s and %s: debit %s, credit %s", show.Count(total.Items, "posted item", "posted items"),
			show.Count(int64(len(l.Accounts)), "account", "accounts"), show.Count(int64(len(l.Journals)), "journal", "journals"), total.Debit, total.Credit)
	}
	if s := i.Stock; s != nil {
		line("Stock", "%s at internal locations", show.Count(int64(len(s.Quantities)), "quantity", "quantities"))
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
		if n := int64(len(i.Records[kind])); n > 0 {
			line("Records", "%s: %d of them your own, %d switched off", show.Count(n, string(kind), plural(kind)), custom, inactive)
		}
	}
	for _, o := range i.Objects {
		line("No module's", "%s %s", o.Kind, o.Name)
	}
	for _, gap := range i.Gaps {
		line("Not counted", "%s", gap.Text)
	}
	return nil
}
