//go:build unix

package dump

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odoo-upgrade-action/internal/realtest"
)

// bootstrap makes the tables that tell something, in a column order that is not
// alphabetical, and things that look like them but are not.
const bootstrap = `
CREATE SCHEMA other;
CREATE TABLE other.ir_module_module (id serial, name varchar, state varchar, latest_version varchar);
INSERT INTO other.ir_module_module (name, state, latest_version) VALUES ('base', 'installed', '99.0.1.3'), ('imposter', 'installed', '99.0');
CREATE TABLE ir_module_module (id serial PRIMARY KEY, latest_version varchar, state varchar(16), author varchar, "order" int, name varchar UNIQUE NOT NULL);
INSERT INTO ir_module_module (name, author, state, latest_version) VALUES
 ('base', 'Odoo S.A.', 'installed', '16.0.1.3'), ('sale', 'Odoo S.A.', 'uninstalled', NULL), ('web', 'Odoo SA', 'to upgrade', '16.0.1.0'),
 ('tricky', E'A\\tB\\\\.C, The\\nBakery', 'installed', '16.0.1');
CREATE TABLE ir_config_parameter (id serial PRIMARY KEY, key varchar UNIQUE NOT NULL, value text NOT NULL);
INSERT INTO ir_config_parameter (key, value) VALUES ('database.uuid', '4b7e6c1e-52a3-4c7e-9d3a-0d6f3f1c9a10'),
 ('database.enterprise_code', 'M123456-abcdef'), ('database.is_neutralized', 'True'), ('odd', E'\\\\.\\nCOPY public.ir_module_module (name) FROM stdin;\\n');
CREATE TABLE a_first (t text, n int);
INSERT INTO a_first VALUES (E'\\\\.', 1), (E'line\\n\\\\.\\nline', NULL), (NULL, 3), (E'tab\\there', 4), (E'COPY public.ir_module_module (name, latest_version) FROM stdin;', 5);
CREATE TABLE empty_one (t text);
`

// many adds what makes a dump larger than every buffer.
const many = `
INSERT INTO ir_module_module (name, author, state, latest_version) SELECT 'module_' || n, 'Odoo S.A.', 'installed', '16.0.1.' || n FROM generate_series(1, 3000) n;
CREATE TABLE z_last (id serial PRIMARY KEY, body text);
INSERT INTO z_last (body) SELECT repeat(md5(n::text), 40) || E'\n\\.\n' FROM generate_series(1, 4000) n;
INSERT INTO z_last (body) SELECT repeat(md5(n::text), 20000) FROM generate_series(1, 3) n;
SELECT lo_from_bytea(0, decode(repeat('00ff', 5000), 'hex'));
`

