package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/advice"
)

// TestCleanInputs has values as people hand them over, of which some can only be refused. The
// refusal does not show them: they may be secrets.
func TestCleanInputs(t *testing.T) {
	for value, says := range map[string]string{
		"M123456-abcdef": "", " M123456-abcdef\n": "", "\u200bM123456-abcdef": "", `"M123456-abcdef"`: "", "\u201cM123456-abcdef\u201d": "",
		"${{ secrets.ODOO_CONTRACT }}": "{contract} holds an expression of a workflow", "secrets.ODOO_CONTRACT }}": "{contract} holds an expression",
		"$ODOO_CONTRACT": "{contract} holds the name of a variable", "${ODOO_CONTRACT}": "{contract} holds the name", "%ODOO_CONTRACT%": "{contract} holds the name",
		"$env:ODOO_CONTRACT": "{contract} holds the name", "$(cat contract)": "{contract} holds the name",
		"M123456\u2013abcdef": "{contract} has a character that does not belong there: U+2013", "M123456\tabcdef": "U+0009", "\u041c123456-abcdef": "U+041C",
		"M$1": "", "M1%": "",
	} {
		o, err := Inputs{Contract: value}.clean()
		switch {
		case says == "" && (err != nil || strings.Contains(value, "abcdef") && o.Contract != "M123456-abcdef"):
			t.Errorf("%q: %q, %v", value, o.Contract, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "abcdef") || advice.Of(err) == ""):
			t.Errorf("%q: %v", value, err)
		}
	}
	for name, o := range map[string]Inputs{
		"handle": {Handle: "${{ x }}"}, "email": {Email: "$EMAIL"}, "request-key": {RequestKey: "$KEY"}, "request-id": {RequestID: "\u0661"},
	} {
		if _, err := o.clean(); err == nil || !strings.Contains(err.Error(), "{"+name+"}") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if o, err := (Inputs{HandleSecret: `"$x"`}).clean(); err != nil || o.HandleSecret != `"$x"` {
		t.Errorf("a secret that may be anything: %q, %v", o.HandleSecret, err)
	}
}

// TestDumpsThatAreNoPaths has what people give in place of a path.
func TestDumpsThatAreNoPaths(t *testing.T) {
	there := filepath.Join(t.TempDir(), "odd[1].dump")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dump, says := range map[string]string{
		"db.dump": "", "a/b.sql.gz": "", there: "", "": "", "https://example.com/db.dump": "is a URL", "s3://bucket/db.dump": "is a URL", "~/db.dump": "only a shell replaces",
		"*.dump": "is a pattern", "db-[0-9].sql": "is a pattern", "a.sql\nb.sql": "names several files", "$DUMP": "the name of a variable", "${{ inputs.dump }}": "an expression",
	} {
		err := checkPath(dump, dump)
		if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || advice.Of(err) == "") {
			t.Errorf("%q: %v", dump, err)
		}
	}
}
