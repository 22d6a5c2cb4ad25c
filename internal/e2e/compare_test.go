//go:build unix

package e2e

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/realtest"
)

// TestMemoryOfComparison compares a dump with itself: it has ids that are far apart, and more rows than
// memory.
func TestMemoryOfComparison(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	realtest.Need(t, "time")
	mib, err := strconv.Atoi(cmp.Or(os.Getenv("ODOO_UPGRADE_TEST_DUMP_MIB"), "128"))
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/db.sql"
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(file, 1<<20)
	head, tail, _ := strings.Cut(realtest.SmallSQL, "\n--\n-- PostgreSQL database dump complete")
	_, _ = w.WriteString(head)
	for table := range 4 {
		_, _ = fmt.Fprintf(w, "\nCOPY public.t%d (id, name, company_id) FROM stdin;\n", table)
		for n := range mib << 20 / 4 / 40 {
			_, _ = fmt.Fprintf(w, "%d\t%s\t1\n", 1+n*(3+table*300)%(1<<31-1), "a row of about forty bytes")
		}
		_, _ = w.WriteString("\\.\n")
	}
	_, _ = w.WriteString("\n--\n-- PostgreSQL database dump complete" + tail)
	if w.Flush() != nil || file.Close() != nil {
		t.Fatal("writing")
	}
	peak := path + ".peak"
	text, err := exec.Command("time", "-f", "%M", "-o", peak, built(t), "compare", path, path).CombinedOutput()
	if err != nil || !strings.Contains(string(text), "nothing of yours is missing") {
		t.Fatalf("%v\n%s", err, text)
	}
	measured, _ := os.ReadFile(peak)
	kib, err := strconv.Atoi(strings.TrimSpace(string(measured)))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("two inventories of %d MiB with a peak of %d MiB", mib, kib>>10)
	if kib > 128<<10 {
		t.Errorf("peak memory %d MiB with a dump of %d MiB, want less than 128", kib>>10, mib)
	}
}
