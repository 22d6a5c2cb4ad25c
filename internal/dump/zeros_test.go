//go:build unix

package dump

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/realtest"
)

// hole returns data with n zeros in the place of what was at a byte.
func hole(data []byte, at, n int) []byte {
	data = bytes.Clone(data)
	clear(data[at:min(len(data), at+n)])
	return data
}

// TestHoles has zero bytes in the place of a part, as a crash or a broken copy leaves them. What
// PostgreSQL's own programs cannot restore must not be taken for usable by an inspection that
// reads all of it, as that of a run does.
func TestHoles(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	r := realDumps(t)
	// What has no compression, pg_restore only copies: a hole shows in the database.
	plain := map[string]bool{"custom without compression": true, "tar": true}
	restores := func(path string) bool {
		return exec.Command("pg_restore", "-f", "/dev/null", path).Run() == nil
	}
	for name, data := range map[string][]byte{
		"custom": r.custom, "custom, piped": []byte(r.Run("pg_dump", "-Fc", "bakery")), "custom without compression": r.dump("-Fc", "-Z0", "--no-blobs"), "tar": r.dump("-Ft", "--no-blobs"),
	} {
		for _, n := range []int{1 << 9, 1 << 12} {
			for part := range 20 {
				at := len(data) * part / 20
				holed := hole(data, at, n)
				for _, wrapped := range []bool{false, true} {
					path, shown := write(t, "x", holed), fmt.Sprintf("%s with %d zeros at %d of %d, in gzip: %t", name, n, at, len(data), wrapped)
					if wrapped {
						path = write(t, "x", gzipBytes(holed))
					}
					i, err := Inspect(t.Context(), path, Options{Digest: true})
					if err != nil {
						t.Fatal(err)
					}
					if i.Problem == nil && (plain[name] && part >= 5 && part < 15 || !restores(write(t, "x", holed))) {
						t.Errorf("%s: usable, %q", shown, i.Warnings)
					}
				}
			}
		}
	}
	for part := range 20 {
		at := len(r.sql) * part / 20
		refused("", "").everywhere(t, fmt.Sprintf("SQL with zeros at %d", at), hole(r.sql, at, 100))
	}
	at := bytes.Index(r.sql, []byte("COPY public.z_last"))
	refused("zero bytes in its SQL", "create it again").everywhere(t, "zeros in rows that are not read", hole(r.sql, at+5000, 10))
	fine.check(t, "zeros behind the end", append(bytes.Clone(r.sql), make([]byte, 1000)...))
}

// TestAfterAnArchive has zeros in the place of the length of the last table's chunk, so that its
// data seems to end there, even where only the end is read.
func TestAfterAnArchive(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	r := realDumps(t)
	data := r.dump("-Fc", "--no-blobs") // the last table's is the last data
	whole := inspect(t, "x", data)
	if whole.Problem != nil || len(whole.Warnings) > 0 {
		t.Fatal(whole.Problem, whole.Warnings)
	}
	found := 0
	for at := len(data) - 100_000; at < len(data)-4096; at += 1024 {
		i := inspect(t, "x", hole(data, at, 4096))
		for _, warning := range i.Warnings {
			if strings.Contains(warning, "A restore ignores them") {
				t.Errorf("zeros at %d: %s", at, warning)
			}
		}
		if i.Problem != nil {
			found++
		}
	}
	if found == 0 {
		t.Error("no hole was found at all")
	}
}

