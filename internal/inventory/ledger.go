package inventory

import (
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"odoo-upgrade-action/internal/dump/script"
)

// Ledger is what was posted.
type Ledger struct {
	Accounts map[Group]*Balance // by company and account
	Journals map[Group]*Balance // by company and journal
	// What customers owe, and what is owed to vendors, by company; nil if the items do not say it.
	Receivable, Payable map[int64]*Total
	Invoices            map[InvoiceGroup]*Total
}

// Group is the company that items belong to, and their account or journal.
type Group struct{ Company, ID int64 }

// Balance sums up posted journal items.
type Balance struct {
	Items  int64
	Debit  Sum
	Credit Sum
	Amount Sum // debit less credit, or as the column balance has it

	open      Sum // what is left to pay
	openItems int64
}

// InvoiceGroup is what invoices have in common.
type InvoiceGroup struct {
	Company  int64
	Type     string // like out_invoice
	State    string // draft, posted or cancel
	Currency int64
}

// Total is how many there are, and their sum.
type Total struct {
	Count  int64
	Amount Sum
}

// maxGroups limits how many accounts, journals, and products at a place are told apart.
const maxGroups = 200_000

// ledger collects what a Ledger has. Each of its tables has fields of its own.
type ledger struct {
	sums         map[itemGroup]*Balance
	invoices     map[InvoiceGroup]*Total
	oldInvoices  map[InvoiceGroup]*Total // of account_invoice, which may be left of an earlier upgrade
	posted       *roaring.Bitmap         // entries, where items do not say so themselves
	moves        bool                    // entries were read
	early        bool                    // items came before the entries: nothing is known
	open         bool                    // items say what is left to pay
	tooMany      bool
	types        map[int64]string // of accounts: receivable, payable or another; or the id of a type
	typesOfTypes map[int64]string // of account_account_type, before 16.0
}

// itemGroup is what items are summed up by.
type itemGroup struct{ company, account, journal int64 }

func newLedger() *ledger {
	return &ledger{
		sums: map[itemGroup]*Balance{}, invoices: map[InvoiceGroup]*Total{}, oldInvoices: map[InvoiceGroup]*Total{},
		posted: roaring.New(), types: map[int64]string{}, typesOfTypes: map[int64]string{},
	}
}

// entries takes account_move: which are posted and, since 13.0, the invoices.
func (l *ledger) entries(c script.Copy) script.Rows {
	p := c.Pick("id", "state", pick(c, []string{"move_type", "type"}), // as 13.0 calls it
		"company_id", "currency_id", "amount_total")
	_, hasInvoices := c.Columns["amount_total"]
	l.moves = true
	return func(line []byte) {
		f := p.Fields(line)
		if string(f[1]) == "posted" {
			if id, ok := idOf(f[0]); ok {
				l.posted.Add(id)
			}
		}
		if hasInvoices && len(f[2]) > 0 && string(f[2]) != "entry" {
			l.invoice(l.invoices, f[2], f[1], f[3], f[4], f[5])
		}
	}
}

// invoicesBefore13 takes account_invoice, which there was before 13.0.
func (l *ledger) invoicesBefore13(c script.Copy) script.Rows {
	p := c.Pick("type", "state", "company_id", "currency_id", "amount_total")
	return func(line []byte) {
		f := p.Fields(line)
		l.invoice(l.oldInvoices, f[0], f[1], f[2], f[3], f[4])
	}
}

// invoice adds one. What had states of its own before 13.0 is posted since.
func (l *ledger) invoice(into map[InvoiceGroup]*Total, kind, state, company, currency, amount []byte) {
	group := InvoiceGroup{number(company), short(kind), short(state), number(currency)}
	switch group.State {
	case "open", "paid", "in_payment":
		group.State = "posted"
	case "proforma", "proforma2":
		group.State = "draft"
	}
	t := into[group]
	if t == nil {
		if len(into) >= maxGroups {
			return // which finish says
		}
		t = &Total{}
		into[group] = t
	}
	t.Count++
	t.Amount.Add(amount)
}

