package confine

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"odoo-upgrade-action/internal/realtest"
)

// TestStart has a shell read and write: it can read what it was given, and nothing beside it.
func TestStart(t *testing.T) {
	if !Available() {
		realtest.Skip(t, "the kernel has no Landlock")
	}
	given, secret := filepath.Join(t.TempDir(), "given"), filepath.Join(t.TempDir(), "secret")
	for path, text := range map[string]string{given: "given", secret: "secret"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		script string
		reads  []string
		prints string
		works  bool
	}{
		"what it was given":        {"cat " + given, []string{given}, "given", true},
		"another file":             {"cat " + secret, []string{given}, "", false},
		"from its folder":          {"cat " + given, []string{filepath.Dir(given)}, "given", true},
		"by a path from there":     {"cat " + filepath.Dir(given) + "/../../" + filepath.Base(filepath.Dir(secret)) + "/secret", []string{filepath.Dir(given)}, "", false},
		"by a link":                {"cat " + link, []string{filepath.Dir(link)}, "", false},
		"a list of another folder": {"ls " + filepath.Dir(secret), []string{given}, "", false},
		"what it writes":           {"echo x >" + given, []string{given}, "", false},
		"what it cuts":             {"truncate -s 0 " + secret, []string{given}, "", false},
		"what it removes":          {"rm -f " + given, []string{filepath.Dir(given)}, "", false},
		"its passwords":            {"cat /etc/shadow", nil, "", false},
		"nowhere":                  {"echo ok >/dev/null && echo ok", []string{filepath.Join(t.TempDir(), "missing")}, "ok\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			command := exec.Command("sh", "-c", test.script)
			command.Stdout = &out
			if err := Start(command, test.reads...); err != nil {
				t.Fatal(err)
			}
			err := command.Wait()
			if (err == nil) != test.works || out.String() != test.prints {
				t.Errorf("%q, %v", out.String(), err)
			}
		})
	}
	if text, err := os.ReadFile(secret); string(text) != "secret" { // this process is not confined
		t.Errorf("%q, %v", text, err)
	}
}
