//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/sandbox"
)

// TestVendorsScript runs the vendor's own script, unchanged, against the sandbox. It is
// not ours to distribute: ODOO_UPGRADE_TEST_SCRIPT has the paths of copies of it,
// separated by spaces.
func TestVendorsScript(t *testing.T) {
	scripts := strings.Fields(os.Getenv("ODOO_UPGRADE_TEST_SCRIPT"))
	if len(scripts) == 0 {
		t.Skip("ODOO_UPGRADE_TEST_SCRIPT names no copy of the vendor's script")
	}
	realtest.Need(t, "python3", "rsync", "ssh", "ssh-keygen")
	dumps := t.TempDir()
	if err := sandbox.WriteSample(filepath.Join(dumps, "bakery.zip")); err != nil {
		t.Fatal(err)
	}
	c := realtest.StartCluster(t)
	c.Run("createdb", "bakery")
	c.SQL("bakery", odooLike)
	for name, format := range map[string]string{"bakery.dump": "-Fc", "folder.dump": "-Fd", "bakery.sql": "-Fp"} {
		c.Run("pg_dump", format, "-f", c.Dir+"/"+name, "bakery")
		if text, err := exec.Command("cp", "-r", c.Dir+"/"+name, dumps).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, text)
		}
	}
	for _, script := range scripts {
		for _, outcome := range []string{"done", "failed"} {
			data := t.TempDir()
			url, _, stop := sandboxOn(t, data, "127.0.0.1:0", "--tls-self-signed", "--pace", "300ms", "--outcome", outcome)
			for _, name := range []string{"bakery.zip", "bakery.dump", "folder.dump", "bakery.sql"} {
				t.Run(filepath.Base(script)+"/"+outcome+"/"+name, func(t *testing.T) {
					runScript(t, script, url, data, filepath.Join(dumps, name), outcome)
				})
			}
			stop()
		}
	}
}

// runScript takes a dump through the sandbox with the script, which exits with 0 in any
// case.
func runScript(t *testing.T, script, url, data, dump, outcome string) {
	work := t.TempDir()
	name := filepath.Base(dump)
	if text, err := exec.Command("cp", "-r", dump, work).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, text)
	}
	call := func(args ...string) string {
		t.Helper()
		command := exec.Command("python3", append([]string{script}, args...)...)
		command.Dir = work
		command.Env = append(os.Environ(), "UPGRADE_SERVER_NAME="+url, "SSL_CERT_FILE="+data+"/cert.pem", "TMPDIR="+work, "HOME="+work)
		text, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return string(text)
	}
	log := call("test", "-i", name, "-c", "M123456-abcdef", "-t", "18.0", "-x")
	found := regexp.MustCompile(`secret token is '(.*)'`).FindStringSubmatch(log)
	if found == nil {
		t.Fatal(log)
	}
	status, lines := call("status", "-t", found[1]), call("log", "-t", found[1])
	if !strings.Contains(status, strings.ToUpper(outcome)) || !strings.Contains(lines, "ends as "+outcome) {
		t.Errorf("%s\n%s", status, lines)
	}
	if outcome == "failed" {
		if !strings.Contains(log, "The upgrade request has failed") {
			t.Error(log)
		}
		return
	}
	upgraded := filepath.Join(work, "upgraded"+filepath.Ext(name))
	same := func() {
		t.Helper()
		if text, err := exec.Command("diff", "-r", dump, upgraded).CombinedOutput(); err != nil {
			t.Errorf("%v %s\n%s", err, text, log)
		}
	}
	same()
	if err := os.RemoveAll(upgraded); err != nil {
		t.Fatal(err)
	}
	log = call("restore", "-t", found[1], "-x", "-d", "bakery", "-r", "restored")
	same()
}