// items takes account_move_line.
func (l *ledger) items(c script.Copy) script.Rows {
	_, says := c.Columns["parent_state"]
	_, l.open = c.Columns["amount_residual"]
	_, balanced := c.Columns["balance"]
	p := c.Pick("parent_state", "move_id", "company_id", "account_id", "journal_id", "debit", "credit", "balance", "amount_residual")
	return func(line []byte) {
		f := p.Fields(line)
		switch {
		case says && string(f[0]) != "posted", len(f[3]) == 0: // sections and notes have no account
			return
		case !says && !l.moves:
			l.early = true
			return
		case !says:
			if id, ok := idOf(f[1]); !ok || !l.posted.Contains(id) {
				return
			}
		}
		b := l.item(itemGroup{number(f[2]), number(f[3]), number(f[4])})
		b.Items++
		b.Debit.Add(f[5])
		b.Credit.Add(f[6])
		if balanced {
			b.Amount.Add(f[7])
		} else {
			b.Amount.Add(f[5])
			b.Amount.Add(negative(f[6]))
		}
		if !isZero(f[8]) {
			b.open.Add(f[8])
			b.openItems++
		}
	}
}

// isZero reports whether a number is 0, or there is none.
func isZero(number []byte) bool {
	for _, c := range number {
		if c != '0' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// negative returns a number with the other sign.
func negative(number []byte) []byte {
	if len(number) > 0 && number[0] == '-' {
		return number[1:]
	}
	if len(number) == 0 {
		return nil
	}
	return append([]byte{'-'}, number...)
}

// item returns what sums up the items of a group.
func (l *ledger) item(g itemGroup) *Balance {
	b := l.sums[g]
	if b == nil {
		b = &Balance{}
		if len(l.sums) >= maxGroups {
			l.tooMany = true
			return b
		}
		l.sums[g] = b
	}
	return b
}

// add adds another balance to a group's.
func add(groups map[Group]*Balance, g Group, b *Balance) {
	sum := groups[g]
	if sum == nil {
		sum = &Balance{}
		groups[g] = sum
	}
	sum.Items += b.Items
	sum.openItems += b.openItems
	sum.Debit.AddSum(b.Debit)
	sum.Credit.AddSum(b.Credit)
	sum.Amount.AddSum(b.Amount)
	sum.open.AddSum(b.open)
}

// accountTypes takes account_account: what type each account has. Before 16.0, that is a record
// of its own, whose type some versions have here, too.
func (l *ledger) accountTypes(c script.Copy) script.Rows {
	p := c.Pick("id", pick(c, []string{"account_type", "internal_type", "user_type_id", "type"}))
	return func(line []byte) {
		if f := p.Fields(line); len(l.types) < maxGroups {
			l.types[number(f[0])] = short(f[1])
		}
	}
}

// typesOf takes account_account_type.
func (l *ledger) typesOf(c script.Copy) script.Rows {
	p := c.Pick("id", "type")
	return func(line []byte) {
		if f := p.Fields(line); len(l.typesOfTypes) < maxGroups {
			l.typesOfTypes[number(f[0])] = short(f[1])
		}
	}
}

// finish returns the ledger, nil if there is none or it is not known.
func (l *ledger) finish(i *Inventory) *Ledger {
	if len(l.invoices) == 0 {
		l.invoices = l.oldInvoices
	}
	switch {
	case l.early:
		i.gap(OfLedger, "The ledger was not compared: the dump has the journal items before the entries that say which of them are posted.")
		return nil
	case l.tooMany || len(l.invoices) >= maxGroups:
		i.gap(OfLedger, "The ledger was not compared: it has more than %d accounts or kinds of invoices.", maxGroups)
		return nil
	case len(l.sums)+len(l.invoices) == 0:
		return nil
	}
	done := &Ledger{map[Group]*Balance{}, map[Group]*Balance{}, nil, nil, l.invoices}
	for g, b := range l.sums {
		add(done.Accounts, Group{g.company, g.account}, b)
		add(done.Journals, Group{g.company, g.journal}, b)
	}
	if l.open && len(l.types) > 0 {
		l.openItems(done)
	}
	return done
}

// openItems sums up what is left to pay.
func (l *ledger) openItems(done *Ledger) {
	done.Receivable, done.Payable = map[int64]*Total{}, map[int64]*Total{}
	for group, b := range done.Accounts {
		of := l.types[group.ID]
		if id, err := strconv.ParseInt(of, 10, 64); err == nil {
			of = l.typesOfTypes[id]
		}
		open := map[string]map[int64]*Total{
			"asset_receivable": done.Receivable, "receivable": done.Receivable, "liability_payable": done.Payable, "payable": done.Payable,
		}[of]
		if open == nil {
			continue
		}
		if open[group.Company] == nil {
			open[group.Company] = &Total{}
		}
		open[group.Company].Count += b.openItems
		open[group.Company].Amount.AddSum(b.open)
	}
}