// dumps makes a dump of each kind of a database with statements, by name.
func dumps(t testing.TB, statements string) map[string]string {
	t.Helper()
	c := realtest.StartCluster(t)
	c.Run("createdb", "bakery")
	c.SQL("bakery", statements)
	dir := t.TempDir()
	files := map[string]string{}
	keep := func(name string, from string) {
		files[name] = filepath.Join(dir, name)
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(files[name], data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, flags := range map[string][]string{
		"custom.dump": {"-Fc"}, "plain0.dump": {"-Fc", "-Z0"}, "tar.tar": {"-Ft"}, "plain.sql": {"-Fp"}, "clean.sql": {"-Fp", "--clean", "--if-exists", "--create"},
	} {
		c.Run("pg_dump", append(flags, "-f", c.Dir+"/"+name, "bakery")...)
		keep(name, c.Dir+"/"+name)
	}
	files["piped.dump"] = filepath.Join(dir, "piped.dump")
	piped := c.Run("pg_dump", "-Fc", "bakery") // to a pipe, so without offsets
	if err := os.WriteFile(files["piped.dump"], []byte(piped), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"custom.dump", "tar.tar", "plain.sql"} {
		data, _ := os.ReadFile(files[name])
		files[name+".gz"] = filepath.Join(dir, name+".gz")
		if err := os.WriteFile(files[name+".gz"], gzipped(t, data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sql, _ := os.ReadFile(files["plain.sql"])
	files["odoo.zip"] = filepath.Join(dir, "odoo.zip")
	if err := os.WriteFile(files["odoo.zip"], odooZip(t, sql), 0o600); err != nil {
		t.Fatal(err)
	}
	return files
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func odooZip(t testing.TB, sql []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string]string{
		"dump.sql": string(sql), "manifest.json": `{"db_name": "bakery", "major_version": "16.0"}`, "filestore/ee/ee6c": "a file",
	} {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// answer is what every kind has to tell alike.
type answer struct {
	PostgreSQL, PgDump, Series, UUID, Problem string
	Odoo, Neutralized                         bool
	Modules                                   []Module
	Custom                                    int
	Contract, Other                           Match
}

func answerOf(i Info) answer {
	a := answer{i.PostgreSQL, i.PgDump, i.Series, i.UUID, "", i.Odoo, i.Neutralized, i.Modules, i.CustomCount(),
		i.ContractMatches("m123456-ABCDEF "), i.ContractMatches("M1-other")}
	if i.Problem != nil {
		a.Problem = i.Problem.Problem
	}
	return a
}

func TestEveryKindGivesTheSameAnswer(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	for name, statements := range map[string]string{"small": bootstrap, "large": bootstrap + many} {
		t.Run(name, func(t *testing.T) { sameAnswers(t, dumps(t, statements), name == "large") })
	}
}

func sameAnswers(t *testing.T, files map[string]string, large bool) {
	kinds := map[string]Kind{
		"custom.dump": Custom, "plain0.dump": Custom, "piped.dump": Custom, "tar.tar": Tar, "plain.sql": SQL, "clean.sql": SQL,
		"custom.dump.gz": Custom, "tar.tar.gz": Tar, "plain.sql.gz": SQL, "odoo.zip": OdooZip,
	}
	modules := 2
	if large {
		modules += 3000
	}
	for name, path := range files {
		for _, o := range []Options{{}, {Digest: true}} {
			i, err := Inspect(t.Context(), path, o)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got := answerOf(i)
			if !strings.HasPrefix(got.PostgreSQL, "15.") || !strings.HasPrefix(got.PgDump, "15.") {
				t.Errorf("%s: PostgreSQL %q, pg_dump %q", name, got.PostgreSQL, got.PgDump)
			}
			if len(got.Modules) != modules || got.Modules[0] != (Module{"base", "16.0.1.3", false}) {
				t.Errorf("%s: %d modules, want %d", name, len(got.Modules), modules)
			}
			if len(i.Unfinished) != 1 || !strings.HasSuffix(i.Unfinished[0], " (to upgrade)") {
				t.Errorf("%s: unfinished %q", name, i.Unfinished)
			}
			want := answer{got.PostgreSQL, got.PgDump, "16.0", "4b7e6c1e-52a3-4c7e-9d3a-0d6f3f1c9a10", "", true, true, got.Modules, 1, SameContract, OtherContract}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %+v: %s", name, o, diff)
			}
			if i.Kind != kinds[name] || (len(i.Warnings) > 0) != (name == "clean.sql") || (i.Wrapper == InGzip) != strings.HasSuffix(name, ".gz") || i.Filestore != (name == "odoo.zip") {
				t.Errorf("%s: %s, wrapped %q, filestore %t, %v", name, i.Kind, i.Wrapper, i.Filestore, i.Warnings)
			}
			if database := i.Database; database != "bakery" && name != "plain.sql" && name != "plain.sql.gz" {
				t.Errorf("%s: database %q", name, database)
			}
			sum, _ := exec.Command("sha256sum", path).Output()
			if o.Digest && !strings.HasPrefix(string(sum), i.SHA256+" ") || o.Digest && i.SHA256 == "" {
				t.Errorf("%s: SHA-256 %q, want %s", name, i.SHA256, sum)
			}
		}
	}
}

// TestEveryPrefixIsNoWholeDump cuts a dump of each kind at each byte.
func TestEveryPrefixIsNoWholeDump(t *testing.T) {
	realtest.Long(t)
	files := dumps(t, strings.ReplaceAll(bootstrap, "CREATE TABLE empty_one (t text);", ""))
	for name, path := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, err := Inspect(t.Context(), path, Options{})
			if err != nil || whole.Problem != nil {
				t.Fatal(err, whole.Problem)
			}
			everyPrefix(t, path, Options{}, Options{Digest: true})
		})
	}
}

func TestRealCluster(t *testing.T) {
	t.Parallel()
	c := realtest.StartCluster(t)
	path := filepath.Join(t.TempDir(), "all.sql")
	if err := os.WriteFile(path, []byte(c.Run("pg_dumpall")), 0o600); err != nil {
		t.Fatal(err)
	}
	i, err := Inspect(t.Context(), path, Options{})
	if err != nil || i.Kind != Cluster || i.Problem == nil || !strings.Contains(i.Problem.Do, "pg_dump -Fc") {
		t.Errorf("%+v, %v", i, err)
	}
}

// TestDirectory inspects what pg_dump -Fd writes, compressed and not.
func TestDirectory(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	c.Run("createdb", "bakery")
	c.SQL("bakery", bootstrap+many)
	plain := c.Dir + "/plain.sql"
	c.Run("pg_dump", "-f", plain, "bakery")
	for name, flags := range map[string][]string{"compressed": nil, "plain": {"-Z0"}, "parallel": {"-j2"}} {
		t.Run(name, func(t *testing.T) {
			folder := c.Dir + "/" + name
			c.Run("pg_dump", append(flags, "-Fd", "-f", folder, "bakery")...)
			i, err := Inspect(t.Context(), folder, Options{Digest: true})
			if err != nil || i.Problem != nil || i.Kind != Directory || i.Series != "16.0" || len(i.Modules) != 3002 || i.UUID == "" || i.ContractMatches("M123456-abcdef") != SameContract {
				t.Fatalf("%+v, %v", i, err)
			}
			if diff := cmp.Diff(walked(t, plain), walked(t, folder), cmp.AllowUnexported(rowSum{})); diff != "" {
				t.Error(diff)
			}
			text, err := exec.Command("sh", "-c", "cd "+folder+" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum; du -sb --apparent-size . >/dev/null; cat * | wc -c").Output()
			if want := fmt.Sprintf("%s  -\n%d\n", i.SHA256, i.Size); err != nil || string(text) != want {
				t.Errorf("%q, want %q (%v)", text, want, err)
			}
			if err := i.Unchanged(); err != nil {
				t.Error(err)
			}
			entries, _ := os.ReadDir(folder)
			for _, entry := range entries {
				moved := filepath.Join(t.TempDir(), "moved")
				path := filepath.Join(folder, entry.Name())
				data, err := os.ReadFile(path)
				if err := errors.Join(err, os.WriteFile(moved, data, 0o600), os.Remove(path)); err != nil {
					t.Fatal(err)
				}
				if err := i.Unchanged(); err == nil {
					t.Errorf("without %s it counts as unchanged", entry.Name())
				}
				cut, err := Inspect(t.Context(), folder, Options{})
				if err != nil || cut.Problem == nil {
					t.Errorf("without %s: %v, %v", entry.Name(), cut.Problem, err)
				}
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
