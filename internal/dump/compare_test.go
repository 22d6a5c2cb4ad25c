package dump

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// database is a script with modules, a line each: name, version, state, author.
func database(t *testing.T, lines ...string) Info {
	t.Helper()
	rows := strings.ReplaceAll(strings.Join(lines, "\n"), " ", "\t")
	path := filepath.Join(t.TempDir(), "db.sql")
	text := "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.ir_module_module (\n    name text\n);\n\n" +
		"COPY public.ir_module_module (name, latest_version, state, author) FROM stdin;\n" + rows + "\n\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := Inspect(t.Context(), path, Options{})
	if err != nil || info.Problem != nil {
		t.Fatal(err, info.Problem)
	}
	return info
}

func TestCompare(t *testing.T) {
	before := database(t, "base 16.0.1.3 installed Odoo", "account 16.0.1.2 installed Odoo", "web 16.0.1.0 installed Odoo", "note 16.0.1.0 installed Odoo",
		"fleet 16.0.1.0 installed Odoo", "bakery 16.0.2.0 installed Baker", "oven 16.0.1.0 installed Baker", "crm 16.0.1.0 uninstalled Odoo")
	after := database(t, "web 16.0.1.0 installed Odoo", "base 17.0.1.3 installed Odoo", "account 17.0.1.2 installed Odoo", "analytic 17.0.1.0 installed Odoo",
		"fleet 16.0.1.0 uninstalled Odoo", "bakery 16.0.2.0 installed Baker", "oven 16.0.1.1 installed Baker", "crm 17.0.1.0 installed Odoo")
	changes, known := Compare(before, after)
	text, _ := json.Marshal(changes)
	want := `{"Modules":[` +
		`{"name":"base","old":"16.0.1.3","new":"17.0.1.3","change":"updated","custom":false},` +
		`{"name":"account","old":"16.0.1.2","new":"17.0.1.2","change":"updated","custom":false},` +
		`{"name":"analytic","new":"17.0.1.0","change":"added","custom":false},` +
		`{"name":"crm","new":"17.0.1.0","change":"added","custom":false},` +
		`{"name":"fleet","old":"16.0.1.0","change":"uninstalled","custom":false},` +
		`{"name":"note","old":"16.0.1.0","change":"removed","custom":false},` +
		`{"name":"oven","old":"16.0.1.0","new":"16.0.1.1","change":"updated","custom":true}],` +
		`"Kept":[{"name":"bakery","version":"16.0.2.0","custom":true}]}`
	if string(text) != want || !known {
		t.Errorf("%s", text)
	}
	if n := changes.Count(Added); n != 2 {
		t.Errorf("%d added", n)
	}
	if _, known := Compare(before, Info{}); known {
		t.Error("modules that were not read were compared")
	}
}
