// Package inventory counts what a dump of an Odoo database has, as far as an upgrade must keep it:
// rows and their ids, the ledger, the stock, and what people have set up for themselves. It needs
// neither PostgreSQL nor a restore.
//
// Of makes an Inventory of a dump that was inspected, of any kind. Write and Read keep one in a
// small file, without names of customers or products, for a job that does not have the dump.
// Package compare says what two of them differ in.
//
// A dump is a stranger's. Memory is bounded, whatever the dump has: what is too much is not
// counted, and Gaps says so.
package inventory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"odoo-upgrade-action/internal/dump"
)

// Inventory is what a dump has.
type Inventory struct {
	Dump    Dump
	Tables  map[string]*Table
	Ledger  *Ledger // nil if there is none
	Stock   *Stock  // nil if there is none
	Records map[Kind]map[uint32]*Record
	Gaps    []Gap
	Objects []Object      // that no module owns, by kind and name
	Modules []dump.Module // that are installed, by name
	// Unfinished are the modules that are to be installed, upgraded or removed, with that state.
	Unfinished []string

	names names // not in the file
}

// Dump is where an inventory is from.
type Dump struct {
	SHA256  string `json:"sha256,omitempty"`
	UUID    string `json:"database_uuid,omitempty"`
	Series  string `json:"odoo_version,omitempty"`
	Request string `json:"request,omitempty"` // ID of the request that it was sent with
	// Neutralized says that mails and schedules are switched off in all of it.
	Neutralized bool `json:"neutralized,omitempty"`
}

// Table is what is known of a table.
type Table struct {
	Rows    int64
	Columns []string // by name; nil where only INSERT would tell, and there is none
	Unknown bool     // its rows could not be read
	// IDs are those of the rows, nil if the table has no integer column id, or they take too much
	// memory.
	IDs *roaring.Bitmap
	// Standard are the rows that a module of Odoo's owns and may change: those that its data
	// files make, without noupdate. It removes them when it does not need them any more. Of
	// attachments, they are the files of fields and of web pages.
	Standard *roaring.Bitmap
	Model    string // that the table is of, "" for none
	ModelID  uint32 // of that in ir_model: it stays when it gets another name
	// Technical says that no person's data is in it: a wizard's, or between two models.
	Technical bool
}

// Kind is what a record configures.
type Kind string

// The kinds of records that are kept one by one.
const (
	View            Kind = "view"
	ScheduledAction Kind = "scheduled action"
	ServerAction    Kind = "server action"
	Automation      Kind = "automation rule"
	OutgoingServer  Kind = "outgoing mail server"
	IncomingServer  Kind = "incoming mail server"
	Report          Kind = "report"
	Template        Kind = "mail template"
	RecordRule      Kind = "record rule"
	Field           Kind = "manual field"
	Model           Kind = "manual model"
	Filter          Kind = "saved filter"
	Page            Kind = "website page"
	User            Kind = "user"
	Company         Kind = "company"
	Language        Kind = "language"
)

// Record is a record of one of the kinds.
type Record struct {
	Name     string `json:"name,omitempty"`
	XMLID    string `json:"xml_id,omitempty"`
	Model    string `json:"model,omitempty"`
	Parent   uint32 `json:"parent,omitempty"` // of a view
	Inactive bool   `json:"inactive,omitempty"`
	Custom   bool   `json:"custom,omitempty"` // no module of Odoo's owns it
	Digest   string `json:"digest,omitempty"` // of the content

	action uint32 // the server action whose name it has, if it has none of its own
}

// Object is something in the database that no module owns.
type Object struct {
	Kind string `json:"kind"` // view, function, trigger or column
	Name string `json:"name"`
}

// Name returns the name of an account, a product and the like, "" if it is not known.
func (i *Inventory) Name(table string, id int64) string { return i.names.get(table, id) }

// Of counts what a dump has that was inspected and is complete. Errors are those of reading it,
// and ctx's cause.
func Of(ctx context.Context, d dump.Info) (*Inventory, error) {
	t := newTally(d)
	if err := d.Walk(ctx, t.first, t); err != nil {
		return nil, fmt.Errorf("counting what is in %s: %w", d.Path, err)
	}
	return t.finish(), nil
}

// Gap is what was not counted.
type Gap struct {
	What Part   `json:"what"`
	Text string `json:"text"` // and why: a sentence
}

// Part is a part of an inventory.
type Part string

// The parts of which something may not be counted.
const (
	OfRows    Part = "rows"
	OfIDs     Part = "ids" // the number of rows is known
	OfLedger  Part = "ledger"
	OfStock   Part = "stock"
	OfRecords Part = "records"
)

// gap notes what was not counted.
func (i *Inventory) gap(what Part, format string, args ...any) {
	i.Gaps = withGap(i.Gaps, Gap{what, fmt.Sprintf(format, args...)})
}

// withGap appends a gap that is not listed yet.
func withGap(gaps []Gap, gap Gap) []Gap {
	if len(gaps) < maxGaps && !slices.Contains(gaps, gap) {
		gaps = append(gaps, gap)
	}
	return gaps
}

// maxGaps is how many are listed.
const maxGaps = 100

// sorted returns a map's keys in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
