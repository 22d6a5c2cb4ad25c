//go:build unix

package compare

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/inventory"
	"odoo-upgrade-action/internal/realtest"
)

// counted returns the inventory of a dump.
func counted(t testing.TB, path string) *inventory.Inventory {
	t.Helper()
	info, err := dump.Inspect(t.Context(), path, dump.Options{})
	if err != nil || info.Problem != nil {
		t.Fatalf("%s: %v, %v", path, err, info.Problem)
	}
	found, err := inventory.Of(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// kinds are pg_dump's, by the names of the files.
var kinds = map[string][]string{
	"custom.dump": {"-Fc"}, "plain.dump": {"-Fc", "-Z0"}, "tar.tar": {"-Ft"}, "sql.sql": {"-Fp"}, "folder": {"-Fd", "-j2"},
	"inserts.sql": {"--inserts"}, "columns.sql": {"--column-inserts"}, "rows.sql": {"--rows-per-insert=7"}, "inserts.dump": {"-Fc", "--inserts"},
}

// dumpsOf makes a dump of each kind, wrapped ones as well, in a folder.
func dumpsOf(t *testing.T, c *realtest.Cluster, database string) map[string]string {
	t.Helper()
	files := map[string]string{}
	folder, err := os.MkdirTemp(c.Dir, "dumps")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, flags := range kinds {
		files[name] = filepath.Join(folder, name)
		c.Run("pg_dump", append(flags, "-f", files[name], database)...)
	}
	files["piped.dump"] = filepath.Join(folder, "piped.dump")
	if err := os.WriteFile(files["piped.dump"], []byte(c.Run("pg_dump", "-Fc", database)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"custom.dump", "tar.tar", "sql.sql"} {
		content, _ := os.ReadFile(files[name])
		var wrapped bytes.Buffer
		w := gzip.NewWriter(&wrapped)
		_, _ = w.Write(content)
		_ = w.Close()
		files[name+".gz"] = files[name] + ".gz"
		if err := os.WriteFile(files[name+".gz"], wrapped.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, _ := os.ReadFile(files["sql.sql"])
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	w, _ := z.Create("dump.sql")
	_, _ = w.Write(content)
	_ = z.Close()
	files["odoo.zip"] = filepath.Join(folder, "odoo.zip")
	if err := os.WriteFile(files["odoo.zip"], zipped.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return files
}

// database makes a database to compare with, and one like it where rows lie in another order.
func database(t *testing.T, invoices int) *realtest.Cluster {
	t.Helper()
	c := realtest.StartCluster(t)
	c.OdooDatabase(t, "old", invoices)
	return c
}

// TestSameInEveryKind compares every kind of dump with every other, and with SQL.
func TestSameInEveryKind(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := database(t, 300)
	files := dumpsOf(t, c, "old")
	want := counted(t, files["custom.dump"])
	for name, path := range files {
		got := counted(t, path)
		for _, pair := range [][2]*inventory.Inventory{{want, got}, {got, want}} {
			r := Compare(pair[0], pair[1])
			if len(r.Findings)+len(r.Folded)+len(r.Tables)+len(r.NotCompared) > 0 || r.Ledger != Equal || r.Stock != Equal || r.TablesCompared < 30 {
				t.Errorf("%s: %+v", name, r)
			}
		}
		asSQL(t, c, name, got)
	}
}

// asSQL compares an inventory with what PostgreSQL says.
func asSQL(t *testing.T, c *realtest.Cluster, name string, got *inventory.Inventory) {
	t.Helper()
	for table := range strings.FieldsSeq(c.SQL("old", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")) {
		count := c.SQL("old", "SELECT count(*) FROM ONLY "+table)
		if got.Tables[table] == nil && count == "0\n" { // INSERT says nothing of it
			continue
		}
		if got.Tables[table] == nil || fmt.Sprintln(got.Tables[table].Rows) != count {
			t.Errorf("%s: %s has %s, got %+v", name, table, count, got.Tables[table])
		}
	}
	ids := c.SQL("old", "SELECT string_agg(id::text, ',' ORDER BY id) FROM res_partner")
	if found := strings.Trim(strings.ReplaceAll(fmt.Sprint(got.Tables["res_partner"].IDs.ToArray()), " ", ","), "[]"); found != strings.TrimSpace(ids) {
		t.Errorf("%s: ids %.200s, want %.200s", name, found, ids)
	}
	var lines []string
	for g, b := range got.Ledger.Accounts {
		lines = append(lines, fmt.Sprintf("%d|%d|%d|%s|%s|%s", g.Company, g.ID, b.Items, b.Debit, b.Credit, b.Amount))
	}
	sameLines(t, name, lines, c.SQL("old", "SELECT company_id, account_id, count(*), sum(debit), sum(credit), sum(balance) FROM account_move_line WHERE parent_state = 'posted' AND account_id IS NOT NULL GROUP BY 1, 2"))
	lines = nil
	for at, sum := range got.Stock.Quantities {
		lines = append(lines, fmt.Sprintf("%d|%d|%s", at.Location, at.Product, sum))
	}
	sameLines(t, name, lines, c.SQL("old", "SELECT location_id, product_id, sum(quantity) FROM stock_quant q JOIN stock_location l ON l.id = location_id WHERE usage = 'internal' GROUP BY 1, 2"))
	lines = nil
	for g, total := range got.Ledger.Invoices {
		lines = append(lines, fmt.Sprintf("%d|%s|%s|%d|%s", g.Company, g.Type, g.State, total.Count, total.Amount))
	}
	sameLines(t, name, lines, c.SQL("old", "SELECT company_id, move_type, state, count(*), sum(amount_total) FROM account_move WHERE move_type <> 'entry' GROUP BY 1, 2, 3"))
	lines = nil
	for id, r := range got.Records[inventory.View] {
		lines = append(lines, fmt.Sprintf("%d|%s|%s|%t", id, r.Name, r.XMLID, !r.Inactive))
	}
	sameLines(t, name, lines, c.SQL("old", "SELECT v.id, v.name, coalesce(d.module || '.' || d.name, ''), CASE WHEN active THEN 'true' ELSE 'false' END FROM ir_ui_view v LEFT JOIN ir_model_data d ON d.model = 'ir.ui.view' AND d.res_id = v.id"))
	if n := len(got.Objects); n != 4 { // a view, a function, a trigger, a column
		t.Errorf("%s: objects %v", name, got.Objects)
	}
}

var zeros = regexp.MustCompile(`(\.[0-9]*[1-9])0+(\||$)|\.0+(\||$)`)

func sameLines(t *testing.T, name string, got []string, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(want), "\n")
	for _, list := range [][]string{got, lines} {
		for n := range list { // 0 and 0.00 are the same number
			list[n] = zeros.ReplaceAllString(list[n], "$1$2$3")
		}
	}
	slices.Sort(got)
	slices.Sort(lines)
	if !slices.Equal(got, lines) {
		t.Errorf("%s: got %q\nwant %q", name, got, lines)
	}
}

// change is a single change to the database, and what has to be found. %d is an id that is drawn
// from a table's.
type change struct {
	ids  string // SELECT, from whose rows one is drawn
	sql  string // with the row drawn in place of $1
	area Area
	kind string
	text string // is in the finding, with the row drawn in place of $1
}

var changes = []change{
	{"SELECT id FROM res_partner", "DELETE FROM res_partner WHERE id = $1", Rows, Lost, "1 contact is gone: $1"},
	{"SELECT id FROM res_partner", "DELETE FROM res_partner WHERE id = $1; INSERT INTO res_partner (id, name) VALUES (100000, 'x')", Rows, Lost, "1 contact is gone: $1"},
	{"SELECT id FROM res_partner", "UPDATE res_partner SET id = 200000 WHERE id = $1", Rows, Lost, "1 contact is gone: $1"},
	{"SELECT id FROM account_move_line WHERE account_id IS NULL", "DELETE FROM account_move_line WHERE id = $1", Rows, Lost, "1 journal item is gone: $1"},
	{"SELECT id FROM account_move", "DELETE FROM account_move WHERE id = $1", Rows, Lost, "1 journal entry is gone: $1"},
	{"SELECT id FROM bakery_order", "DELETE FROM bakery_order WHERE id = $1", Rows, Lost, "1 row of bakery_order is gone: $1"},
	{"SELECT id FROM ir_attachment WHERE name = 'contract.pdf'", "DELETE FROM ir_attachment WHERE id = $1", Rows, Lost, "1 attachment is gone: $1"},
	{"SELECT id FROM x_oven", "DELETE FROM x_oven WHERE id = $1", Rows, Lost, "1 row of x_oven is gone: $1"},
	{"SELECT 'bakery_order'", "DROP TABLE $1", Rows, Gone, "The table $1 is gone, with 60 rows of $1"},
	{"SELECT id FROM account_move_line WHERE parent_state = 'posted' AND account_id IS NOT NULL", "UPDATE account_move_line SET debit = debit + 0.01, balance = balance + 0.01 WHERE id = $1", Ledger, Differs, "Account "},
	{"SELECT id FROM account_move_line WHERE parent_state = 'posted' AND account_id = 1", "UPDATE account_move_line SET account_id = 4 WHERE id = $1", Ledger, Differs, "Account 400000 Sales, The Bakery: balance "},
	{"SELECT id FROM account_move_line WHERE parent_state = 'posted' AND account_id = 1", "UPDATE account_move_line SET journal_id = 2 WHERE id = $1", Ledger, Differs, "Journal INV Customer Invoices, The Bakery: balance "},
	{"SELECT id FROM account_move_line WHERE parent_state = 'posted' AND amount_residual <> 0", "UPDATE account_move_line SET amount_residual = 0 WHERE id = $1", Ledger, Differs, "Open "},
	{"SELECT id FROM account_move_line WHERE parent_state = 'posted' AND account_id IS NOT NULL", "UPDATE account_move_line SET parent_state = 'draft' WHERE id = $1", Ledger, Differs, "Account "},
	{"SELECT id FROM account_move WHERE move_type <> 'entry'", "UPDATE account_move SET amount_total = amount_total - 0.001 WHERE id = $1", Ledger, Differs, ", in EUR: total "},
	{"SELECT id FROM account_move WHERE move_type <> 'entry' AND state = 'posted'", "UPDATE account_move SET state = 'cancel' WHERE id = $1", Ledger, Differs, ", cancel, "},
	{"SELECT q.id FROM stock_quant q JOIN stock_location l ON l.id = location_id WHERE usage = 'internal'", "UPDATE stock_quant SET quantity = quantity - 1 WHERE id = $1", Stock, Differs, "at WH/"},
	{"SELECT q.id FROM stock_quant q JOIN stock_location l ON l.id = location_id WHERE location_id = 1", "UPDATE stock_quant SET location_id = 2 WHERE id = $1", Stock, Differs, "at WH/Cellar: quantity "},
	{"SELECT id FROM ir_ui_view WHERE active", "UPDATE ir_ui_view SET active = false WHERE id = $1", Views, Disabled, "View view.$1 ("},
	{"SELECT id FROM ir_ui_view WHERE id > 40", "DELETE FROM ir_ui_view WHERE id = $1", Views, Lost, "View view.$1 ("},
	{"SELECT id FROM ir_ui_view WHERE id > 40", `UPDATE ir_ui_view SET arch_db = '{"en_US": "<other/>"}' WHERE id = $1`, Views, Changed, "View view.$1 ("},
	{"SELECT id FROM website_page", "UPDATE website_page SET is_published = false WHERE id = $1", Views, Disabled, "Website page /about-bread ($1) was switched off"},
	{"SELECT id FROM ir_act_report_xml", "DELETE FROM ir_act_report_xml WHERE id = $1", Views, Lost, "Report bakery.label ($1) is gone"},
	{"SELECT id FROM mail_template", "DELETE FROM mail_template WHERE id = $1", Views, Lost, "Mail template Birthday ($1) is gone"},
	{"SELECT id FROM ir_filters", "DELETE FROM ir_filters WHERE id = $1", Views, Lost, "Saved filter My late orders ($1) is gone"},
	{"SELECT id FROM ir_cron WHERE active", "UPDATE ir_cron SET active = false WHERE id = $1", Automation, Disabled, "Scheduled action Job $1 ("},
	{"SELECT id FROM ir_cron WHERE id > 5", "DELETE FROM ir_cron WHERE id = $1", Automation, Lost, "Scheduled action Job $1 ($1) is gone"},
	{"SELECT id FROM ir_act_server WHERE id BETWEEN 5 AND 8", "DELETE FROM ir_act_server WHERE id = $1", Automation, Lost, "Server action Action $1 ($1) is gone"},
	{"SELECT id FROM base_automation", "UPDATE base_automation SET active = false WHERE id = $1", Automation, Disabled, "Automation rule Action "},
	{"SELECT id FROM base_automation", "DELETE FROM base_automation WHERE id = $1", Automation, Lost, "Automation rule "},
	{"SELECT id FROM ir_mail_server", "UPDATE ir_mail_server SET active = false WHERE id = $1", Automation, Disabled, "Outgoing mail server smtp.bakery.example"},
	{"SELECT id FROM fetchmail_server", "UPDATE fetchmail_server SET active = false WHERE id = $1", Automation, Disabled, "Incoming mail server imap.bakery.example"},
	{"SELECT id FROM ir_rule", "UPDATE ir_rule SET active = false WHERE id = $1", Automation, Disabled, "Record rule own orders"},
	{"SELECT id FROM ir_model_fields WHERE name = 'x_loyalty'", "DELETE FROM ir_model_fields WHERE id = $1; ALTER TABLE res_partner DROP COLUMN x_loyalty", Fields, Lost, "Manual field res.partner.x_loyalty is gone"},
	{"SELECT id FROM ir_model WHERE state = 'manual'", "DELETE FROM ir_model WHERE id = $1", Fields, Lost, "Manual model x_oven is gone"},
	{"SELECT 'legacy_code'", "ALTER TABLE res_partner DROP COLUMN $1", Fields, Lost, "Column res_partner.$1, which belongs to no module, is gone"},
	{"SELECT 'bakery_turnover'", "DROP VIEW $1", Fields, Lost, "SQL view $1, which belongs to no module, is gone"},
	{"SELECT 'touch_partner'", "DROP TRIGGER $1 ON res_partner", Fields, Lost, "Trigger $1, which belongs to no module, is gone"},
	{"SELECT 'bakery_touch'", "DROP FUNCTION $1 CASCADE", Fields, Lost, "Function $1, which belongs to no module, is gone"},
	{"SELECT 'bakery_orders'", "UPDATE ir_module_module SET state = 'uninstalled' WHERE name = '$1'", Modules, Lost, "Module $1, which is not Odoo's, is not installed any more"},
	{"SELECT 'stock'", "UPDATE ir_module_module SET state = 'to upgrade' WHERE name = '$1'", Modules, State, "Module $1 (to upgrade)"},
	{"SELECT id FROM res_users WHERE NOT share", "UPDATE res_users SET active = false WHERE id = $1", Rows, Disabled, "User user$1 ($1) was switched off"},
	{"SELECT id FROM res_lang WHERE active", "UPDATE res_lang SET active = false WHERE id = $1", Rows, Disabled, "Language "},
}

// TestEveryChangeIsFound makes one change after the other, of each kind at least one, and of random
// rows in some kind of dump.
func TestEveryChangeIsFound(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := database(t, 60)
	random := rand.New(rand.NewPCG(1, uint64(len(changes))))
	flags := slices.Collect(func(yield func(string) bool) {
		for _, name := range []string{"custom.dump", "sql.sql", "tar.tar", "inserts.sql"} {
			if !yield(name) {
				return
			}
		}
	})
	before := filepath.Join(c.Dir, "old.dump")
	c.Run("pg_dump", "-Fc", "-f", before, "old")
	old := counted(t, before)
	many := len(changes)
	if text := os.Getenv("ODOO_UPGRADE_TEST_CHANGES"); text != "" {
		var err error
		if many, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for n := range many {
		made := changes[n%len(changes)]
		rows := strings.Fields(c.SQL("old", made.ids))
		row := rows[random.IntN(len(rows))]
		fill := func(text string) string { return strings.ReplaceAll(text, "$1", row) }
		c.Run("createdb", "-T", "old", "new")
		c.SQL("new", fill(made.sql))
		kind := flags[n%len(flags)]
		after := filepath.Join(c.Dir, kind)
		c.Run("pg_dump", append(kinds[kind], "-f", after, "new")...)
		c.Run("dropdb", "new")
		r := Compare(old, counted(t, after))
		if !slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Area == made.area && f.Kind == made.kind && strings.Contains(f.Text, fill(made.text))
		}) {
			t.Errorf("%s (%s): %s", fill(made.sql), kind, shown(r))
		}
		if gated := r.In([]Area{made.area}); len(gated) == 0 && made.kind != Changed {
			t.Errorf("%s: no gate", fill(made.sql))
		}
		if err := os.Remove(after); err != nil {
			t.Fatal(err)
		}
	}
}

func shown(r Result) string {
	text, _ := json.MarshalIndent(map[string]any{"findings": r.Findings, "folded": r.Folded}, "", " ")
	return string(text)
}

// TestNoChangeIsFoundInNone makes pairs that differ in nothing that counts.
func TestNoChangeIsFoundInNone(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := database(t, 60)
	same := []string{
		"VACUUM FULL", "CREATE TABLE t AS SELECT * FROM res_partner; TRUNCATE res_partner; INSERT INTO res_partner SELECT * FROM t ORDER BY random(); DROP TABLE t",
		"CREATE TABLE t AS SELECT * FROM account_move_line; TRUNCATE account_move_line; INSERT INTO account_move_line SELECT * FROM t ORDER BY random(); DROP TABLE t",
		"CLUSTER res_partner USING res_partner_pkey", "ALTER DATABASE new SET work_mem = '1MB'", "ALTER TABLE account_move_line ALTER debit TYPE numeric(18,4)",
		"UPDATE stock_quant SET quantity = quantity + 0.0000001", "ALTER TABLE bakery_order ALTER id TYPE int", "ANALYZE", "DELETE FROM mail_message WHERE id < 9", "DELETE FROM wizard_print", "DELETE FROM ir_attachment WHERE name <> 'contract.pdf'",
		"DELETE FROM bakery_order_tag_rel", "DELETE FROM res_country_state WHERE id = 3", "DELETE FROM ir_ui_view WHERE id = 7; DELETE FROM ir_model_data WHERE model = 'ir.ui.view' AND res_id = 7",
	}
	before := filepath.Join(c.Dir, "old.dump")
	c.Run("pg_dump", "-Fc", "-f", before, "old")
	old := counted(t, before)
	for n, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range kinds {
			if !yield(name) {
				return
			}
		}
	}) {
		for at, sql := range same {
			if !realtest.Whole() && at%len(kinds) != n {
				continue
			}
			c.Run("createdb", "-T", "old", "new")
			for statement := range strings.SplitSeq(sql, "; ") {
				c.SQL("new", statement)
			}
			after := filepath.Join(c.Dir, "after-"+name)
			c.Run("pg_dump", append(kinds[name], "-f", after, "new")...)
			c.Run("dropdb", "new")
			if r := Compare(old, counted(t, after)); len(r.Findings) > 0 {
				t.Errorf("%s, %s: %s", name, sql, shown(r))
			}
			if err := os.RemoveAll(after); err != nil {
				t.Fatal(err)
			}
		}
	}
}
