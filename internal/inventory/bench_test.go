//go:build unix

package inventory

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/realtest"
)

// BenchmarkInventory counts what is in dumps of a database, in turns with PostgreSQL's own way to
// the rows, counted by wc: its time is 1. In "shared", four tables have the rows; in "one", one.
func BenchmarkInventory(b *testing.B) {
	realtest.Need(b, "zcat", "wc")
	mib, _ := strconv.Atoi(cmp.Or(os.Getenv("ODOO_UPGRADE_BENCH_MIB"), "64"))
	c := realtest.StartCluster(b, "autovacuum=off", "max_wal_size=20GB", "checkpoint_timeout=1h") // nothing runs beside the two
	pgRestore := c.Command("pg_restore").Path
	for database, tables := range map[string][]string{"shared": {"account_move_line", "bakery_order", "mail_message", "res_partner"}, "one": {"account_move_line"}} {
		c.OdooDatabase(b, database, 100)
		rows := mib << 20 / len(tables) / 100
		for _, table := range tables {
			c.SQL(database, fmt.Sprintf(fill[table], rows))
		}
		for _, kind := range []struct {
			name  string
			flags []string
			peer  string // a shell's, of the file $1
		}{
			{"custom", []string{"-Fc"}, `"$0" -f - "$1" | wc -l`},
			{"folder", []string{"-Fd"}, `"$0" -f - "$1" | wc -l`},
			{"sql.gz", []string{"-Fp", "-Z6"}, `zcat "$1" | wc -l`},
			{"sql", []string{"-Fp"}, `wc -l "$1"`},
		} {
			path := filepath.Join(c.Dir, database+"."+kind.name)
			c.Run("pg_dump", append(kind.flags, "-f", path, database)...)
			c.SQL(database, "CHECKPOINT")
			_ = exec.Command("sync").Run() // what was written before is not to be written while the two run
			b.Run(database+"/"+kind.name, func(b *testing.B) { beside(b, path, kind.peer, pgRestore) })
		}
	}
}

// fill are statements that fill tables with so many rows.
var fill = map[string]string{
	"account_move_line": "INSERT INTO account_move_line (move_id, name, parent_state, company_id, account_id, journal_id, debit, credit, balance, amount_residual) SELECT n, md5(n::text), 'posted', 1, 1 + n %% 6, 1 + n %% 2, n * 0.01, 0.0, n * 0.01, 0.0 FROM generate_series(1, %d) n",
	"bakery_order":      "INSERT INTO bakery_order (name, weight) SELECT repeat(md5(n::text), 2), n / 7.0 FROM generate_series(1, %d) n",
	"mail_message":      "INSERT INTO mail_message (body) SELECT '<p>' || md5(n::text) || '</p> bread and butter for everyone ' || n FROM generate_series(1, %d) n",
	"res_partner":       "INSERT INTO res_partner (name, email, comment) SELECT md5(n::text), 'c' || n || '@bakery.example', 'likes bread, delivered on weekdays' FROM generate_series(1, %d) n",
}

// beside measures in turns with a peer.
func beside(b *testing.B, path, peer, pgRestore string) {
	info, err := dump.Inspect(b.Context(), path, dump.Options{})
	if err != nil || info.Problem != nil {
		b.Fatal(err, info.Problem)
	}
	var ours, theirs []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		i, err := Of(b.Context(), info)
		if err != nil || len(i.Gaps) > 0 {
			b.Fatal(err, i.Gaps)
		}
		ours = append(ours, time.Since(start))
		start = time.Now()
		if text, err := exec.Command("sh", "-c", peer, pgRestore, path).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, text)
		}
		theirs = append(theirs, time.Since(start))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(ours[len(ours)/2].Seconds()/theirs[len(theirs)/2].Seconds(), "time/peer")
}
