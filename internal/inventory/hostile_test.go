//go:build unix

package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/realtest"
)

// modules is what makes a dump one of Odoo's.
const modules = "CREATE TABLE public.ir_module_module (\n    id integer,\n    name text\n);\n\nCOPY public.ir_module_module (id, name, state, latest_version, author) FROM stdin;\n" +
	"1\tbase\tinstalled\t17.0.1.3\tOdoo S.A.\n2\toven\tinstalled\t17.0.1\tThe Bakery\n\\.\n\n"

// counted counts a script with some statements.
func counted(t *testing.T, statements string) *Inventory {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db.sql")
	text := "--\n-- PostgreSQL database dump\n--\n\nSET standard_conforming_strings = on;\n" + modules + statements + "\n--\n-- PostgreSQL database dump complete\n--\n\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := dump.Inspect(t.Context(), path, dump.Options{})
	if err != nil || info.Problem != nil {
		t.Fatal(err, info.Problem)
	}
	found, err := Of(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func copyOf(table, columns string, rows ...string) string {
	return "COPY public." + table + " (" + columns + ") FROM stdin;\n" + strings.Join(rows, "\n") + "\n\\.\n\n"
}

// TestHostile counts what no honest dump has: it is counted, or said not to be.
func TestHostile(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	huge := strings.Repeat("9", 1_000_000)
	i := counted(t, copyOf("res_partner", "id, name", "1\ta", "-5\tb", "99999999999\tc", "x\td")+
		copyOf("account_move_line", "id, parent_state, account_id, company_id, journal_id, debit, credit, balance", "1\tposted\t1\t1\t1\t"+huge+"\t0\tNaN", "2\tposted\t1\t1\t1\t1\t0\t1")+
		copyOf("ir_ui_view", "id, name, arch_db, active", "1\t"+deep+"\t"+deep+"\tt", "2\t{\"en_US\": \"x\"\tnot json}\tt", "3\t\\N\t\\N\t\\N")+
		copyOf("long_one", "id, text", "1\t"+strings.Repeat("x", 5<<20), "2\tshort"))
	if p := i.Tables["res_partner"]; p.Rows != 4 || p.IDs != nil {
		t.Errorf("ids out of range: %+v", p)
	}
	b := i.Ledger.Accounts[Group{1, 1}]
	if b.Items != 2 || b.Debit.String() != "?" || b.Amount.String() != "?" || b.Credit.String() != "0" {
		t.Errorf("numbers that are none: %+v", b)
	}
	if views := i.Records[View]; len(views) != 3 || len(views[1].Name) > maxName+4 {
		t.Errorf("views: %+v", views)
	}
	if l := i.Tables["long_one"]; l.Rows != 2 || l.IDs == nil || l.IDs.GetCardinality() != 2 {
		t.Errorf("a row of 5 MiB: %+v", l)
	}
}

// TestManyOfEverything has more tables, records, names and groups than are kept.
func TestManyOfEverything(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for n := range maxTables + 5 {
		text.WriteString(copyOf(fmt.Sprintf("t%d", n), "id", "1"))
	}
	if i := counted(t, text.String()); len(i.Tables) != maxTables || len(i.Gaps) != 1 || i.Gaps[0].What != OfRows {
		t.Errorf("%d tables, %v", len(i.Tables), i.Gaps)
	}
	text.Reset()
	text.WriteString("COPY public.ir_ui_view (id, name, active) FROM stdin;\n")
	for n := range maxRecords + 5 {
		fmt.Fprintf(&text, "%d\tview %d\tt\n", n+1, n)
	}
	text.WriteString("\\.\n\nCOPY public.stock_location (id, usage) FROM stdin;\n1\tinternal\n\\.\n\nCOPY public.stock_quant (id, product_id, location_id, quantity) FROM stdin;\n")
	for n := range maxGroups + 5 {
		fmt.Fprintf(&text, "%d\t%d\t1\t1\n", n+1, n)
	}
	text.WriteString("\\.\n\n")
	i := counted(t, text.String())
	if len(i.Records[View]) != maxRecords || i.Stock != nil || len(i.Gaps) != 2 {
		t.Errorf("%d views, stock %v, %v", len(i.Records[View]), i.Stock != nil, i.Gaps)
	}
}

// TestScatteredIDs has ids that no bitmap compresses, in more tables than there is memory for.
func TestScatteredIDs(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	for table := range 20 {
		fmt.Fprintf(&text, "COPY public.t%d (id) FROM stdin;\n", table)
		for n := range 2 * checkEvery {
			fmt.Fprintf(&text, "%d\n", 1+n*(1<<14)+table)
		}
		text.WriteString("\\.\n\n")
	}
	i := counted(t, text.String())
	with := 0
	for _, table := range i.Tables {
		if table.IDs != nil {
			with++
		}
	}
	if len(i.Gaps) == 0 || i.Gaps[0].What != OfIDs {
		t.Errorf("gaps: %v", i.Gaps)
	}
	if n := i.Tables["t19"].Rows; n != 2*checkEvery || with == 0 || with == len(i.Tables) {
		t.Errorf("%d rows, %d of %d tables with ids", n, with, len(i.Tables))
	}
	checkFileGaps(t, i)
}

// checkFileGaps writes an inventory and reads it: of each table that lost its ids, it has to say so.
func checkFileGaps(t *testing.T, i *Inventory) {
	t.Helper()
	gaps := len(i.Gaps)
	var written bytes.Buffer
	if err := i.Write(&written); err != nil {
		t.Fatal(err)
	}
	back, err := Read(&written)
	if err != nil {
		t.Fatal(err)
	}
	dropped := 0
	for name, table := range i.Tables {
		if table.IDs == nil || back.Tables[name].IDs != nil {
			continue
		}
		dropped++
		if !slices.ContainsFunc(back.Gaps, func(g Gap) bool { return g.What == OfIDs && strings.Contains(g.Text, "table "+name+",") }) {
			t.Errorf("the file has no ids of %s, and does not say so", name)
		}
	}
	if dropped == 0 || len(back.Gaps) != gaps+dropped || len(i.Gaps) != gaps {
		t.Errorf("%d tables dropped; %d gaps before, %d after, %d in the file", dropped, gaps, len(i.Gaps), len(back.Gaps))
	}
}

// TestUnread has a statement with several rows that is longer than is kept.
func TestUnread(t *testing.T) {
	i := counted(t, "CREATE TABLE public.notes (\n    id integer,\n    text text\n);\n\nINSERT INTO public.notes VALUES\n\t(1, '"+strings.Repeat("x", 5<<20)+"'),\n\t(2, 'short');\n\n"+
		"CREATE TABLE public.none (\n    id integer\n);\n\n")
	if notes := i.Tables["notes"]; !notes.Unknown || len(i.Gaps) != 1 || i.Gaps[0].What != OfRows {
		t.Errorf("%+v, %v", notes, i.Gaps)
	}
	if none := i.Tables["none"]; none == nil || none.Unknown || none.Rows != 0 {
		t.Errorf("%+v", none)
	}
}

// TestTechnical tells a table between two models from one of few columns.
func TestTechnical(t *testing.T) {
	i := counted(t, copyOf("res_partner", "id, name", "1\ta")+copyOf("a_b_link", "a_id, b_id", "1\t2"))
	if i.Tables["res_partner"].Technical || !i.Tables["a_b_link"].Technical {
		t.Errorf("%+v, %+v", i.Tables["res_partner"], i.Tables["a_b_link"])
	}
}

// TestTwice has a table twice.
func TestTwice(t *testing.T) {
	i := counted(t, copyOf("res_partner", "id", "1", "2")+copyOf("res_partner", "id", "3"))
	if i.Tables["res_partner"].Rows != 2 || len(i.Gaps) != 1 {
		t.Errorf("%+v, %v", i.Tables["res_partner"], i.Gaps)
	}
}

// TestOldVersions has the columns of Odoo 8.0 to 12.0: entries say what is posted, invoices are
// apart, types of accounts are records, and names are plain.
func TestOldVersions(t *testing.T) {
	t.Parallel()
	moves := copyOf("account_move", "id, name, state", "1\tA\tposted", "2\tB\tdraft")
	items := copyOf("account_move_line", "id, move_id, company_id, account_id, journal_id, debit, credit, amount_residual", "1\t1\t1\t7\t3\t10.50\t0\t4.5", "2\t1\t1\t8\t3\t0\t10.50\t0", "3\t2\t1\t7\t3\t99\t0\t99")
	rest := copyOf("account_account", "id, code, name, user_type_id", "7\t121000\tReceivable\t1", "8\t400000\tSales\t2") + copyOf("account_account_type", "id, type", "1\treceivable", "2\tother") +
		copyOf("account_invoice", "id, type, state, company_id, currency_id, amount_total", "1\tout_invoice\topen\t1\t1\t10.50", "2\tout_invoice\tpaid\t1\t1\t5", "3\tin_refund\tdraft\t1\t1\t7") +
		copyOf("stock_location", "id, complete_name, usage", "5\tWH/Stock\tinternal") + copyOf("stock_quant", "id, product_id, location_id, qty", "1\t2\t5\t3.5")
	i := counted(t, rest+moves+items)
	l := i.Ledger
	if b := l.Accounts[Group{1, 7}]; len(l.Accounts) != 2 || b.Items != 1 || b.Amount.String() != "10.50" || l.Receivable[1].Amount.String() != "4.5" || l.Receivable[1].Count != 1 || len(l.Payable) != 0 {
		t.Errorf("%+v", b)
	}
	if n := l.Invoices[InvoiceGroup{1, "out_invoice", "posted", 1}]; n == nil || n.Count != 2 || n.Amount.String() != "15.50" || len(l.Invoices) != 2 {
		t.Errorf("%+v", l.Invoices)
	}
	if i.Stock.Quantities[Place{5, 2}].String() != "3.5" || i.Name("account_account", 7) != "121000 Receivable" || i.Name("stock_location", 5) != "WH/Stock" {
		t.Errorf("%+v, %q", i.Stock, i.Name("account_account", 7))
	}
	// In the other order, nothing is known, and nothing is made up.
	if i := counted(t, items+moves); i.Ledger != nil || len(i.Gaps) != 1 || i.Gaps[0].What != OfLedger {
		t.Errorf("%+v, %v", i.Ledger, i.Gaps)
	}
}

// TestTablesOfTwoVersions has tables of old versions beside those that replaced them, as databases
// have that were upgraded before, in an archive, of which two tables are read at a time.
func TestTablesOfTwoVersions(t *testing.T) {
	realtest.Long(t)
	c := realtest.StartCluster(t)
	c.Run("createdb", "mixed")
	c.SQL("mixed", `CREATE TABLE ir_module_module (id int, name varchar, state varchar, latest_version varchar, author varchar);
		INSERT INTO ir_module_module VALUES (1, 'base', 'installed', '17.0.1.3', 'Odoo S.A.');
		CREATE TABLE base_automation (id int, name varchar, active boolean); INSERT INTO base_automation SELECT n, 'new', true FROM generate_series(1, 9000) n;
		CREATE TABLE base_action_rule (id int, name varchar, active boolean); INSERT INTO base_action_rule SELECT n, 'old', true FROM generate_series(9001, 18000) n;
		CREATE TABLE account_move (id int, state varchar, move_type varchar, company_id int, currency_id int, amount_total numeric); INSERT INTO account_move SELECT n, 'posted', 'out_invoice', 1, 1, 2 FROM generate_series(1, 9000) n;
		CREATE TABLE account_invoice (id int, state varchar, type varchar, company_id int, currency_id int, amount_total numeric); INSERT INTO account_invoice SELECT n, 'paid', 'out_invoice', 1, 1, 5 FROM generate_series(1, 9000) n;`)
	path := filepath.Join(c.Dir, "mixed.dump")
	c.Run("pg_dump", "-Fc", "-f", path, "mixed")
	info, err := dump.Inspect(t.Context(), path, dump.Options{})
	if err != nil || info.Problem != nil {
		t.Fatal(err, info.Problem)
	}
	i, err := Of(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(i.Records[Automation]); n != 18000 {
		t.Errorf("%d automation rules", n)
	}
	if total := i.Ledger.Invoices[InvoiceGroup{1, "out_invoice", "posted", 1}]; total.Count != 9000 || total.Amount.String() != "18000" {
		t.Errorf("%+v", total)
	}
}

// TestFile writes an inventory and reads it again.
func TestFile(t *testing.T) {
	i := counted(t, copyOf("res_partner", "id, name", "1\ta", "7\tb")+copyOf("ir_filters", "id, name, active", "1\tSecret plans\tt")+
		copyOf("account_account", "id, code, account_type", "1\t4000\tasset_receivable")+
		copyOf("account_move_line", "id, parent_state, account_id, company_id, journal_id, debit, credit, balance, amount_residual", "1\tposted\t1\t1\t1\t5.10\t0\t5.10\t5.10"))
	var text bytes.Buffer
	if err := i.Write(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "Secret") {
		t.Error("the name of a filter is in the file")
	}
	again, err := Read(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if !again.Tables["res_partner"].IDs.Equals(i.Tables["res_partner"].IDs) || again.Ledger.Accounts[Group{1, 1}].Debit.String() != "5.10" || again.Ledger.Receivable[1].Amount.String() != "5.10" ||
		len(again.Records[Filter]) != 1 || len(again.Modules) != 2 || !again.Modules[1].Custom {
		t.Errorf("%+v", again)
	}
	for name, damaged := range map[string]string{
		"empty": "", "other JSON": "{}", "a list": "[1]", "null tables": `{"format":"odoo-upgrade-inventory","version":1,"tables":{"a":null}}`,
		"no bitmap":   `{"format":"odoo-upgrade-inventory","version":1,"tables":{"a":{"rows":1,"ids":"AAAA"}}}`,
		"null record": `{"format":"odoo-upgrade-inventory","version":1,"records":{"view":{"1":null}}}`, "cut": text.String()[:text.Len()/2],
	} {
		if _, err := Read(strings.NewReader(damaged)); !errors.Is(err, ErrNotInventory) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(strings.NewReader(`{"format":"odoo-upgrade-inventory","version":7}`)); err == nil || errors.Is(err, ErrNotInventory) {
		t.Errorf("version 7: %v", err)
	}
}

// FuzzRead finds files that Read does not survive.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"format":"odoo-upgrade-inventory","version":1,"tables":{"a":{"rows":1,"ids":"OjAAAAEAAAAAAAAAEAAAAAEA"}},"ledger":{"accounts":[{"company":1,"id":2,"debit":"1.0"}]},"stock":[{"quantity":"x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if i, err := Read(bytes.NewReader(text)); err == nil {
			if err := i.Write(&bytes.Buffer{}); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestCanceled ends at once, and leaves nothing running.
func TestCanceled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db.sql")
	text := "--\n-- PostgreSQL database dump\n--\n\n" + modules + copyOf("t", "id", strings.Repeat("1\n", 1<<20)+"1") + "--\n-- PostgreSQL database dump complete\n--\n\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := dump.Inspect(t.Context(), path, dump.Options{})
	if err != nil || info.Problem != nil {
		t.Fatal(err, info.Problem)
	}
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := Of(ctx, info); !errors.Is(err, stopped) {
		t.Error(err)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
