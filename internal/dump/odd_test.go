//go:build unix

package dump

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/realtest"
)

// zipWith is a backup with one more file.
func zipWith(sql, name string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for member, content := range map[string]string{"dump.sql": sql, name: "content"} {
		w, _ := z.Create(member)
		_, _ = w.Write([]byte(content))
	}
	_ = z.Close()
	return b.Bytes()
}

// TestFilestoresWhereNobodyLooks has them as programs other than Odoo pack them.
func TestFilestoresWhereNobodyLooks(t *testing.T) {
	for name, good := range map[string]bool{
		"filestore/ab/abcdef": true, "filestore/checklist/ab/abcdef": true, "addons/x/filestore.py": true, "manifest.json": true,
		`filestore\ab\abcdef`: false, "filestore/bakery/ab/abcdef": false, "home/odoo/data/filestore/bakery/ab/abcdef": false, "Filestore/ab/abcdef": false,
		"backup/filestore/ab/abcdef": false, `data\filestore\ab\abcdef`: false, "filestore/abcdef": false,
	} {
		i := inspect(t, "odoo.zip", zipWith(goodSQL, name))
		warned := slices.ContainsFunc(i.Warnings, func(w string) bool { return strings.Contains(w, "A restore does not find the filestore") })
		if i.Problem != nil || warned == good {
			t.Errorf("%s: %v, %q", name, i.Problem, i.Warnings)
		}
		if has := strings.HasPrefix(name, "filestore/ab/") || strings.HasPrefix(name, "filestore/checklist/ab"); i.Filestore != has {
			t.Errorf("%s: filestore %t", name, i.Filestore)
		}
	}
}

// TestTarsOfPeople has tars that were not made by pg_dump.
func TestTarsOfPeople(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	r := realDumps(t)
	dir := t.TempDir()
	folder := filepath.Join(r.Dir, "folder")
	for _, flag := range []string{"-Z6", "-Z0"} {
		_ = os.RemoveAll(folder)
		r.Run("pg_dump", "-Fd", flag, "-f", folder, "bakery")
		for name, files := range map[string]string{"first": "toc.dat $(ls | grep -v toc.dat)", "last": "$(ls | grep -v toc.dat) toc.dat", "with a dot": "./toc.dat $(ls -d ./* | grep -v toc.dat)", "all": "."} {
			made := filepath.Join(dir, "made.tar")
			if text, err := exec.Command("sh", "-c", "cd "+folder+" && tar -cf "+made+" "+files).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			data, _ := os.ReadFile(made)
			refused("is a tar of a dump in directory format", "send the folder with json-rpc").archives(t, flag+", toc.dat "+name, data)
		}
	}
	for name, data := range map[string][]byte{"custom": r.custom, "SQL": r.sql, "gzip": gzipBytes(r.sql)} {
		tarred := slices.Concat(gnuMember("backup-of-monday", '0', data), make([]byte, 1024))
		refused(`is a tar that has "backup-of-monday" inside, which may be a dump`, "extract it, and send that file").archives(t, name, tarred)
	}
}

// TestRelatives has dumps of what is not PostgreSQL itself, and of what comes before a dump.
func TestRelatives(t *testing.T) {
	for banner, product := range map[string]string{
		"YSQL database dump": "YugabyteDB", "Greenplum Database database dump": "Greenplum", "EnterpriseDB database dump": "EnterpriseDB", "openGauss database dump": "openGauss",
	} {
		refused("is a dump of "+product, "pg_dump -Fc").everywhereButInAZip(t, product, []byte(strings.ReplaceAll(goodSQL, "PostgreSQL database dump", banner)))
	}
	globals := "--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE odoo;\n\n--\n-- PostgreSQL database cluster dump complete\n--\n\n"
	refused("has roles of a server, from pg_dumpall, before the dump", "send the dump alone").everywhereButInAZip(t, "roles, and a dump", []byte(globals+goodSQL))
	refused("is a dump of all databases of a server", "only the Odoo database").everywhereButInAZip(t, "all databases", []byte(strings.Replace(globals, "CREATE ROLE odoo;", goodSQL, 1)))
	var bare []string
	for line := range strings.Lines(goodSQL) {
		if !strings.HasPrefix(line, "--") {
			bare = append(bare, line)
		}
	}
	for name, text := range map[string]string{"": strings.Join(bare, ""), "after \\restrict": "\n\\restrict abcdef\n\n" + strings.Join(bare, "")} {
		refused("is SQL without the header and the end that pg_dump writes", "pg_dump -Fc").everywhereButInAZip(t, "without comments "+name, []byte(text))
	}
	refused(`text that begins with "a line that says something"`, "").everywhereButInAZip(t, "a frame", []byte("-----\n-- \n====\na line that says something\n"))
}

