package inventory

import (
	"bytes"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cespare/xxhash/v2"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/dump/script"
)

// owned collects what belongs to which module: models, fields, and records with an xml id.
type owned struct {
	custom map[string]bool // modules that are not Odoo's
	known  bool            // and which they are

	tables     map[string]model // by table
	manual     map[uint32]*Record
	columns    map[uint64]bool // of the fields that models have, as hashes of "table.column"
	relations  map[string]bool // tables between two models
	standard   map[string]*roaring.Bitmap
	files      *roaring.Bitmap              // attachments that are not documents of people
	xmlIDs     map[string]map[uint32]string // by model and id, of the models that are in sources
	wanted     map[string]bool              // those models
	taken      int64                        // memory of standard
	count      int
	incomplete bool
}

// model is a row of ir_model.
type model struct {
	id        uint32
	name      string
	transient bool
}

// maxFields is how many fields and models are known.
const maxFields = 500_000

func newOwned(d dump.Info) *owned {
	o := &owned{
		custom: map[string]bool{}, known: d.Modules != nil, tables: map[string]model{}, manual: map[uint32]*Record{}, columns: map[uint64]bool{},
		relations: map[string]bool{}, standard: map[string]*roaring.Bitmap{}, files: roaring.New(), xmlIDs: map[string]map[uint32]string{}, wanted: map[string]bool{},
	}
	for _, m := range d.Modules {
		o.custom[m.Name] = m.Custom
	}
	for _, s := range sources {
		o.wanted[s.model] = true
	}
	o.wanted["ir.actions.report.xml"] = true // its name before 11.0
	return o
}

// isVendors reports whether a module is Odoo's. A name that is not a module's is that of an
// export, an import, or Studio.
func (o *owned) isVendors(module string) bool {
	custom, installed := o.custom[module]
	if o.known {
		return installed && !custom
	}
	return !strings.HasPrefix(module, "__") && module != "studio_customization"
}

// tableOf returns the table of a model.
func tableOf(model string) string {
	if rest, ok := strings.CutPrefix(model, "ir.actions."); ok {
		switch rest {
		case "server", "client", "act_url", "act_window", "act_window_close", "act_window.view":
			model = "ir." + strings.Replace("act_"+strings.TrimPrefix(rest, "act_"), ".", "_", 1)
		case "report", "report.xml":
			return "ir_act_report_xml"
		case "actions":
			return "ir_actions"
		}
	}
	return strings.ReplaceAll(model, ".", "_")
}

// models takes ir_model.
func (o *owned) models(c script.Copy) script.Rows {
	p := c.Pick("id", "model", "transient", "state", "name")
	return func(line []byte) {
		f := p.Fields(line)
		id, ok := idOf(f[0])
		if !ok || len(o.tables) >= maxFields/10 {
			return
		}
		m := model{id, clip(script.Unescape(f[1][:min(len(f[1]), maxName)])), string(f[2]) == "t"}
		o.tables[tableOf(m.name)] = m
		if string(f[3]) == "manual" {
			o.manual[id] = &Record{Name: m.name, Custom: true}
		}
	}
}

// fields takes ir_model_fields.
func (o *owned) fields(c script.Copy) script.Rows {
	p := c.Pick("model", "name", "relation_table")
	return func(line []byte) {
		f := p.Fields(line)
		if len(o.columns) >= maxFields {
			o.incomplete = true
			return
		}
		o.columns[hashOf(tableOf(string(f[0])), string(f[1]))] = true
		if len(f[2]) > 0 {
			o.relations[short(f[2])] = true
		}
	}
}

func hashOf(table, column string) uint64 { return xxhash.Sum64String(table + "." + column) }

