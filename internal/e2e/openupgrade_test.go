//go:build unix

package e2e

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/realtest"
)

// TestOpenUpgradeExample runs the example with a stand-in for Odoo that runs real SQL: files of the
// filestore are there while it works, and those that it adds come back with the old ones; where it
// fails, the exception is the message, and not what follows it.
func TestOpenUpgradeExample(t *testing.T) {
	realtest.Long(t)
	realtest.Need(t, "bash", "unzip", "psql")
	script, err := filepath.Abs("../../.github/examples/openupgrade.sh")
	if err != nil {
		t.Fatal(err)
	}
	standIn, err := os.ReadFile("../../.ci/openupgrade")
	if err != nil {
		t.Fatal(err)
	}
	const fails = "#!/bin/bash\nprintf 'Traceback (most recent call last):\\n  File \"x.py\", line 1, in f\\nodoo.exceptions.ValidationError: The field bread is gone\\nINFO shutting down\\nINFO bye\\n' >&2\nexit 1\n"
	for name, test := range map[string]struct {
		program string
		status  int
	}{"done": {string(standIn), 0}, "failed": {fails, 6}} {
		t.Run(name, func(t *testing.T) {
			home, work := t.TempDir(), sampleIn(t)
			for _, version := range []string{"17.0", "18.0"} {
				python := filepath.Join(home, version, "venv", "bin", "python")
				if err := os.MkdirAll(filepath.Dir(python), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(python, []byte(test.program), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			old := filepath.Join(work, "filestore", "cd")
			if err := os.MkdirAll(old, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(old, "old"), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			add := exec.Command("python3", "-c", "import zipfile; zipfile.ZipFile('db.zip', 'a').write('filestore/cd/old')")
			add.Dir = work
			if text, err := add.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			c := startUpgrades(t)
			t.Setenv("OPENUPGRADE_HOME", home)
			p := startPlatform(t, "--pace", "0", "--engine", "command", "--database-url", c.URL(), "--restore", "--", script)
			command := step(t, work, p.url, map[string]string{"dump": "db.zip", "target": "18"})
			text, _ := command.CombinedOutput()
			if code := command.ProcessState.ExitCode(); code != test.status {
				t.Fatalf("exit status %d\n%s", code, text)
			}
			if test.status != 0 {
				if want := "Odoo 17.0 could not upgrade the database: odoo.exceptions.ValidationError: The field bread is gone"; !bytes.Contains(text, []byte(want)) {
					t.Errorf("the message is not %q:\n%s", want, text)
				}
				return
			}
			z, err := zip.OpenReader(filepath.Join(work, "odoo-upgrade", "upgraded-dump.zip"))
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			var names []string
			for _, f := range z.File {
				names = append(names, f.Name)
			}
			for _, want := range []string{"filestore/cd/old", "filestore/ab/17.0", "filestore/ab/18.0", "dump.sql"} {
				if !strings.Contains("\n"+strings.Join(names, "\n")+"\n", "\n"+want+"\n") {
					t.Errorf("%s did not come back: %q", want, names)
				}
			}
		})
	}
}
