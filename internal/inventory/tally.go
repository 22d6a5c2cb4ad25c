package inventory

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/dump/script"
)

// Bounds of what is kept of a dump, whatever it has.
const (
	maxTables    = 50_000
	maxIDBytes   = 28 << 20 // of the ids of all tables
	maxRecords   = 60_000   // of all kinds, and as many xml ids
	maxNameBytes = 12 << 20 // of accounts, products and the like
	maxName      = 120      // bytes of one
	maxShort     = 64       // bytes of a state, a type
	checkEvery   = 1 << 16  // rows, after which the memory of ids is measured
)

// tally is the sink that counts. What each table has is collected by one goroutine, in a place of
// its own; mu is for what is common to them.
type tally struct {
	info dump.Info

	mu      sync.Mutex
	tables  map[string]*Table
	created []string        // tables, of which INSERT says nothing if they are empty
	unread  map[string]bool // tables that take too much memory
	objects []Object
	gaps    Inventory // only its Gaps

	idBytes   atomic.Int64
	nameBytes atomic.Int64
	records   atomic.Int64

	ledger *ledger
	stock  *stock
	owned  *owned
	kinds  map[string]map[uint32]*Record // by table: some kinds have two
	names  names
}

func newTally(d dump.Info) *tally {
	t := &tally{
		info: d, tables: map[string]*Table{}, unread: map[string]bool{}, ledger: newLedger(),
		stock: &stock{quantities: map[Place]*Sum{}, internal: map[int64]bool{}}, kinds: map[string]map[uint32]*Record{}, names: names{},
	}
	t.owned = newOwned(d)
	return t
}

// first says which tables have to be read before the others: the entries, where the items do not
// say whether they are posted.
func (t *tally) first(table script.Table) bool {
	return table.Schema == script.Public && table.Name == "account_move"
}

// Object implements script.Sink.
func (t *tally) Object(kind script.Kind, name script.Table) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch kind {
	case script.KindTable:
		if len(t.created) < maxTables {
			t.created = append(t.created, nameOf(name))
		}
		return
	case script.KindView, script.KindFunction, script.KindTrigger:
	default:
		return
	}
	if len(t.objects) < maxTables {
		t.objects = append(t.objects, Object{string(kind), nameOf(name)})
	}
}

// Needs implements script.Sink.
func (t *tally) Needs(string) {}

// Insert implements script.Sink.
func (t *tally) Insert(script.Table) {}

// Unread implements script.Sink.
func (t *tally) Unread(table script.Table) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unread[nameOf(table)] = true
	t.gaps.gap(OfRows, "The table %s was not compared: to read it takes too much memory.", nameOf(table))
}

// nameOf is how a table is called: without the schema that Odoo uses.
func nameOf(t script.Table) string {
	if t.Schema == "" || t.Schema == script.Public {
		return t.Name
	}
	return t.Schema + "." + t.Name
}

// Copy implements script.Sink: all rows are wanted.
func (t *tally) Copy(c script.Copy) script.Rows {
	name := nameOf(c.Table)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.tables) >= maxTables:
		t.gaps.gap(OfRows, "Of more than %d tables, the others were not compared.", maxTables)
		return nil
	case t.tables[name] != nil:
		t.gaps.gap(OfRows, "The table %s is in the dump twice: it was compared once.", name)
		return nil
	}
	counted := &Table{Columns: sorted(c.Columns)}
	t.tables[name] = counted
	rows := t.count(counted, c)
	if c.Table.Schema != script.Public {
		return rows
	}
	collect := t.collector(c)
	if collect == nil {
		return rows
	}
	return func(line []byte) {
		rows(line)
		collect(line)
	}
}

// count returns what counts the rows of a table, and notes their ids.
func (t *tally) count(table *Table, c script.Copy) script.Rows {
	at, ok := c.Columns["id"]
	if !ok {
		return func([]byte) { table.Rows++ }
	}
	ids, taken := roaring.New(), int64(0)
	table.IDs = ids
	p := c.Pick("id")
	return func(line []byte) {
		table.Rows++
		if ids == nil {
			return
		}
		var id uint32
		var ok, tooMany bool
		if at == 0 {
			id, ok = idOf(line)
		} else {
			id, ok = idOf(p.Fields(line)[0])
		}
		if ok {
			ids.Add(id)
		}
		if ok && table.Rows%checkEvery == 0 {
			now := sizeOf(ids)
			tooMany = t.idBytes.Add(now-taken) > maxIDBytes
			ok, taken = !tooMany, now
		}
		if !ok { // not an integer, or too many of them
			t.idBytes.Add(-taken)
			ids, table.IDs = nil, nil
			if tooMany {
				t.noIDs(c.Table)
			}
		}
	}
}