// data takes ir_model_data: which module owns a record.
func (o *owned) data(c script.Copy) script.Rows {
	p := c.Pick("module", "name", "model", "res_id", "noupdate")
	return func(line []byte) {
		f := p.Fields(line)
		id, ok := idOf(f[3])
		of, module := string(f[2]), string(f[0])
		if !ok || len(of) > maxName || len(module) > maxName {
			return
		}
		if string(f[4]) != "t" && o.isVendors(module) {
			o.own(of, id)
		}
		if !o.wanted[of] || o.count >= maxRecords {
			return
		}
		if o.xmlIDs[of] == nil {
			o.xmlIDs[of] = map[uint32]string{}
		}
		if before := o.xmlIDs[of][id]; before == "" || !o.isVendors(moduleOf(before)) { // of several, Odoo's counts
			o.xmlIDs[of][id] = clip(module + "." + script.Unescape(f[1][:min(len(f[1]), maxName)]))
			o.count++
		}
	}
}

func moduleOf(xmlID string) string {
	module, _, _ := strings.Cut(xmlID, ".")
	return module
}

// attachments takes ir_attachment: which are the files of fields, like pictures, which go with their
// records, and which are of Odoo itself.
func (o *owned) attachments(c script.Copy) script.Rows {
	p, files := c.Pick("id", "res_model", "res_field", "url"), 0
	return func(line []byte) {
		f := p.Fields(line)
		id, ok := idOf(f[0])
		isDocument := len(f[1]) > 0 && len(f[2]) == 0 && !bytes.HasPrefix(f[1], []byte("ir.")) && !bytes.HasPrefix(f[3], []byte("/web/"))
		if ok && !isDocument && files < maxIDBytes/8 && o.files.CheckedAdd(id) {
			files++
		}
	}
}

// own notes that a record is a module's.
func (o *owned) own(of string, id uint32) {
	ids := o.standard[of]
	if ids == nil {
		if len(o.standard) >= maxFields/10 {
			return
		}
		ids = roaring.New()
		o.standard[of] = ids
	}
	if o.taken < maxIDBytes/4 && ids.CheckedAdd(id) {
		o.taken += 8 // at most, on average
	}
}

// own says of tables, records and objects what module they are of.
func (t *tally) own(i *Inventory) {
	o := t.owned
	for name, table := range i.Tables {
		m, isModel := o.tables[name]
		table.Model, table.ModelID = m.name, m.id
		table.Technical = m.transient || o.relations[name] || !isModel && len(table.Columns) == 2 && !slices.Contains(table.Columns, "id")
		if table.Standard = o.standard[m.name]; name == "ir_attachment" {
			table.Standard = o.files
		}
	}
	if len(o.manual) > 0 {
		i.Records[Model] = o.manual
	}
	for _, r := range i.Records[Field] {
		r.Custom = true
	}
	for _, s := range sources {
		for id, r := range i.Records[s.kind] {
			if s.model == "" || t.tables[s.table] == nil {
				continue
			}
			if r.XMLID = o.xmlIDs[s.model][id]; r.XMLID == "" && s.kind == Report {
				r.XMLID = o.xmlIDs["ir.actions.report.xml"][id]
			}
			if r.Name == "" {
				r.Name = t.names.get("ir_act_server", int64(r.action))
			}
			r.Custom = r.XMLID == "" || !o.isVendors(moduleOf(r.XMLID))
		}
	}
	t.names.nameProducts()
	t.objectsOf(i)
}

// objectsOf lists what no module owns: it is not a model's view, and a column is not a field's.
func (t *tally) objectsOf(i *Inventory) {
	o := t.owned
	for _, object := range t.objects {
		if _, isModel := o.tables[object.Name]; object.Kind != string(script.KindView) || !isModel {
			i.Objects = append(i.Objects, object)
		}
	}
	if o.incomplete || len(o.columns) == 0 {
		return
	}
	for name, table := range i.Tables {
		if _, isModel := o.tables[name]; !isModel {
			continue
		}
		for _, column := range table.Columns {
			if !o.columns[hashOf(name, column)] && len(i.Objects) < 2*maxTables {
				i.Objects = append(i.Objects, Object{"column", name + "." + column})
			}
		}
	}
}
