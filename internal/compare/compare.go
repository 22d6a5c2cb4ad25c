// Package compare says what two inventories of a database differ in: the one that was sent for an
// upgrade, and the one that came back. What hurts comes first; what every upgrade does is folded.
//
// Compare returns a Result: findings, each with a sentence for people and an area for gates. Gates
// are areas in which a finding is not acceptable: Result.In returns those findings.
package compare

import (
	"cmp"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/inventory"
	"odoo-upgrade-action/internal/show"
)

// Area is what a gate watches.
type Area string

// The areas.
const (
	Rows       Area = "rows"
	Ledger     Area = "ledger"
	Stock      Area = "stock"
	Views      Area = "views"
	Automation Area = "automation"
	Fields     Area = "fields"
	Modules    Area = "modules"
)

// DisabledViews is for a gate on the views that the platform's own report lists as disabled: no
// comparison has such a finding.
const DisabledViews Area = "disabled-views"

// Gates returns all that a gate may watch.
func Gates() []Area { return append(Areas(), DisabledViews) }

// Areas returns all of those of a comparison.
func Areas() []Area { return []Area{Rows, Ledger, Stock, Views, Automation, Fields, Modules} }

// Finding is a difference that an upgrade should not make.
type Finding struct {
	Area Area   `json:"area"`
	Kind string `json:"kind"` // one of the kinds below
	// What differs: a table, a kind of record like "view", or an account and the like.
	Subject string   `json:"subject"`
	IDs     []uint32 `json:"ids,omitempty"` // the first ten
	Count   int64    `json:"count"`         // of rows and records
	Old     string   `json:"old,omitempty"`
	New     string   `json:"new,omitempty"`
	Text    string   `json:"text"` // the finding as a sentence, without a period

	weight int
}

// The kinds of findings.
const (
	Lost     = "lost"     // rows or records are not there any more
	Gone     = "gone"     // a table is not there any more
	Disabled = "disabled" // a record was switched off
	Changed  = "changed"  // a view has another content: no gate minds
	Differs  = "differs"  // a sum is another one
	State    = "state"    // a module is between two states
)

// Folded is what is not a finding, for a reason.
type Folded struct {
	Reason  string   `json:"reason"`
	Count   int64    `json:"count"`              // of rows, records or tables
	Example []string `json:"examples,omitempty"` // the first ten
}

// TableChange is how the rows of a table changed.
type TableChange struct {
	Table  string   `json:"table"`
	Now    string   `json:"now,omitempty"` // its name now, if it has another one
	Old    int64    `json:"old_rows"`
	New    int64    `json:"new_rows"`
	Lost   int64    `json:"lost"`
	Added  int64    `json:"added"`
	IDs    []uint32 `json:"lost_ids,omitempty"` // the first ten
	ByID   bool     `json:"by_id"`              // else only the numbers of rows are compared
	Gone   bool     `json:"gone,omitempty"`
	Folded string   `json:"folded,omitempty"` // why lost rows are not a finding
}

// Verdict is how sums compare.
type Verdict string

// The verdicts. None is for sums that at least one of the databases does not have.
const (
	Equal   Verdict = "equal"
	Differ  Verdict = "differs"
	Nothing Verdict = "none"
)

// Result is what a comparison found.
type Result struct {
	Old         inventory.Dump  `json:"old"`
	New         inventory.Dump  `json:"new"`
	Findings    []Finding       `json:"findings"` // what hurts most first
	Folded      []Folded        `json:"folded"`
	Tables      []TableChange   `json:"tables"` // that changed, by name
	NotCompared []inventory.Gap `json:"not_compared"`

	RowsLost            int64   `json:"rows_lost"`
	TablesLost          int64   `json:"tables_lost"`
	Ledger              Verdict `json:"ledger"`
	Stock               Verdict `json:"stock"`
	ViewsDisabled       int64   `json:"views_disabled"`
	ViewsLost           int64   `json:"views_lost"`
	AutomationsDisabled int64   `json:"automations_disabled"`
	FieldsLost          int64   `json:"fields_lost"`
	RowsCompared        int64   `json:"rows_compared"`
	TablesCompared      int64   `json:"tables_compared"`
}

// maxExamples is how many ids and names are listed of each thing.
const maxExamples = 10

// comparison is a Result in the making.
type comparison struct {
	Result
	old, new *inventory.Inventory
	folded   map[string]*Folded
}

// Compare returns what the upgraded database lacks, or has otherwise, than the one that was sent.
func Compare(old, new *inventory.Inventory) Result {
	c := &comparison{old: old, new: new, folded: map[string]*Folded{}}
	c.Old, c.New = old.Dump, new.Dump
	c.Findings, c.Folded, c.Tables, c.NotCompared = []Finding{}, []Folded{}, []TableChange{}, []inventory.Gap{}
	c.NotCompared = append(c.NotCompared, old.Gaps...)
	for _, gap := range new.Gaps {
		if !slices.Contains(c.NotCompared, gap) {
			c.NotCompared = append(c.NotCompared, gap)
		}
	}
	c.tables()
	c.ledger()
	c.stock()
	c.records()
	c.objects()
	c.modules()
	slices.SortStableFunc(c.Findings, func(a, b Finding) int { return cmp.Compare(b.weight, a.weight) })
	for _, reason := range sortedKeys(c.folded) {
		c.Folded = append(c.Folded, *c.folded[reason])
	}
	return c.Result
}

// In returns the findings in some areas that a gate minds.
func (r Result) In(areas []Area) (list []Finding) {
	for _, f := range r.Findings {
		if f.Kind != Changed && slices.Contains(areas, f.Area) {
			list = append(list, f)
		}
	}
	return list
}

// Open returns what was not compared although a gate in one of the areas needs it.
func (r Result) Open(areas []Area) (list []inventory.Gap) {
	for _, gap := range r.NotCompared {
		if slices.ContainsFunc(areas, func(a Area) bool { return needs[a] == gap.What }) {
			list = append(list, gap)
		}
	}
	return list
}

// needs are the parts of an inventory that gates need.
var needs = map[Area]inventory.Part{
	Rows: inventory.OfRows, Ledger: inventory.OfLedger, Stock: inventory.OfStock, Views: inventory.OfRecords, Automation: inventory.OfRecords, Fields: inventory.OfRecords,
}

// String says in one line what came of it.
func (r Result) String() string {
	compared := show.Count(r.RowsCompared, "row", "rows") + " in " + show.Count(r.TablesCompared, "table", "tables") + " compared"
	if n := len(r.In(Areas())); n > 0 {
		return compared + ": " + show.Count(int64(n), "finding", "findings")
	}
	parts := []string{"nothing of yours is missing"}
	if r.Ledger == Equal {
		parts = append(parts, "the ledger is equal")
	}
	if r.Stock == Equal {
		parts = append(parts, "the stock is equal")
	}
	return compared + ": " + strings.Join(parts, ", ")
}

// find notes a finding.
func (c *comparison) find(weight int, f Finding) {
	f.weight = weight
	f.IDs = f.IDs[:min(len(f.IDs), maxExamples)]
	c.Findings = append(c.Findings, f)
}

// fold notes what is not a finding.
func (c *comparison) fold(reason string, n int64, example string) {
	f := c.folded[reason]
	if f == nil {
		f = &Folded{Reason: reason}
		c.folded[reason] = f
	}
	f.Count += n
	if len(f.Example) < maxExamples {
		f.Example = append(f.Example, example)
	}
}
