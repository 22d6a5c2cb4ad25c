package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"odoo-upgrade-action/internal/inventory"
)

// unknown reports whether a part of an inventory is not known.
func unknown(i *inventory.Inventory, what inventory.Part) bool {
	return slices.ContainsFunc(i.Gaps, func(gap inventory.Gap) bool { return gap.What == what })
}

// ledger compares what was posted.
func (c *comparison) ledger() {
	old, new := c.old.Ledger, c.new.Ledger
	if c.Ledger = Nothing; old == nil || unknown(c.new, inventory.OfLedger) {
		return
	}
	if new == nil {
		new = &inventory.Ledger{}
	}
	before := len(c.Findings)
	c.balances("Account", "account_account", old.Accounts, new.Accounts, 100)
	c.balances("Journal", "account_journal", old.Journals, new.Journals, 96)
	if old.Receivable != nil && (new.Receivable != nil || new.Accounts == nil) {
		c.open("Open receivables", old.Receivable, new.Receivable)
		c.open("Open payables", old.Payable, new.Payable)
	}
	c.invoices(old.Invoices, new.Invoices)
	if c.Ledger = Equal; len(c.Findings) > before {
		c.Ledger = Differ
	}
}

// both returns the keys of two maps, in order.
func both[K comparable, V any](a, b map[K]V, order func(K, K) int) []K {
	keys := slices.Collect(maps.Keys(a))
	for key := range b {
		if _, ok := a[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, order)
	return keys
}

// balances compares accounts or journals.
func (c *comparison) balances(what, table string, old, new map[inventory.Group]*inventory.Balance, weight int) {
	keys := both(old, new, func(a, b inventory.Group) int {
		return cmp.Or(cmp.Compare(a.Company, b.Company), cmp.Compare(a.ID, b.ID))
	})
	for _, g := range keys {
		before, after := old[g], new[g]
		if before == nil {
			before = &inventory.Balance{}
		}
		if after == nil {
			after = &inventory.Balance{}
		}
		for _, pair := range []struct {
			name string
			a, b inventory.Sum
		}{{"balance", before.Amount, after.Amount}, {"debit", before.Debit, after.Debit}, {"credit", before.Credit, after.Credit}} {
			if pair.a.Equal(pair.b, -1) {
				continue
			}
			c.find(weight, c.sum(Ledger, what+" "+c.name(table, g.ID)+", "+c.name("res_company", g.Company), pair.name, pair.a.String(), pair.b.String()))
			break
		}
		if before.Items != after.Items {
			c.find(weight-2, c.sum(Ledger, what+" "+c.name(table, g.ID)+", "+c.name("res_company", g.Company), "posted items", fmt.Sprint(before.Items), fmt.Sprint(after.Items)))
		}
	}
}

// sum is a finding about a sum.
func (c *comparison) sum(area Area, subject, what, before, after string) Finding {
	f := Finding{Area: area, Kind: Differs, Subject: subject, Count: 1, Old: before, New: after}
	f.Text = fmt.Sprintf("%s: %s %s → %s", subject, what, grouped(before), grouped(after))
	return f
}

// name is what an account and the like is called, or its id.
func (c *comparison) name(table string, id int64) string {
	name := cmp.Or(c.old.Name(table, id), c.new.Name(table, id))
	if name == "" && table == "res_company" {
		for _, i := range []*inventory.Inventory{c.old, c.new} {
			if r := i.Records[inventory.Company][uint32(id)]; r != nil && name == "" {
				name = r.Name
			}
		}
		if name == "" {
			return fmt.Sprintf("company %d", id)
		}
	}
	return cmp.Or(name, fmt.Sprint(id))
}

// open compares what is left to pay.
func (c *comparison) open(what string, old, new map[int64]*inventory.Total) {
	for _, company := range both(old, new, cmp.Compare[int64]) {
		c.total(94, what+", "+c.name("res_company", company), old[company], new[company])
	}
}

// total compares a number and a sum.
func (c *comparison) total(weight int, subject string, before, after *inventory.Total) {
	if before == nil {
		before = &inventory.Total{}
	}
	if after == nil {
		after = &inventory.Total{}
	}
	if !before.Amount.Equal(after.Amount, -1) {
		c.find(weight, c.sum(Ledger, subject, "total", before.Amount.String(), after.Amount.String()))
	} else if before.Count != after.Count {
		c.find(weight, c.sum(Ledger, subject, "number", fmt.Sprint(before.Count), fmt.Sprint(after.Count)))
	}
}

// invoiceTypes are what people call them.
var invoiceTypes = map[string]string{
	"out_invoice": "Customer invoices", "out_refund": "Customer credit notes", "in_invoice": "Vendor bills", "in_refund": "Vendor credit notes",
	"out_receipt": "Sales receipts", "in_receipt": "Purchase receipts",
}

// invoices compares invoices by type and state.
func (c *comparison) invoices(old, new map[inventory.InvoiceGroup]*inventory.Total) {
	keys := both(old, new, func(a, b inventory.InvoiceGroup) int {
		return cmp.Or(cmp.Compare(a.Company, b.Company), cmp.Compare(a.Type, b.Type), cmp.Compare(a.State, b.State), cmp.Compare(a.Currency, b.Currency))
	})
	for _, g := range keys {
		subject := fmt.Sprintf("%s, %s, %s", cmp.Or(invoiceTypes[g.Type], g.Type), g.State, c.name("res_company", g.Company))
		if currency := cmp.Or(c.old.Name("res_currency", g.Currency), c.new.Name("res_currency", g.Currency)); currency != "" {
			subject += ", in " + currency
		}
		c.total(92, subject, old[g], new[g])
	}
}

// stockPlaces is to how many places quantities are compared: columns of floats become decimals.
const stockPlaces = 5

// stock compares quantities.
func (c *comparison) stock() {
	old, new := c.old.Stock, c.new.Stock
	if c.Stock = Nothing; old == nil || unknown(c.new, inventory.OfStock) {
		return
	}
	if new == nil {
		new = &inventory.Stock{}
	}
	c.Stock = Equal
	keys := both(old.Quantities, new.Quantities, func(a, b inventory.Place) int {
		return cmp.Or(cmp.Compare(a.Location, b.Location), cmp.Compare(a.Product, b.Product))
	})
	for _, at := range keys {
		before, after := old.Quantities[at], new.Quantities[at]
		if before == nil {
			before = &inventory.Sum{}
		}
		if after == nil {
			after = &inventory.Sum{}
		}
		if before.Equal(*after, stockPlaces) {
			continue
		}
		c.Stock = Differ
		subject := fmt.Sprintf("%s at %s", c.name("product_product", at.Product), c.name("stock_location", at.Location))
		c.find(80, c.sum(Stock, subject, "quantity", before.String(), after.String()))
	}
}
