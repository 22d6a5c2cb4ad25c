//go:build unix

package dump

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/realtest"
)

// tables sums up the rows of all tables.
type tables map[string]*rowSum

type rowSum struct {
	Columns, Rows int
	digest        hash.Hash
	Digest        string
}

func (tables) Object(script.Kind, script.Table) {}
func (tables) Needs(string)                     {}
func (tables) Insert(script.Table)              {}
func (tables) Unread(script.Table)              {}

func (t tables) Copy(c script.Copy) script.Rows {
	sum := &rowSum{Columns: len(c.Columns), digest: sha256.New()}
	t[c.Table.Schema+"."+c.Table.Name] = sum
	return func(line []byte) {
		sum.Rows++
		_, _ = fmt.Fprintf(sum.digest, "%s\n", line)
	}
}

func walked(t *testing.T, path string) tables {
	t.Helper()
	i, err := Inspect(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	found := tables{}
	if err := i.Walk(t.Context(), nil, found); err != nil {
		t.Error(err)
	}
	for _, sum := range found {
		sum.Digest, sum.digest = fmt.Sprintf("%x", sum.digest.Sum(nil)), nil
	}
	return found
}

// TestWalk finds the same rows of all tables in every kind of dump.
func TestWalk(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	files := dumps(t, bootstrap+many)
	want := walked(t, files["plain.sql"])
	if len(want) < 3 || want["public.ir_module_module"] == nil || want["public.ir_module_module"].Rows < 3003 {
		t.Fatalf("%d tables, %+v", len(want), want["public.ir_module_module"])
	}
	for name, path := range files {
		if diff := cmp.Diff(want, walked(t, path), cmp.AllowUnexported(rowSum{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestWalkOfWhatChanged walks through another file than the one that was inspected.
func TestWalkOfWhatChanged(t *testing.T) {
	path := write(t, "db.sql", []byte(goodSQL))
	i, err := Inspect(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(goodSQL+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = i.Walk(t.Context(), nil, tables{})
	if _, ok := errors.AsType[*UnusableError](err); !ok {
		t.Error(err)
	}
}