// noIDs notes that the ids of a table take too much memory.
func (t *tally) noIDs(table script.Table) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gaps.gap(OfIDs, "Of the table %s, only the number of rows was compared: its ids are too far apart to keep them all.", nameOf(table))
}

// sizeOf estimates the memory of ids.
func sizeOf(ids *roaring.Bitmap) int64 {
	const container = 64 // of its headers
	return int64(ids.GetSizeInBytes()) + container*int64(ids.Stats().Containers)
}

// idOf reads the id that a field is, or that a row begins with.
func idOf(line []byte) (id uint32, ok bool) {
	n := uint64(0)
	for at, c := range line {
		if c == '\t' && at > 0 {
			return uint32(n), true
		}
		if c < '0' || c > '9' || at > 9 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
		if n > maxID {
			return 0, false
		}
	}
	return uint32(n), len(line) > 0
}

// maxID is the largest id that PostgreSQL's integer has.
const maxID = 1<<31 - 1

// number reads an integer, 0 where there is none.
func number(field []byte) int64 {
	if id, ok := idOf(field); ok {
		return int64(id)
	}
	n, _ := strconv.ParseInt(string(field[:min(len(field), 20)]), 10, 64)
	return n
}

// short returns a word of a row.
func short(field []byte) string {
	if len(field) > maxShort {
		return ""
	}
	return script.Unescape(field)
}

// collector returns what takes more of a table's rows than their number, nil for most tables.
func (t *tally) collector(c script.Copy) script.Rows {
	collectors := map[string]func(script.Copy) script.Rows{
		"account_move": t.ledger.entries, "account_invoice": t.ledger.invoicesBefore13, "account_move_line": t.ledger.items,
		"account_account_type": t.ledger.typesOf, "account_account": t.accounts,
		"stock_location": t.locations, "stock_quant": t.stock.quants,
		"ir_model": t.owned.models, "ir_model_fields": t.fields, "ir_model_data": t.owned.data,
		"product_product": t.products, "ir_attachment": t.owned.attachments,
	}
	if collect := collectors[c.Table.Name]; collect != nil {
		return collect(c)
	}
	for _, s := range sources {
		if s.table != c.Table.Name {
			continue
		}
		if s.kind == ServerAction { // others are called as theirs are
			return both(t.recordsOf(s, c), t.named(c, "name"))
		}
		return t.recordsOf(s, c)
	}
	if columns := named[c.Table.Name]; columns != nil {
		return t.named(c, columns...)
	}
	return nil
}

// both hands rows to two collectors.
func both(a, b script.Rows) script.Rows {
	return func(line []byte) {
		a(line)
		b(line)
	}
}

func (t *tally) accounts(c script.Copy) script.Rows {
	return both(t.ledger.accountTypes(c), t.named(c, "code_store", "code", "name"))
}

func (t *tally) locations(c script.Copy) script.Rows {
	return both(t.stock.locations(c), t.named(c, "complete_name"))
}

func (t *tally) fields(c script.Copy) script.Rows {
	return both(t.owned.fields(c), t.recordsOf(manualFields, c))
}

// byKind returns the records of all tables.
func (t *tally) byKind() map[Kind]map[uint32]*Record {
	all := map[Kind]map[uint32]*Record{}
	for _, s := range append([]source{manualFields}, sources...) {
		if all[s.kind] == nil {
			all[s.kind] = map[uint32]*Record{}
		}
		maps.Copy(all[s.kind], t.kinds[s.table])
	}
	return all
}

// finish puts together what the tables have.
func (t *tally) finish() *Inventory {
	d := t.info
	i := &Inventory{
		Dump:   Dump{SHA256: d.SHA256, UUID: d.UUID, Series: d.Series, Neutralized: d.Neutralized},
		Tables: t.tables, Records: t.byKind(), Modules: d.Modules, Unfinished: d.Unfinished, Gaps: t.gaps.Gaps, names: t.names,
	}
	for _, name := range t.created {
		if t.tables[name] == nil && len(t.tables) < maxTables {
			t.tables[name] = &Table{IDs: roaring.New()}
		}
	}
	for name := range t.unread {
		t.tables[name] = &Table{Unknown: true}
	}
	i.Ledger, i.Stock = t.ledger.finish(i), t.stock.finish(i)
	t.own(i)
	if t.records.Load() > maxRecords {
		i.gap(OfRecords, "Views, actions and the like were not all compared: there are more than %d.", maxRecords)
	}
	for _, table := range t.tables {
		if table.IDs != nil {
			table.IDs.RunOptimize()
		}
		if table.Standard != nil {
			table.Standard.RunOptimize()
		}
	}
	slices.SortFunc(i.Objects, func(a, b Object) int { return strings.Compare(a.Kind+" "+a.Name, b.Kind+" "+b.Name) })
	return i
}