// TestHolesInFolders cuts each file of a folder, and ends it with zeros.
func TestHolesInFolders(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	r := realDumps(t)
	for _, flag := range []string{"-Z6", "-Z0"} {
		folder := filepath.Join(r.Dir, "holes"+flag)
		r.Run("pg_dump", "-Fd", flag, "-f", folder, "bakery")
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			path := filepath.Join(folder, e.Name())
			data, _ := os.ReadFile(path)
			for name, changed := range map[string][]byte{
				"cut in half": data[:len(data)/2], "with a hole": hole(data, len(data)/2, 100), "with zeros behind it": append(bytes.Clone(data), make([]byte, 100)...),
			} {
				if strings.HasPrefix(e.Name(), "blob_") && flag == "-Z0" || e.Name() == "toc.dat" && name != "cut in half" {
					continue // whose content may be anything
				}
				if err := os.WriteFile(path, changed, 0o600); err != nil {
					t.Fatal(err)
				}
				for _, o := range []Options{{}, {Digest: true}} {
					i, err := Inspect(t.Context(), folder, o)
					if err != nil {
						t.Fatal(err)
					}
					if i.Problem == nil || !strings.Contains(i.Problem.Do, "create it again") {
						t.Errorf("%s, %s %s, %+v: %v", flag, e.Name(), name, o, i.Problem)
					}
				}
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, "blob_99.dat"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if i, _ := Inspect(t.Context(), folder, Options{}); i.Problem == nil || !strings.Contains(i.Problem.Problem, "that no list names") {
			t.Errorf("a large object that no list names: %v", i.Problem)
		}
	}
}

// TestHolesInZips has them in the dump, in a file of the filestore, and in the head of one.
func TestHolesInZips(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	random := make([]byte, 50_000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	rows := strings.Replace(goodSQL, "\\.\n", strings.Repeat("7\tx\tinstalled\t1.0\n", 20_000)+"\\.\n", 1)
	at := map[string]int{}
	for _, name := range []string{"dump.sql", "filestore/ab/abcd", "filestore/cd/cdef", "manifest.json"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_ = z.Flush()
		at[name] = b.Len()
		content := random
		switch name {
		case "dump.sql":
			content = []byte(rows)
		case "manifest.json":
			content = []byte("{}")
		}
		_, _ = w.Write(content)
	}
	_ = z.Close()
	for name, place := range map[string]int{
		"in the dump": at["dump.sql"] + 500, "in a file": at["filestore/ab/abcd"] + 20_000, "in the head of a file": at["filestore/cd/cdef"] - 30,
	} {
		i, err := Inspect(t.Context(), write(t, "odoo.zip", hole(b.Bytes(), place, 100)), Options{Digest: true})
		if err != nil || i.Problem == nil || !strings.Contains(i.Problem.Problem, "is corrupt") {
			t.Errorf("%s: %v, %v", name, err, i.Problem)
		}
	}
	if i, err := Inspect(t.Context(), write(t, "odoo.zip", b.Bytes()), Options{Digest: true}); err != nil || i.Problem != nil {
		t.Errorf("without a hole: %v, %v", err, i.Problem)
	}
}

// TestRowsAreNotShown has a dump whose rows are where statements should be. They may be private.
func TestRowsAreNotShown(t *testing.T) {
	i := inspect(t, "db.sql", []byte(strings.Replace(goodSQL, "CREATE TABLE", "17\tJane Doe\tjane@example.com\nCREATE TABLE", 1)))
	if i.Problem == nil || strings.Contains(i.Problem.Error(), "Jane") || !strings.Contains(i.Problem.Problem, "may be a row of a table") {
		t.Error(i.Problem)
	}
}

// TestDigestOfWhatFollowsText has so much text in front of a dump that its first bytes do not tell
// what it is: the digest, which SQL always has, is that of the whole file all the same.
func TestDigestOfWhatFollowsText(t *testing.T) {
	text := []byte(strings.Repeat("-- a comment\n", 1000) + goodSQL)
	want := fmt.Sprintf("%x", sha256.Sum256(text))
	for _, o := range []Options{{}, {Digest: true}} {
		i, err := Inspect(t.Context(), write(t, "db.sql", text), o)
		if err != nil || i.Problem != nil || i.Kind != SQL || i.SHA256 != want {
			t.Errorf("%+v: %v, %v, %s, SHA-256 %s, want %s", o, err, i.Problem, i.Kind, i.SHA256, want)
		}
	}
}
