package cli

import "testing"

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
