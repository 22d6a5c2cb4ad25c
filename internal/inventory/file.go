package inventory

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"odoo-upgrade-action/internal/dump"
)

// The file that Write writes is JSON in this format. A reader of version 1 refuses any other.
const (
	FileFormat  = "odoo-upgrade-inventory"
	FileVersion = 1
)

// Bounds of a file.
const (
	maxFile    = 64 << 20
	maxFileIDs = 6 << 20 // of all ids, before they are written as text
)

// file is an inventory as a file has it.
type file struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Dump    Dump   `json:"dump"`

	Tables     map[string]*tableJSON       `json:"tables"`
	Ledger     *ledgerJSON                 `json:"ledger,omitempty"`
	Stock      []quantityJSON              `json:"stock,omitempty"`
	HasStock   bool                        `json:"has_stock"`
	Records    map[Kind]map[uint32]*Record `json:"records"`
	Objects    []Object                    `json:"objects"`
	Modules    []dump.Module               `json:"modules"`
	Unfinished []string                    `json:"unfinished_modules,omitempty"`
	Gaps       []Gap                       `json:"gaps,omitempty"`
}

// tableJSON has ids in the portable format of Roaring Bitmaps, in base64.
type tableJSON struct {
	Rows      int64    `json:"rows"`
	Unknown   bool     `json:"unknown,omitempty"`
	Columns   []string `json:"columns"`
	IDs       []byte   `json:"ids,omitempty"`
	Standard  []byte   `json:"standard,omitempty"`
	Model     string   `json:"model,omitempty"`
	ModelID   uint32   `json:"model_id,omitempty"`
	Technical bool     `json:"technical,omitempty"`
}

type ledgerJSON struct {
	Accounts   []balanceJSON `json:"accounts"`
	Journals   []balanceJSON `json:"journals"`
	Receivable []totalJSON   `json:"receivable"`
	Payable    []totalJSON   `json:"payable"`
	Invoices   []totalJSON   `json:"invoices"`
}

type balanceJSON struct {
	Company int64 `json:"company"`
	ID      int64 `json:"id"` // of the account or the journal
	Items   int64 `json:"items"`
	Debit   Sum   `json:"debit"`
	Credit  Sum   `json:"credit"`
	Balance Sum   `json:"balance"`
}

type totalJSON struct {
	Company  int64  `json:"company"`
	Type     string `json:"type,omitempty"`
	State    string `json:"state,omitempty"`
	Currency int64  `json:"currency,omitempty"`
	Count    int64  `json:"count"`
	Amount   Sum    `json:"amount"`
}

type quantityJSON struct {
	Location int64 `json:"location"`
	Product  int64 `json:"product"`
	Quantity Sum   `json:"quantity"`
}

// Write writes the inventory as a file, without the names of customers, products or accounts. Of
// tables whose ids take too much space, only the number of rows is in it, and a gap that says so.
func (i *Inventory) Write(out io.Writer) error {
	f := file{
		Format: FileFormat, Version: FileVersion, Dump: i.Dump, Tables: map[string]*tableJSON{}, Ledger: i.Ledger.json(), HasStock: i.Stock != nil,
		Records: map[Kind]map[uint32]*Record{}, Objects: i.Objects, Modules: i.Modules, Unfinished: i.Unfinished, Gaps: slices.Clone(i.Gaps),
	}
	if err := i.tablesJSON(&f); err != nil {
		return err
	}
	public := map[Kind]bool{Field: true, Model: true}
	for _, s := range sources {
		public[s.kind] = public[s.kind] || s.public
	}
	for kind, records := range i.Records {
		f.Records[kind] = records
		if public[kind] {
			continue
		}
		f.Records[kind] = map[uint32]*Record{}
		for id, r := range records {
			anonymous := *r
			anonymous.Name = ""
			f.Records[kind][id] = &anonymous
		}
	}
	if i.Stock != nil {
		for at, sum := range i.Stock.Quantities {
			f.Stock = append(f.Stock, quantityJSON{at.Location, at.Product, *sum})
		}
		slices.SortFunc(f.Stock, func(a, b quantityJSON) int {
			return cmp.Or(cmp.Compare(a.Location, b.Location), cmp.Compare(a.Product, b.Product))
		})
	}
	return json.NewEncoder(out).Encode(f)
}

// tablesJSON fills in the tables, those with the fewest ids first.
func (i *Inventory) tablesJSON(f *file) error {
	size := func(name string) uint64 {
		if ids := i.Tables[name].IDs; ids != nil {
			return ids.GetSerializedSizeInBytes()
		}
		return 0
	}
	names := sorted(i.Tables)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(size(a), size(b)) })
	left := maxFileIDs
	for _, name := range names {
		t := i.Tables[name]
		written := &tableJSON{Rows: t.Rows, Unknown: t.Unknown, Columns: t.Columns, Model: t.Model, ModelID: t.ModelID, Technical: t.Technical}
		f.Tables[name] = written
		for _, ids := range []struct {
			from *roaring.Bitmap
			to   *[]byte
		}{{t.IDs, &written.IDs}, {t.Standard, &written.Standard}} {
			if ids.from == nil {
				continue
			}
			if int(ids.from.GetSerializedSizeInBytes()) > left {
				f.Gaps = withGap(f.Gaps, Gap{OfIDs, "Of the table " + name + ", only the number of rows was compared: its ids take too much space in an inventory file."})
				continue
			}
			content, err := ids.from.ToBytes()
			if err != nil {
				return err
			}
			*ids.to = content
			left -= len(content)
		}
	}
	return nil
}

