package run

import (
	"strings"
	"testing"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/handle"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/upgrade"
)

func TestIsUnencrypted(t *testing.T) {
	for address, want := range map[string]bool{
		"https://upgrade.odoo.com": false, "http://upgrade.odoo.com": true, "http://203.0.113.7:8069": true, "http://[2001:db8::1]": true,
		"http://localhost:8069": false, "http://127.0.0.1:8069": false, "http://[::1]:8069": false, "http://172.17.0.1:8069": false, "http://sandbox:8069": false,
	} {
		if isUnencrypted(address) != want {
			t.Errorf("%s: %t", address, !want)
		}
	}
}

func TestQuoting(t *testing.T) {
	for text, want := range map[string][2]string{
		"odoo.dump":         {"odoo.dump", "odoo.dump"},
		"/backups/a-b.zip":  {"/backups/a-b.zip", "/backups/a-b.zip"},
		"my dump":           {"'my dump'", "'my dump'"},
		"it's":              {`'it'\''s'`, "'it''s'"},
		"a: b #c":           {"'a: b #c'", "'a: b #c'"},
		"$(reboot)":         {"'$(reboot)'", "'$(reboot)'"},
		"http://[::1]:8069": {"'http://[::1]:8069'", "'http://[::1]:8069'"},
		"http://sandbox:80": {"http://sandbox:80", "http://sandbox:80"},
		"key:":              {"'key:'", "'key:'"},
		"-rf":               {"'-rf'", "'-rf'"},
		"":                  {"''", "''"},
		"two\nlines":        {"'two\nlines'", "'two\nlines'"},
	} {
		if got := [2]string{inShell(text), inYAML(text)}; got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestStepToContinue names the action as the workflow does, if that is known.
func TestStepToContinue(t *testing.T) {
	r := Resumption{command: "run", id: "7", handle: "odoo-upgrade-1.X", secret: "contract"}
	inputs := "with:\n  command: run\n  contract: ${{ secrets.ODOO_CONTRACT }} # the same as here\n  handle: odoo-upgrade-1.X"
	for _, c := range []struct{ repository, ref, want string }{
		{"", "", inputs},
		{"acme/odoo-upgrade-action", "v1", "- uses: acme/odoo-upgrade-action@v1\n  " + strings.ReplaceAll(inputs, "\n", "\n  ")},
		{"acme/odoo\n- run: evil", "v1", inputs},
	} {
		if got := r.Step(c.repository, c.ref); got != c.want {
			t.Errorf("%q:\n%s", c.repository, got)
		}
	}
	if got := (Resumption{}).Step("acme/odoo-upgrade-action", "v1"); got != "" {
		t.Errorf("%q for a request that cannot be continued", got)
	}
}

// TestChooseProtocol picks back ends by what was given.
func TestChooseProtocol(t *testing.T) {
	specs := []platform.Spec{
		{Name: "a", Offers: []upgrade.Item{"x", "y"}, Inputs: []string{"skip-test"}, Requires: []string{"email"}},
		{Name: "b", Offers: []upgrade.Item{"x", "z"}, Inputs: []string{"env"}},
		{Name: "c", Offers: []upgrade.Item{"x"}},
	}
	for name, c := range map[string]struct {
		in        Inputs
		opened    string // protocol of the handle
		want, err string
	}{
		"any":                    {Inputs{Protocol: Auto}, "", "a b c", ""},
		"one":                    {Inputs{Protocol: "b"}, "", "b", ""},
		"by an input":            {Inputs{Protocol: Auto, SkipTest: true}, "", "a", ""},
		"by an item":             {Inputs{Protocol: Auto, Download: []upgrade.Item{"x", "z"}}, "", "b", ""},
		"an input of another":    {Inputs{Protocol: "b", SkipTest: true}, "", "", "skip-test is not possible with protocol b"},
		"an item of another":     {Inputs{Protocol: "c", Download: []upgrade.Item{"y"}}, "", "", "download: y is not possible with protocol c"},
		"two of different ones":  {Inputs{Protocol: Auto, SkipTest: true, Env: []string{"A=1"}}, "", "", "not possible together"},
		"by the handle":          {Inputs{Protocol: Auto, Handle: "h"}, "b", "b", ""},
		"another than that":      {Inputs{Protocol: "a", Handle: "h"}, "b", "", "but {protocol} is a"},
		"without an email":       {Inputs{Protocol: Auto, Email: "-"}, "", "b c", ""},
		"without a needed email": {Inputs{Protocol: Auto, Email: "-", SkipTest: true}, "", "", "{email} is missing, and skip-test is not possible"},
		"one of a later version": {Inputs{Protocol: Auto, Handle: "h"}, "d", "", `the protocol "d" is not known here`},
	} {
		p := &Plan{Inputs: c.in, around: Surroundings{Specs: specs}, opened: handle.Handle{Protocol: c.opened}}
		if c.in.Email == "" {
			p.plan.Request.Email = "a@b.example"
		}
		fit, err := p.chooseProtocol(func(e event.Event) {
			if e != event.Event(event.RuledOut{Protocol: "a", Input: "email"}) {
				t.Errorf("%s: told %v", name, e)
			}
		})
		var names []string
		for _, s := range fit {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
