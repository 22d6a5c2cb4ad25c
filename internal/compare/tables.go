package compare

import (
	"fmt"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/inventory"
)

// ownKinds are the tables whose records are compared one by one.
var ownKinds = map[string]bool{
	"base_automation": true, "base_action_rule": true, "fetchmail_server": true, "mail_template": true, "email_template": true, "website_page": true,
}

// Reasons why lost rows are not a finding.
const (
	byTechnical = "rows of technical tables, which every upgrade rewrites"
	byStandard  = "records that modules of Odoo own and update"
	byFile      = "files of records that are gone, and of Odoo itself"
	byKind      = "compared one by one"
)

// technical are tables that hold nothing of people's, by how their names begin.
var technical = []string{"ir_", "bus_", "mail_", "base_", "auth_totp_", "web_", "digest_", "iap_", "onboarding_", "openupgrade_", "upgrade_"}

// isTechnical reports whether a table is one that every upgrade rewrites.
func isTechnical(name string, t *inventory.Table) bool {
	if t.Technical || strings.HasSuffix(name, "_rel") {
		return true
	}
	if nouns[name][0] != "" {
		return false
	}
	for _, prefix := range technical {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// tables compares the rows of all tables.
func (c *comparison) tables() {
	byModel := map[uint32]string{} // tables now, by the id of their model, which a rename keeps
	for name, t := range c.new.Tables {
		if t.ModelID != 0 {
			byModel[t.ModelID] = name
		}
	}
	for _, name := range sortedKeys(c.old.Tables) {
		before := c.old.Tables[name]
		if before.Rows == 0 || c.new.Tables[name] != nil && c.new.Tables[name].Unknown {
			continue
		}
		c.TablesCompared++
		c.RowsCompared += before.Rows
		after, now := c.new.Tables[name], name
		if after == nil && before.ModelID != 0 {
			now = byModel[before.ModelID]
			after = c.new.Tables[now]
		}
		change := TableChange{Table: name, Old: before.Rows, Gone: after == nil}
		if now != name && after != nil {
			change.Now = now
		}
		lost := before.IDs
		if after != nil {
			change.New = after.Rows
			lost = c.differences(&change, before, after)
		} else {
			change.Lost = before.Rows
			change.ByID = before.IDs != nil
		}
		c.judge(change, before, lost)
	}
	for _, name := range sortedKeys(c.new.Tables) {
		t := c.new.Tables[name]
		if old := c.old.Tables[name]; (old == nil || old.Rows == 0) && t.Rows > 0 {
			c.Tables = append(c.Tables, TableChange{Table: name, New: t.Rows, Added: t.Rows, ByID: t.IDs != nil})
		}
	}
}

// differences fills in how many rows are lost and new, and returns the ids of those that are lost.
func (c *comparison) differences(change *TableChange, before, after *inventory.Table) *roaring.Bitmap {
	if before.IDs == nil || after.IDs == nil {
		change.Lost, change.Added = max(0, before.Rows-after.Rows), max(0, after.Rows-before.Rows)
		return nil
	}
	lost := roaring.AndNot(before.IDs, after.IDs)
	change.ByID = true
	change.Lost, change.Added = int64(lost.GetCardinality()), int64(roaring.AndNot(after.IDs, before.IDs).GetCardinality())
	return lost
}

// judge decides what lost rows are.
func (c *comparison) judge(change TableChange, before *inventory.Table, lost *roaring.Bitmap) {
	if change.Lost == 0 && change.Added == 0 && !change.Gone {
		return
	}
	standard, why := int64(0), byStandard
	if change.Table == "ir_attachment" {
		why = byFile
	}
	if lost != nil && before.Standard != nil && (why == byFile || nouns[change.Table][0] == "") { // people's own records are always said
		own := roaring.AndNot(lost, before.Standard)
		standard = int64(lost.GetCardinality() - own.GetCardinality())
		lost = own
	}
	change.IDs = firstIDs(lost)
	left := change.Lost - standard
	switch {
	case change.Lost == 0 && !change.Gone:
	case ownKinds[change.Table]:
		change.Folded = byKind
	case isTechnical(change.Table, before):
		change.Folded = byTechnical
		c.foldRows(byTechnical, change.Table, change.Lost)
	case left == 0:
		change.Folded = why
		c.foldRows(why, change.Table, standard)
	default:
		if standard > 0 {
			c.foldRows(why, change.Table, standard)
		}
		c.lost(change, left)
	}
	c.Tables = append(c.Tables, change)
}

// foldRows notes lost rows that are not a finding.
func (c *comparison) foldRows(reason, table string, n int64) {
	c.fold(reason, n, table+": "+humanize.Comma(n))
}

func firstIDs(ids *roaring.Bitmap) (list []uint32) {
	if ids == nil {
		return nil
	}
	for it := ids.Iterator(); it.HasNext() && len(list) < maxExamples; {
		list = append(list, it.Next())
	}
	return list
}

// lost notes rows that are not there any more.
func (c *comparison) lost(change TableChange, n int64) {
	f := Finding{
		Area: Rows, Kind: Lost, Subject: change.Table, IDs: change.IDs, Count: n,
		Old: fmt.Sprint(change.Old), New: fmt.Sprint(change.New),
	}
	switch {
	case change.Gone:
		f.Kind = Gone
		f.Text = fmt.Sprintf("The table %s is gone, with %s", change.Table, rowsOf(n, change.Table))
		c.TablesLost++
	case change.ByID:
		f.Text = fmt.Sprintf("%s %s gone: %s", rowsOf(n, change.Table), isAre(n), listed(change.IDs, n))
	default:
		f.Text = fmt.Sprintf("%s %s gone, of %s", rowsOf(n, change.Table), isAre(n), humanize.Comma(change.Old))
	}
	c.RowsLost += n
	c.find(weightOf(change.Table), f)
}

// weightOf is how much it hurts to lose rows of a table.
func weightOf(table string) int {
	switch {
	case strings.HasPrefix(table, "account_"):
		return 90
	case nouns[table][0] != "":
		return 85
	}
	return 70
}