func (v verdict) everywhereButInAZip(t *testing.T, name string, sql []byte) {
	t.Helper()
	v.check(t, name, sql)
	v.check(t, name+" in gzip", gzipBytes(sql))
}

// TestParts has the parts of a dump, by the names that programs give them, and what is only named so.
func TestParts(t *testing.T) {
	whole := (&maker{version: 114, compression: "gzip"}).archive(moduleCopy, moduleRows)
	first, second := whole[:len(whole)/2], whole[len(whole)/2:]
	for name, joined := range map[string]string{
		"odoo.dump.aa": "cat odoo.dump.* >odoo.dump", "odoo.dump.001": "cat odoo.dump.* >odoo.dump", "odoo.dump.00000": "cat odoo.dump.* >odoo.dump",
		"odoo.dump.part1": "cat odoo.dump.* >odoo.dump", "odoo.dump-part-aa": "cat odoo.dump-* >odoo.dump", "a b.dump.aa": "cat PARTS >FILE", "odoo.part2": "cat odoo.* >odoo",
		"odoo.dump": "", "odoo.dump.gz": "", "odoo.17": "", "odoo_17": "", "odoo.2024.dump": "", "my.db": "",
	} {
		for n, part := range [][]byte{first, second} {
			i := inspect(t, name, part)
			if i.Problem == nil || strings.Contains(i.Problem.Problem, "a part of a dump") != (joined != "") || joined != "" && !strings.Contains(i.Problem.Do, joined) {
				t.Errorf("%s, part %d: %v; %s", name, n+1, i.Problem, i.Problem.Do)
			}
		}
		if i := inspect(t, name, whole); i.Problem != nil {
			t.Errorf("a whole dump called %s: %v", name, i.Problem)
		}
	}
}

// TestPointers has what stands for a dump in a repository, and a folder around one.
func TestPointers(t *testing.T) {
	for text, v := range map[string]verdict{
		"/annex/objects/SHA256E-s123--abc.dump\n":               refused("is a git-annex pointer", "git annex get"),
		"../.git/annex/objects/x/y":                             refused("is a git-annex pointer", "git annex get"),
		"outs:\n- md5: abc\n  size: 1\n  path: odoo.dump\n":     refused("is a DVC pointer", "dvc pull"),
		"\x00GITCRYPT\x00\x01\x02\x03" + strings.Repeat("x", 9): refused("is encrypted (git-crypt)", "git-crypt unlock"),
	} {
		v.check(t, fmt.Sprintf("%.20q", text), []byte(text))
	}
	folder := filepath.Join(t.TempDir(), "odoo.dump")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for content, says := range map[string]string{goodSQL: `the dump is in it: "odoo.dump"`, "hello": "without toc.dat"} {
		if err := os.WriteFile(filepath.Join(folder, "odoo.dump"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		i, err := Inspect(t.Context(), folder, Options{})
		if err != nil || i.Problem == nil || !strings.Contains(i.Problem.Problem, says) {
			t.Errorf("%v, %v, want %s", err, i.Problem, says)
		}
	}
}

// TestExtensionsLeftOut has a dump of the schema public alone, which leaves out the extensions that
// its indexes use: PostgreSQL cannot restore it.
func TestExtensionsLeftOut(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	if c.SQL("postgres", "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'") != "1\n" {
		realtest.Skip(t, "needs PostgreSQL's extension pg_trgm")
	}
	c.Run("createdb", "bakery")
	c.SQL("bakery", bootstrap+"CREATE EXTENSION pg_trgm; CREATE TABLE names (name text); CREATE INDEX names_trgm ON names USING gin (name gin_trgm_ops);")
	for format, restore := range map[string]string{"-Fc": "pg_restore", "-Fp": "psql", "-Ft": "pg_restore"} {
		for flag, warns := range map[string]bool{"--schema=public": true, "--no-owner": false, "--table=*": false} {
			path := filepath.Join(c.Dir, "made")
			c.Run("pg_dump", format, flag, "-f", path, "bakery")
			i, err := Inspect(t.Context(), path, Options{})
			if err != nil || i.Problem != nil {
				t.Fatal(err, i.Problem)
			}
			warned := slices.ContainsFunc(i.Warnings, func(w string) bool { return strings.Contains(w, "uses pg_trgm and does not create it") })
			if warned != warns {
				t.Errorf("%s %s: %q", format, flag, i.Warnings)
			}
			if warns && format == "-Fc" {
				c.Run("createdb", "restored")
				if err := c.Command(restore, "--exit-on-error", "-d", "restored", path).Run(); err == nil {
					t.Error("this test shows nothing: it restores")
				}
			}
		}
	}
}
