//go:build unix

package dump

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/realtest"
)

// replaceText replaces a text in a table of contents.
func replaceText(t *testing.T, toc []byte, old, with string) []byte {
	t.Helper()
	text := func(s string) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte{0}, uint32(len(s))), s...)
	}
	if !bytes.Contains(toc, text(old)) {
		t.Fatalf("the table of contents has no text %q", old)
	}
	return bytes.Replace(toc, text(old), text(with), 1)
}

// TestHostileFolder has folders of pg_dump's that were changed so that pg_restore reads
// something else than what is inspected: files outside them, or other files in them.
func TestHostileFolder(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	c.Run("createdb", "bakery")
	c.SQL("bakery", bootstrap+some)
	outside := strings.Repeat("./", 600) + "../secret"
	for name, test := range map[string]struct {
		change func(t *testing.T, folder, table string)
		says   string // "" if it is good
	}{
		"untouched": {func(*testing.T, string, string) {}, ""},
		"a long name of a file": {func(t *testing.T, folder, table string) {
			changeTOC(t, folder, table, outside)
		}, "pg_dump writes 1024 at most"},
		"a path": {func(t *testing.T, folder, table string) {
			changeTOC(t, folder, table, "../secret")
		}, "another name than pg_dump gives"},
		"a zero byte after a name": {func(t *testing.T, folder, table string) {
			changeTOC(t, folder, table, table+"\x00")
		}, "zero byte"},
		"a kind of entry that ends for C": {func(t *testing.T, folder, _ string) {
			changeTOC(t, folder, "SEQUENCE SET", "BLOBS\x00")
		}, "zero byte"},
		"a zero byte in a text that is not needed": {func(t *testing.T, folder, _ string) {
			changeTOC(t, folder, "heap", "hea\x00p")
		}, "zero byte"},
		"a table that becomes a list of large objects": {func(t *testing.T, folder, _ string) {
			changeTOC(t, folder, "TABLE DATA", "BLOBS")
		}, "another name than pg_dump gives"},
		"a list that no entry names": {func(t *testing.T, folder, _ string) {
			writeTo(t, filepath.Join(folder, "blobs_77.toc"), []byte("16400 ../../secret\n"))
		}, "a line that pg_dump does not write"},
		"a list that is compressed": {func(t *testing.T, folder, _ string) {
			writeTo(t, filepath.Join(folder, "blobs_77.toc.gz"), gzipped(t, []byte("16400 ../../secret\n")))
		}, "a list of large objects that is compressed"},
		"a version too old for folders": {func(t *testing.T, folder, _ string) {
			setVersion(t, folder, 11)
		}, "its archive version, 1.11, is not known in a folder"},
		"a list beside a version that is not known": {func(t *testing.T, folder, _ string) {
			setVersion(t, folder, 30)
			writeTo(t, filepath.Join(folder, "blobs.toc"), []byte("16400 ../../secret\n"))
		}, "a line that pg_dump does not write"},
		"a long tag": {func(t *testing.T, folder, _ string) {
			changeTOC(t, folder, "ir_module_module", strings.Repeat("x", maxTag+1))
		}, "a text of"},
		"a long schema": {func(t *testing.T, folder, _ string) {
			changeTOC(t, folder, "public", strings.Repeat("p", maxLabel+1))
		}, "a text of"},
		"a long COPY": {func(t *testing.T, folder, _ string) {
			toc, err := os.ReadFile(filepath.Join(folder, archive.TOC))
			if err != nil {
				t.Fatal(err)
			}
			at := bytes.Index(toc, []byte("COPY public.ir_module_module"))
			changeTOC(t, folder, string(toc[at:at+bytes.IndexByte(toc[at:], '\n')+1]), "COPY "+strings.Repeat(" ", maxCopyText))
		}, "a text of"},
		"a table cut off, beside a stray file": {func(t *testing.T, folder, table string) {
			rows := readFrom(t, filepath.Join(folder, table))
			writeTo(t, filepath.Join(folder, table+".orig"), rows)
			writeTo(t, filepath.Join(folder, table), rows[:3])
		}, "truncated in"},
		"a stray file": {func(t *testing.T, folder, table string) {
			writeTo(t, filepath.Join(folder, table+".orig"), []byte("x"))
		}, ""},
		"the rows under another name": {func(t *testing.T, folder, table string) {
			if err := os.Rename(filepath.Join(folder, table), filepath.Join(folder, table+".orig")); err != nil {
				t.Fatal(err)
			}
		}, "truncated without"},
		"rows twice": {func(t *testing.T, folder, table string) {
			writeTo(t, filepath.Join(folder, table+".gz"), gzipped(t, readFrom(t, filepath.Join(folder, table))))
		}, "of which only one can be the data"},
		"a large object under another name": {func(t *testing.T, folder, _ string) {
			blobs, _ := filepath.Glob(filepath.Join(folder, "blob_*.dat"))
			if len(blobs) == 0 || os.Rename(blobs[0], blobs[0]+".orig") != nil {
				t.Fatal("no large object")
			}
		}, "truncated without"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(c.Dir, strings.ReplaceAll(name, " ", "-"))
			c.Run("pg_dump", "-Fd", "-Z0", "-f", folder, "bakery")
			test.change(t, folder, tableFile(t, folder))
			i, err := Inspect(context.Background(), folder, Options{Digest: true})
			if err != nil {
				t.Fatal(err)
			}
			if test.says == "" && i.Problem != nil || test.says != "" && (i.Problem == nil || !strings.Contains(i.Problem.Error(), test.says)) {
				t.Errorf("inspected as %v, want %q", i.Problem, test.says)
			}
		})
	}
}

// tableFile returns the name of the file with the modules.
func tableFile(t *testing.T, folder string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(folder, "*.dat"))
	for _, file := range files {
		if bytes.Contains(readFrom(t, file), []byte("16.0.1.3")) && filepath.Base(file) != archive.TOC {
			return filepath.Base(file)
		}
	}
	t.Fatal("no file has the modules")
	return ""
}

func changeTOC(t *testing.T, folder, old, with string) {
	t.Helper()
	path := filepath.Join(folder, archive.TOC)
	writeTo(t, path, replaceText(t, readFrom(t, path), old, with))
}

func readFrom(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeTo(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// setVersion makes a folder one of archive version 1.minor.
func setVersion(t *testing.T, folder string, minor byte) {
	t.Helper()
	toc := readFrom(t, filepath.Join(folder, archive.TOC))
	toc[6] = minor
	writeTo(t, filepath.Join(folder, archive.TOC), toc)
}