func (l *Ledger) json() *ledgerJSON {
	if l == nil {
		return nil
	}
	balances := func(groups map[Group]*Balance) (list []balanceJSON) {
		keys := slices.SortedFunc(maps.Keys(groups), func(a, b Group) int { return cmp.Or(cmp.Compare(a.Company, b.Company), cmp.Compare(a.ID, b.ID)) })
		for _, g := range keys {
			b := groups[g]
			list = append(list, balanceJSON{g.Company, g.ID, b.Items, b.Debit, b.Credit, b.Amount})
		}
		return list
	}
	totals := func(companies map[int64]*Total) (list []totalJSON) {
		if companies != nil {
			list = []totalJSON{}
		}
		for _, company := range slices.Sorted(maps.Keys(companies)) {
			list = append(list, totalJSON{Company: company, Count: companies[company].Count, Amount: companies[company].Amount})
		}
		return list
	}
	j := &ledgerJSON{Accounts: balances(l.Accounts), Journals: balances(l.Journals), Receivable: totals(l.Receivable), Payable: totals(l.Payable)}
	for g, t := range l.Invoices {
		j.Invoices = append(j.Invoices, totalJSON{g.Company, g.Type, g.State, g.Currency, t.Count, t.Amount})
	}
	slices.SortFunc(j.Invoices, func(a, b totalJSON) int {
		return cmp.Or(cmp.Compare(a.Company, b.Company), cmp.Compare(a.Type, b.Type), cmp.Compare(a.State, b.State), cmp.Compare(a.Currency, b.Currency))
	})
	return j
}

// ErrNotInventory says that a file is not one that Write wrote.
var ErrNotInventory = errors.New("is not an inventory of a dump")

// Read reads what Write wrote. Its errors are predicates, like ErrNotInventory.
func Read(in io.Reader) (*Inventory, error) {
	limited := &io.LimitedReader{R: in, N: maxFile}
	var f file
	if err := json.NewDecoder(limited).Decode(&f); err != nil || f.Format != FileFormat {
		if limited.N == 0 {
			return nil, fmt.Errorf("%w: it is larger than %d MiB", ErrNotInventory, maxFile>>20)
		}
		return nil, ErrNotInventory
	}
	if f.Version != FileVersion {
		return nil, fmt.Errorf("is an inventory in version %d of its format, and this program reads version %d", f.Version, FileVersion)
	}
	i := &Inventory{
		Dump: f.Dump, Tables: map[string]*Table{}, Ledger: f.Ledger.ledger(), Records: f.Records, Objects: f.Objects, Modules: f.Modules,
		Unfinished: f.Unfinished, Gaps: f.Gaps, names: names{},
	}
	for name, t := range f.Tables {
		if t == nil {
			return nil, ErrNotInventory
		}
		ids, err := bitmap(t.IDs)
		standard, other := bitmap(t.Standard)
		if err = errors.Join(err, other); err != nil {
			return nil, fmt.Errorf("%w: the ids of %s cannot be read", ErrNotInventory, name)
		}
		i.Tables[name] = &Table{t.Rows, t.Columns, t.Unknown, ids, standard, t.Model, t.ModelID, t.Technical}
	}
	for _, records := range f.Records {
		for _, r := range records {
			if r == nil {
				return nil, ErrNotInventory
			}
		}
	}
	if f.HasStock {
		i.Stock = &Stock{map[Place]*Sum{}}
		for _, q := range f.Stock {
			i.Stock.Quantities[Place{q.Location, q.Product}] = &q.Quantity
		}
	}
	return i, nil
}

// bitmap reads ids, nil where there are none.
func bitmap(content []byte) (*roaring.Bitmap, error) {
	if len(content) == 0 {
		return nil, nil
	}
	ids := roaring.New()
	if err := ids.UnmarshalBinary(content); err != nil {
		return nil, err
	}
	return ids, ids.Validate()
}

func (j *ledgerJSON) ledger() *Ledger {
	if j == nil {
		return nil
	}
	balances := func(list []balanceJSON) map[Group]*Balance {
		groups := map[Group]*Balance{}
		for _, b := range list {
			groups[Group{b.Company, b.ID}] = &Balance{Items: b.Items, Debit: b.Debit, Credit: b.Credit, Amount: b.Balance}
		}
		return groups
	}
	totals := func(list []totalJSON) map[int64]*Total {
		if list == nil {
			return nil
		}
		companies := map[int64]*Total{}
		for _, t := range list {
			companies[t.Company] = &Total{t.Count, t.Amount}
		}
		return companies
	}
	l := &Ledger{balances(j.Accounts), balances(j.Journals), totals(j.Receivable), totals(j.Payable), map[InvoiceGroup]*Total{}}
	for _, t := range j.Invoices {
		l.Invoices[InvoiceGroup{t.Company, t.Type, t.State, t.Currency}] = &Total{t.Count, t.Amount}
	}
	return l
}
