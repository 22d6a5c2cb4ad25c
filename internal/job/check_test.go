package job

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/upgrade"
)

// odooAt is the path of a database at that version.
func odooAt(t *testing.T, version, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db.sql")
	text := fmt.Sprintf("--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.ir_module_module (\n    name text\n);\n\n"+
		"COPY public.ir_module_module (name, latest_version, state, author) FROM stdin;\nbase\t%s.1.3\tinstalled\tOdoo\n%s\\.\n\n"+
		"COPY public.ir_config_parameter (key, value) FROM stdin;\ndatabase.is_neutralized\ttrue\n\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n", version, more)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCheck has platforms give back what they should not.
func TestCheck(t *testing.T) {
	target, err := upgrade.ParseTarget("17.0")
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "db.dump")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, err := os.ReadFile(odooAt(t, "17.0", ""))
	if err != nil {
		t.Fatal(err)
	}
	live := write(strings.Replace(string(good), "is_neutralized\ttrue", "is_neutralized\tfalse", 1))
	for name, c := range map[string]struct {
		comes  string // path of what the platform gives back
		copies bool   // the platform says that it copies
		sent   bool   // and what comes is what was sent
		aim    upgrade.Aim
		err    string // of strict, a part of it
		warns  string // also with strict
	}{
		"as it should be":      {comes: odooAt(t, "17.0", "")},
		"a saas version":       {comes: odooAt(t, "saas~17.2", ""), err: "is at Odoo saas~17.2, and the target is 17.0"},
		"not upgraded":         {comes: odooAt(t, "16.0", ""), err: "is at Odoo 16.0, and the target is 17.0"},
		"a copy":               {comes: odooAt(t, "16.0", ""), copies: true, sent: true},
		"no copy after all":    {comes: odooAt(t, "16.0", ""), copies: true, err: "is at Odoo 16.0"},
		"truncated":            {comes: write(string(good[:len(good)-20])), err: "is truncated"},
		"a truncated copy":     {comes: write(string(good[:len(good)-20])), copies: true, err: "is truncated"},
		"an error page":        {comes: write("<!DOCTYPE html><title>Sorry</title>"), err: "is an HTML page"},
		"not Odoo":             {comes: write(strings.ReplaceAll(string(good), "ir_module_module", "bread")), err: "is not an Odoo database"},
		"a test with mails":    {comes: live, aim: upgrade.Test, warns: "is not neutralized"},
		"production":           {comes: live, aim: upgrade.Production},
		"no version":           {comes: odooAt(t, "x", ""), warns: "was not found"},
		"not to the end":       {comes: odooAt(t, "17.0", "a\t16.0.1.0\tto upgrade\tX\nb\t\tto install\tX\n"), err: "did not end: a (to upgrade), b (to install)"},
		"left out on purpose":  {comes: odooAt(t, "17.0", "a\t\tuninstalled\tX\n")},
		"neutralized for test": {comes: odooAt(t, "17.0", ""), aim: upgrade.Test},
	} {
		for _, how := range []Strictness{Strict, Warn, Off} {
			t.Run(name+"/"+string(how), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, p := newFake(), plan(t)
					f.location, f.copies = c.comes, c.copies
					if f.forms = append(f.forms, dump.Form{Kind: dump.SQL}); c.sent {
						p.Dump = c.comes
					}
					p.Check, p.Request.Target, p.Request.Aim = how, target, c.aim
					ending, events := carry(t, f, "run", p)
					var failed *CheckError
					wrong := errors.As(ending.Err, &failed)
					if wrong != (how == Strict && c.err != "") || wrong && (!strings.Contains(failed.Error(), c.err) || ending.Result != CheckFailed) {
						t.Errorf("%s: %v", ending.Result, ending.Err)
					}
					if !wrong && ending.Result != Success {
						t.Errorf("%s: %v", ending.Result, ending.Err)
					}
					want := c.warns
					if how == Warn && c.err != "" {
						want = c.err
					}
					var warned []string
					for _, e := range events {
						if w, ok := e.(event.CheckWarning); ok {
							warned = append(warned, w.Text)
						}
					}
					text := strings.Join(warned, "\n")
					if how == Off && text != "" || how != Off && (want == "") != (text == "") || how != Off && !strings.Contains(text, want) {
						t.Errorf("warned %q, want %q", text, want)
					}
					if (ending.Checked == nil) != (how == Off) || len(ending.Artifacts) != 1 {
						t.Errorf("checked %v, files %v", ending.Checked, ending.Artifacts)
					}
				})
			})
		}
	}
}

// TestModulesAreCompared needs a dump whose modules are known, and writes what changed.
func TestModulesAreCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFake(), plan(t)
		f.forms = append(f.forms, dump.Form{Kind: dump.SQL})
		p.Dump, f.location, p.Check = odooAt(t, "16.0", "bakery\t1\tinstalled\tBaker\n"), odooAt(t, "17.0", "bakery\t1\tinstalled\tBaker\noven\t1\tinstalled\tOdoo\n"), Strict
		var saved string
		j := Job{Platform: f, Observe: func(event.Event) {}, Keeper: new(kept), Save: func(name, extension string, content []byte) (string, error) {
			saved = string(content)
			return "folder/" + name + extension, nil
		}}
		ending := j.Do(t.Context(), CommandNamed("run"), p)
		if ending.Result != Success || ending.Checked == nil || !ending.Checked.Compared || ending.Checked.ChangesPath != "folder/module-changes.json" {
			t.Fatalf("%s, %v, %+v", ending.Result, ending.Err, ending.Checked)
		}
		for _, want := range []string{`"odoo_version": "16.0"`, `"odoo_version": "17.0"`, `"change": "added"`, `"name": "bakery"`} {
			if !strings.Contains(saved, want) {
				t.Errorf("%s is missing in %s", want, saved)
			}
		}
	})
}
