package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/inventory"
)

// rule says what is a finding about a kind of record.
type rule struct {
	kind     inventory.Kind
	area     Area
	weight   int
	lost     bool // that one is gone: not where its table's rows say so
	standard bool // Odoo's own count, too, when they are switched off
	counts   func(*Result) (lost, disabled *int64)
	mail     bool // neutralization switches it off
}

// rules are those of all kinds.
var rules = []rule{
	{kind: inventory.View, area: Views, weight: 60, lost: true, standard: true, counts: func(r *Result) (*int64, *int64) { return &r.ViewsLost, &r.ViewsDisabled }},
	{kind: inventory.ScheduledAction, area: Automation, weight: 65, lost: true, standard: true, counts: automations, mail: true},
	{kind: inventory.ServerAction, area: Automation, weight: 64, lost: true, counts: automations},
	{kind: inventory.Automation, area: Automation, weight: 66, lost: true, standard: true, counts: automations},
	{kind: inventory.OutgoingServer, area: Automation, weight: 50, lost: true, standard: true, mail: true},
	{kind: inventory.IncomingServer, area: Automation, weight: 50, lost: true, standard: true, mail: true},
	{kind: inventory.RecordRule, area: Automation, weight: 62, lost: true, standard: true},
	{kind: inventory.Report, area: Views, weight: 45, lost: true},
	{kind: inventory.Template, area: Views, weight: 44, lost: true},
	{kind: inventory.Filter, area: Views, weight: 40, lost: true},
	{kind: inventory.Page, area: Views, weight: 46, lost: true, standard: true},
	{kind: inventory.User, area: Rows, weight: 72, standard: true},
	{kind: inventory.Company, area: Rows, weight: 72, standard: true},
	{kind: inventory.Language, area: Rows, weight: 48, standard: true},
}

func automations(r *Result) (lost, disabled *int64) {
	return &r.AutomationsDisabled, &r.AutomationsDisabled
}

// Reasons why records are not findings.
const (
	byNeutralized = "switched off because the database is neutralized"
	byVendor      = "records of Odoo's own modules that are gone"
)

// records compares views, actions and the like.
func (c *comparison) records() {
	for _, r := range rules {
		old, new := c.old.Records[r.kind], c.new.Records[r.kind]
		for _, id := range slices.Sorted(maps.Keys(old)) {
			c.record(r, id, old[id], new[id])
		}
	}
	c.manual(inventory.Field, "Manual field", 56)
	c.manual(inventory.Model, "Manual model", 57)
}

// record compares one.
func (c *comparison) record(r rule, id uint32, before, after *inventory.Record) {
	var lost, disabled int64
	switch what := c.describe(r.kind, id, before, after); {
	case after == nil && !r.lost:
		return // its table's rows say so
	case after == nil && !before.Custom:
		c.fold(byVendor, 1, what)
	case after == nil:
		lost = 1
		c.find(r.weight, Finding{Area: r.area, Kind: Lost, Subject: string(r.kind), IDs: []uint32{id}, Count: 1, Old: before.Name, Text: what + " is gone"})
	case after.Inactive && !before.Inactive && r.mail && c.New.Neutralized && !c.Old.Neutralized:
		c.fold(byNeutralized, 1, what)
	case after.Inactive && !before.Inactive && (before.Custom || r.standard):
		disabled = 1
		c.find(r.weight+1, Finding{Area: r.area, Kind: Disabled, Subject: string(r.kind), IDs: []uint32{id}, Count: 1, Old: "active", New: "inactive", Text: what + " was switched off"})
	case before.Custom && before.Digest != after.Digest && r.kind == inventory.View:
		c.find(20, Finding{Area: r.area, Kind: Changed, Subject: string(r.kind), IDs: []uint32{id}, Count: 1, Old: before.Digest, New: after.Digest, Text: what + " has another content"})
	}
	if r.counts != nil {
		gone, off := r.counts(&c.Result)
		*gone += lost
		*off += disabled
	}
}

// describe is how a record is called: View sale.order.form.bakery (bakery.view_form, 1234).
func (c *comparison) describe(kind inventory.Kind, id uint32, before, after *inventory.Record) string {
	name := before.Name
	if name == "" && after != nil {
		name = after.Name
	}
	text := strings.ToUpper(string(kind[:1])) + string(kind[1:])
	if name == "" {
		name = before.XMLID
	} else if before.XMLID != "" {
		return fmt.Sprintf("%s %s (%s, %d)", text, name, before.XMLID, id)
	}
	if name == "" {
		return fmt.Sprintf("%s %d", text, id)
	}
	return fmt.Sprintf("%s %s (%d)", text, name, id)
}

// manual compares fields and models that people made, by their names.
func (c *comparison) manual(kind inventory.Kind, what string, weight int) {
	has := map[string]bool{}
	for _, r := range c.new.Records[kind] {
		has[r.Model+"."+r.Name] = true
	}
	old := c.old.Records[kind]
	for _, id := range slices.Sorted(maps.Keys(old)) {
		r := old[id]
		if has[r.Model+"."+r.Name] {
			continue
		}
		name := strings.TrimPrefix(r.Model+"."+r.Name, ".")
		c.FieldsLost++
		c.find(weight, Finding{Area: Fields, Kind: Lost, Subject: name, IDs: []uint32{id}, Count: 1, Text: fmt.Sprintf("%s %s is gone", what, name)})
	}
}

// objects compares what no module owns.
func (c *comparison) objects() {
	has := map[inventory.Object]bool{}
	for _, o := range c.new.Objects {
		has[o] = true
	}
	for _, o := range c.old.Objects {
		if has[o] || o.Kind == "column" && c.hasColumn(o.Name) {
			continue
		}
		what := map[string]string{"view": "SQL view", "column": "Column"}[o.Kind]
		what = cmp.Or(what, strings.ToUpper(o.Kind[:1])+o.Kind[1:])
		c.FieldsLost++
		c.find(52, Finding{Area: Fields, Kind: Lost, Subject: o.Name, Count: 1, Text: fmt.Sprintf("%s %s, which belongs to no module, is gone", what, o.Name)})
	}
}

// hasColumn reports whether the column is there, which may be a field's now. Of tables that are not
// there, their rows are what counts.
func (c *comparison) hasColumn(name string) bool {
	table, column, _ := strings.Cut(name, ".")
	now := c.new.Tables[table]
	return now == nil || now.Columns == nil || slices.Contains(now.Columns, column)
}

// modules compares which modules are installed.
func (c *comparison) modules() {
	for _, text := range c.new.Unfinished {
		c.find(75, Finding{Area: Modules, Kind: State, Subject: text, Count: 1, Text: fmt.Sprintf("Module %s: its installation, upgrade or removal did not end", text)})
	}
	if len(c.old.Modules) == 0 || len(c.new.Modules) == 0 {
		return
	}
	for _, m := range c.old.Modules {
		if !m.Custom || slices.ContainsFunc(c.new.Modules, func(n dump.Module) bool { return n.Name == m.Name }) {
			continue
		}
		c.find(58, Finding{Area: Modules, Kind: Lost, Subject: m.Name, Count: 1, Text: fmt.Sprintf("Module %s, which is not Odoo's, is not installed any more", m.Name)})
	}
}
