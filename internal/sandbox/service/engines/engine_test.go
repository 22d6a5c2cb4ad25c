//go:build unix

package engines

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"odoo-upgrade-action/internal/confine"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/sandbox/plain"
	"odoo-upgrade-action/internal/sandbox/program"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// bench is a store with a worker on it.
type bench struct {
	t      *testing.T
	data   string
	store  *requests.Store
	worker *requests.Worker
}

func newBench(t *testing.T, e requests.Engine) *bench {
	t.Helper()
	data := t.TempDir()
	if err := e.Prepare(t.Context(), data, func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	store, err := requests.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, data, store, &requests.Worker{Store: store, Engine: e, Outcome: requests.Done, Log: func(line string) { t.Log(line) }}}
}

// submit creates a request with an upload, a file or a folder, and starts its upgrade.
func (b *bench) submit(ctx context.Context, upload string) int {
	b.t.Helper()
	r, err := b.store.Create(requests.Record{Target: "17.0", Aim: "test", Filename: filepath.Base(upload)})
	if err != nil {
		b.t.Fatal(err)
	}
	if text, err := exec.Command("cp", "-r", upload, b.store.Path(r.ID, requests.OriginalFile)).CombinedOutput(); err != nil {
		b.t.Fatalf("%v: %s", err, text)
	}
	if _, err := b.store.Submit(r.ID, func(*requests.Record) error { return nil }); err != nil {
		b.t.Fatal(err)
	}
	b.worker.Start(ctx, r.ID)
	return r.ID
}

// upgrade upgrades an upload, and returns the request and its log.
func (b *bench) upgrade(upload string) (requests.Record, string) {
	b.t.Helper()
	id := b.submit(b.t.Context(), upload)
	b.worker.Wait()
	r, _ := b.store.Get(id)
	log, err := os.ReadFile(b.store.Path(id, requests.LogFile))
	if err != nil {
		b.t.Fatal(err)
	}
	b.leftNothing(id)
	return r, string(log)
}

// leftNothing checks that nothing is left in a request's folder but what belongs there, and
// no process works in it.
func (b *bench) leftNothing(id int) {
	b.t.Helper()
	r, _ := b.store.Get(id)
	entries, err := os.ReadDir(b.store.Path(id, ""))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case name == requests.OriginalFile, name == requests.LogFile, name == "request.json":
		case r.IsUpgraded() && (name == requests.UpgradedFile || name == requests.FilestoreFile):
		default:
			b.t.Errorf("%s is left of a request that is %s", name, r.State)
		}
	}
	if list := workingIn(b.data); list != nil {
		b.t.Errorf("processes are left: %v", list)
	}
}

// workingIn lists the processes that are marked with a folder.
func workingIn(folder string) (list []string) {
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range entries {
		if text, err := os.ReadFile(path); err == nil && program.IsIn(text, folder) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			list = append(list, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return list
}

// server returns a server for the engines in a cluster, and checks in the end that no
// database and no role of theirs is left.
func server(t *testing.T, c *realtest.Cluster) *Server {
	t.Helper()
	s, err := ParseServer(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := c.SQL("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'odoo_upgrade_%' UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'odoo_upgrade_%'"); left != "" {
			t.Errorf("left: %s", left)
		}
	})
	return s
}

// write writes a file of the test's.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// database creates a database with some of Odoo's tables, and what makes restores hard: an
// owner who is not elsewhere, an extension, a large object, and rows that look like psql's
// commands.
func database(t *testing.T, c *realtest.Cluster) string {
	t.Helper()
	c.SQL("postgres", "CREATE DATABASE source")
	c.Run("psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-d", "source", "-f", shared(t, c, "../../sample/dump.sql"))
	c.SQL("source", `CREATE ROLE stranger; ALTER TABLE res_partner OWNER TO stranger; GRANT SELECT ON ir_module_module TO stranger;
		CREATE EXTENSION pg_trgm; COMMENT ON SCHEMA public IS 'everything';
		CREATE TABLE odd (a text); INSERT INTO odd VALUES (E'\\restrict x'), ('\! false'), (E'\\.'), (E'tab\there'), (NULL), ('Größe');
		CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT '\restrict x' $$`)
	c.SQL("source", "SELECT lo_from_bytea(4711, 'hello')")
	return "source"
}

// shared copies a file to where the cluster's user can read it.
func shared(t *testing.T, c *realtest.Cluster, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(c.Dir, filepath.Base(path))
	if err := os.WriteFile(to, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return to
}

// toSeventeen is what an upgrade to 17.0 amounts to here.
const toSeventeen = `UPDATE ir_module_module SET latest_version = :'target' || substr(latest_version, 5) WHERE latest_version IS NOT NULL;
UPDATE res_partner SET name = name || ' (upgraded from ' || :'source' || ')';
\echo request :request with the aim :aim
`

func TestPostgresUpgradesEveryKind(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	source := database(t, c)
	b := newBench(t, NewPostgres(server(t, c), []string{filepath.Dir(write(t, "10-seventeen.sql", toSeventeen))}))
	rows := strings.ReplaceAll(c.SQL(source, "SELECT name FROM res_partner ORDER BY id"), "\n", " (upgraded from 16.0)\n")
	for kind, script := range map[string]string{
		"custom": "pg_dump -Fc", "custom.gz": "pg_dump -Fc | gzip", "custom-none": "pg_dump -Fc -Z0", "tar": "pg_dump -Ft", "sql": "pg_dump",
		"sql.gz": "pg_dump | gzip", "directory": "pg_dump -Fd -f",
	} {
		t.Run(kind, func(t *testing.T) {
			upload := filepath.Join(c.Dir, kind)
			if kind != "directory" {
				script += " >"
			}
			shell := c.Command("pg_dump")
			shell.Path, shell.Args = "/bin/sh", []string{"sh", "-c", script + upload}
			shell.Env = append(shell.Env, "PGDATABASE="+source, "PATH="+filepath.Dir(c.Command("pg_dump").Path)+":"+os.Getenv("PATH"))
			if text, err := shell.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			before, err := dump.Inspect(t.Context(), upload, dump.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r, log := b.upgrade(upload)
			if r.State != requests.Done || r.Version != "16.0" || !strings.Contains(log, "request "+fmt.Sprint(r.ID)+" with the aim test") {
				t.Fatalf("%+v\n%s", r, log)
			}
			after, err := dump.Inspect(t.Context(), b.store.Path(r.ID, requests.UpgradedFile), dump.Options{})
			if err != nil || after.Problem != nil || after.Form != before.Form || after.Series != "17.0" || len(after.Modules) != len(before.Modules) {
				t.Errorf("%v %v: %s, Odoo %s", err, after.Problem, after.Form, after.Series)
			}
			// What came back is restored by PostgreSQL's own programs.
			name := "restored_" + strings.NewReplacer("-", "_", ".", "_").Replace(kind)
			c.SQL("postgres", "CREATE DATABASE "+name)
			back := filepath.Join(c.Dir, "back-"+kind)
			if text, err := exec.Command("sh", "-c", `cp -r "$1" "$2" && chmod -R a+rX "$2"`, "sh", b.store.Path(r.ID, requests.UpgradedFile), back).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			c.Restore(name, back, after.Form.String())
			for _, table := range []string{"odd", "ir_config_parameter"} {
				query := "SELECT * FROM " + table + " ORDER BY 1"
				if got, want := c.SQL(name, query), c.SQL(source, query); got != want {
					t.Errorf("%s: %q, want %q", table, got, want)
				}
			}
			if got := c.SQL(name, "SELECT name FROM res_partner ORDER BY id"); got != rows {
				t.Errorf("partners: %q, want %q", got, rows)
			}
			if got := c.SQL(name, "SELECT convert_from(lo_get(4711), 'UTF8') || f()"); got != "hello\\restrict x\n" {
				t.Errorf("large object and function: %q", got)
			}
		})
	}
}

func TestPostgresSaysWhyItFails(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	plain := newBench(t, NewPostgres(server(t, c), nil))
	pwned := filepath.Join(c.Dir, "pwned")
	for name, test := range map[string]struct{ statements, sql, want string }{
		"a command of psql's in the dump": {"\\! touch " + pwned + "\n", "", "only \\unrestrict is allowed"},
		"a program on the server":         {"COPY (SELECT 1) TO PROGRAM 'touch " + pwned + "';", "", "must be superuser or have privileges of the pg_execute_server_program role"},
		"a file on the server":            {"COPY (SELECT 1) TO '" + pwned + "';", "", "must be superuser or have privileges of the pg_write_server_files role"},
		"another database":                {"\\connect postgres\n", "", "only \\unrestrict is allowed"},
		"the server's settings":           {"ALTER SYSTEM SET work_mem = '1GB';", "", "permission denied to set parameter"},
		"a statement that fails":          {"CREATE TABLE t (a int);\nINSERT INTO t VALUES ('x');", "", "line 9: ERROR:  invalid input syntax for type integer: \"x\"\nLINE 1: INSERT INTO t VALUES ('x');"},
		"a row that does not fit":         {"CREATE TABLE t (a int);\nCOPY public.t (a) FROM stdin;\nx\n\\.\n", "", `invalid input syntax for type integer: "x"`},
		"an extension that is missing":    {"CREATE EXTENSION IF NOT EXISTS nonesuch WITH SCHEMA public;", "", `extension "nonesuch" is not available`},
		"a statement of the end":          {"CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t DEFERRABLE INITIALLY DEFERRED);\nBEGIN;\nINSERT INTO t VALUES (1, 2);\nSET CONSTRAINTS ALL IMMEDIATE;\nCOMMIT;", "", "violates foreign key constraint"},
		"an error like a harmless one":    {"CREATE TABLE t (a int CHECK (a > 1), b text);\nINSERT INTO t VALUES (1, E'padding padding padding padding padding\\nSTATEMENT:  SET x = 1');", "", "violates check constraint"},
		"an error with a notice's code":   {"CREATE TABLE t (a int);\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '01000'; END $$;\nCREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();\nCOPY public.t (a) FROM stdin;\n1\n\\.\n", "", "ERROR:  no"},
		"an owner beside a default":       {"CREATE TABLE t (a int);\nALTER TABLE public.t ALTER COLUMN a SET DEFAULT 1/0, OWNER TO nonesuch;", "", `role "nonesuch" does not exist`},
		"bytes that are zero":             {"CREATE TABLE t (a int, b int);\nCOPY public.t (a, b) FROM stdin;\n1\t2\n1\t\x002\n\\.\n", "", "zero bytes in its SQL"},
		"another database's name":         {"ALTER DATABASE postgres RENAME TO other;", "", "must be owner of database postgres"},
		"a transaction without an end":    {"CREATE TABLE a (a int);\nBEGIN;\nCREATE TABLE b (a int);", "", "it begins a transaction that it does not commit"},
		"another role":                    {"SET ROLE postgres;", "", "permission denied to set role"},
		"the operator's SQL":              {"CREATE TABLE t (a int);", "SELECT 1/0;", "0.sql failed: psql:"},
	} {
		t.Run(name, func(t *testing.T) {
			upload := write(t, "db.sql", strings.Replace(realtest.Dump(""), "SELECT 1;", test.statements, 1))
			b := plain
			if test.sql != "" {
				b = newBench(t, NewPostgres(server(t, c), []string{write(t, "0.sql", test.sql)}))
			}
			r, log := b.upgrade(upload)
			if r.State != requests.Failed || !strings.Contains(r.Message, test.want) || !strings.Contains(log, r.Message) {
				t.Errorf("%s: %q, want %q\n%s", r.State, r.Message, test.want, log)
			}
			if _, err := os.Stat(pwned); err == nil {
				t.Error("a program was run")
			}
		})
	}
}

// TestPreparedTransactions has dumps that prepare transactions, which outlive them, and take
// away what is needed to end those. server checks that nothing is left.
func TestPreparedTransactions(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t, "max_prepared_transactions=10")
	for name, statements := range map[string]string{
		"one":                "PREPARE TRANSACTION 'x';",
		"with odd names":     "PREPARE TRANSACTION 'it''s \\ :x \n';\nBEGIN;\nCREATE TABLE b (a int);\nPREPARE TRANSACTION 'x';",
		"no connections":     "PREPARE TRANSACTION 'x';\nDO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' CONNECTION LIMIT 0'; EXECUTE 'REVOKE ALL ON DATABASE ' || current_database() || ' FROM ' || current_user; END $$;",
		"the database's row": "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' CONNECTION LIMIT 5'; END $$;\nPREPARE TRANSACTION 'x';",
		"a template":         "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' IS_TEMPLATE true'; END $$;\nCOMMIT;\nBEGIN;\nDO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' CONNECTION LIMIT 5'; END $$;\nPREPARE TRANSACTION 'x';",
		"settings":           "PREPARE TRANSACTION 'x';\nDO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET statement_timeout = 1'; EXECUTE 'ALTER DATABASE ' || current_database() || ' SET role = none'; END $$;",
	} {
		t.Run(name, func(t *testing.T) {
			upload := write(t, "db.sql", strings.Replace(realtest.Dump(""), "SELECT 1;", "BEGIN;\nCREATE TABLE a (a int);\n"+statements, 1))
			r, log := newBench(t, NewPostgres(server(t, c), nil)).upgrade(upload)
			if left := c.SQL("postgres", "SELECT gid FROM pg_prepared_xacts"); left != "" {
				t.Errorf("%s: left: %q\n%s", r.State, left, log)
			}
		})
	}
}

// TestPreparedByAnotherRole drops what a killed sandbox left, as a user that is not a
// superuser.
func TestPreparedByAnotherRole(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t, "max_prepared_transactions=10")
	c.SQL("postgres", "CREATE ROLE upgrader LOGIN CREATEDB CREATEROLE PASSWORD 'secret'")
	data := t.TempDir()
	s := server(t, c)
	s.address.User = url.UserPassword("upgrader", "secret")
	if err := s.prepare(t.Context(), data, func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	d, err := s.create(t.Context(), "7", data)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.psql(t.Context(), d.address, data, strings.NewReader("BEGIN; CREATE TABLE a (a int); PREPARE TRANSACTION 'x';"), io.Discard, "-f", "-"); err != nil {
		t.Fatal(err)
	}
	if err := s.prepare(t.Context(), data, func(line string) { t.Error(line) }); err != nil {
		t.Error(err)
	}
}

// TestUncheckedDump has a dump that the check does not know, and pg_restore perhaps does.
func TestUncheckedDump(t *testing.T) {
	info := dump.Info{Facts: dump.Facts{Form: dump.Form{Kind: dump.Custom}}, Verdict: dump.Verdict{Opaque: true, Warnings: []string{"Its archive version, 1.11, is not known."}}}
	err := (&scratch{}).restore(t.Context(), requests.Work{Dump: info, Log: io.Discard})
	if failed, ok := errors.AsType[*requests.FailedError](err); !ok || !strings.Contains(failed.Message, "could not be checked. Its archive version, 1.11") {
		t.Error(err)
	}
}

// TestConfined has pg_restore read a folder whose list of large objects names a file that
// is not in it, as if the check had let it pass.
func TestConfined(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	realtest.Need(t, "pg_restore")
	if !confine.Available() {
		realtest.Skip(t, "the kernel has no Landlock")
	}
	c := realtest.StartCluster(t)
	secret := write(t, "secret", "TOP SECRET")
	folder := filepath.Join(c.Dir, "folder")
	c.Run("pg_dump", "-Fd", "-f", folder, database(t, c))
	if err := os.WriteFile(folder+"/blobs.toc", []byte("4711 ../../../../../../../.."+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := plain.Open(t.Context(), plain.Source{Path: folder, Form: dump.Form{Kind: dump.Directory}, Folder: t.TempDir(), Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(in)
	if err := in.Close(); err == nil || strings.Contains(string(text), fmt.Sprintf("%x", "TOP SECRET")) {
		t.Errorf("it was read (%v)", err)
	}
	otherwise := exec.Command("pg_restore", "--file=-", folder) // without being confined
	var said strings.Builder
	otherwise.Stderr = &said
	free, err := otherwise.Output()
	switch {
	case strings.Contains(said.String(), "invalid file name in archive"): // versions of 2026 refuse it themselves
		t.Log("this pg_restore needs no confinement here: " + said.String())
	case err != nil || !strings.Contains(string(free), fmt.Sprintf("%x", "TOP SECRET")):
		t.Errorf("this test shows nothing: %v, %s", err, said.String())
	}
}

// TestPostgresRestoresWhatIsOdd has dumps that restore, though something about them is odd.
func TestPostgresRestoresWhatIsOdd(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	b := newBench(t, NewPostgres(server(t, c), nil))
	for name, statements := range map[string]string{
		"a byte order mark":                 "\xef\xbb\xbf",
		"a grant in a transaction":          "BEGIN;\nCREATE TABLE public.more (a int);\nGRANT SELECT ON TABLE public.more TO nonesuch;\nCOMMIT;",
		"owners that are not here":          "CREATE TABLE public.more (a int);\n\nALTER TABLE public.more OWNER TO nonesuch;\n",
		"settings of other servers":         "SET transaction_timeout = 0;\nSET default_with_oids = false;\nSET default_tablespace = fast;",
		"a schema that is dropped before":   "DROP SCHEMA IF EXISTS other;\nCREATE SCHEMA public;\nCREATE TABLE public.more (a int);",
		"comments on what is the system's":  "COMMENT ON EXTENSION plpgsql IS 'x';\nCREATE SCHEMA public;\nCOMMENT ON SCHEMA public IS 'x';",
		"a database that cannot be dropped": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I IS_TEMPLATE true', current_database()); END $$;",
		"a role of its own settings":        "DO $$ BEGIN EXECUTE format('ALTER ROLE %I SET role TO nonesuch', current_user); EXCEPTION WHEN others THEN NULL; END $$;",
		"many rows of no use":               "SELECT repeat('x', 100000) FROM generate_series(1, 300);",
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(realtest.Dump(""), "SELECT 1;", "CREATE TABLE public.kept (a int);\nCOPY public.kept (a) FROM stdin;\n1\n2\n\\.\n\n"+statements, 1)
			if strings.HasPrefix(statements, "\xef") {
				text = statements + realtest.Dump("") + ""
				text = strings.Replace(text, "SELECT 1;", "CREATE TABLE public.kept (a int);\nCOPY public.kept (a) FROM stdin;\n1\n2\n\\.\n", 1)
			}
			r, log := b.upgrade(write(t, "db.sql", text))
			upgraded, _ := os.ReadFile(b.store.Path(r.ID, requests.UpgradedFile))
			if r.State != requests.Done || !strings.Contains(string(upgraded), "COPY public.kept (a) FROM stdin;\n1\n2\n") || strings.Contains(statements, "public.more") != strings.Contains(string(upgraded), "CREATE TABLE public.more") {
				t.Errorf("%s: %s\n%s\n%s", r.State, r.Message, log, upgraded)
			}
		})
	}
}

// TestPostgresUsers has users of the server that may create roles and databases, or not.
func TestPostgresUsers(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	source := database(t, c)
	c.SQL("postgres", "CREATE ROLE creator LOGIN CREATEDB; CREATE ROLE reader LOGIN; CREATE ROLE maker LOGIN CREATEDB CREATEROLE")
	upload := filepath.Join(c.Dir, "dump")
	c.Run("pg_dump", "-Fc", "-f", upload, source)
	for user, good := range map[string]bool{"creator": false, "reader": false, "maker": true} {
		t.Run(user, func(t *testing.T) {
			server(t, c)
			s, err := ParseServer("postgres://" + user + "@/postgres?host=" + c.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if !good {
				want := "may not create databases and roles: run ALTER ROLE \"" + user + "\" CREATEDB CREATEROLE"
				if err := NewPostgres(s, nil).Prepare(t.Context(), t.TempDir(), func(string) {}); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
				return
			}
			if r, log := newBench(t, NewPostgres(s, nil)).upgrade(upload); r.State != requests.Done {
				t.Errorf("%+v\n%s", r, log)
			}
		})
	}
}

func TestParseServer(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://a@h": "", "postgresql://a:b@h:1/d?sslmode=require": "", "postgres://a@/d?host=/tmp/x": "",
		"mysql://a@h": "has to be the URL of a PostgreSQL server, with a user", "postgres://h/d": "has to be the URL of a PostgreSQL server, with a user", "a@h": "has to be the URL of a PostgreSQL server, with a user", "postgres://a@h:x": "has to be the URL of a PostgreSQL server, with a user",
		// libpq takes these in place of what is before the ?.
		"postgres://a@h?user=postgres": `the setting "user"`, "postgres://a@h?dbname=postgres": `the setting "dbname"`, "postgres://a@h?service=x": `the setting "service"`,
		"postgres://a@h?options=-c%20x": `the setting "options"`, "postgres://a@h?password=x": `the setting "password"`, "postgres://a@h?passfile=x": `the setting "passfile"`,
	} {
		if _, err := ParseServer(address); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

// TestDamagedPrefix: what begins with the prefix is dropped, so an empty one must not count.
func TestDamagedPrefix(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	c.SQL("postgres", "CREATE DATABASE precious")
	for _, text := range []string{"", "p", "odoo_upgrade_", "odoo_upgrade_00000000_\n'"} {
		data := t.TempDir()
		if err := os.MkdirAll(filepath.Join(data, "engine"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, "engine", prefixFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := NewPostgres(server(t, c), nil).Prepare(t.Context(), data, func(string) {}); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got := c.SQL("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'precious'"); got != "1\n" {
		t.Error("another user's database was dropped")
	}
}

// TestDirectoryOfAStranger has folders that make pg_restore read other files.
func TestDirectoryOfAStranger(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	source := database(t, c)
	secret := write(t, "secret", "TOP SECRET")
	good := filepath.Join(c.Dir, "good")
	c.Run("pg_dump", "-Fd", "-f", good, source)
	toc, err := os.ReadFile(good + "/toc.dat")
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`[0-9]+\.dat`).Find(toc)
	for name, change := range map[string]func(dir string) error{
		"a tab in the list": func(dir string) error {
			return os.WriteFile(dir+"/blobs.toc", []byte("4711\t../../../../../../../../"+secret+" blob_4711.dat\n"), 0o600)
		},
		"a path in the list": func(dir string) error {
			return os.WriteFile(dir+"/blobs.toc", []byte("4711 ../../../../../../../.."+secret+"\n"), 0o600)
		},
		"a list that is compressed": func(dir string) error {
			return errors.Join(os.Remove(dir+"/blobs.toc"), os.WriteFile(dir+"/blobs.toc.gz", []byte("\x1f\x8b"), 0o600))
		},
		"a path in toc.dat": func(dir string) error {
			path := "../" + strings.Repeat("x", len(table)-len("../"))
			return os.WriteFile(dir+"/toc.dat", bytes.Replace(toc, table, []byte(path), 1), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dir")
			if text, err := exec.Command("cp", "-r", good, dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if err := change(dir); err != nil {
				t.Fatal(err)
			}
			r, log := newBench(t, NewPostgres(server(t, c), nil)).upgrade(dir)
			if r.State != requests.Failed || !strings.Contains(r.Message, "The dump is corrupt") {
				t.Errorf("%s: %s\n%s", r.State, r.Message, log)
			}
		})
	}
}

// TestPostgresInParallel upgrades six databases at the same time, of which two fail.
func TestPostgresInParallel(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	b := newBench(t, NewPostgres(server(t, c), []string{write(t, "0.sql", "INSERT INTO public.t SELECT 10 * a FROM public.t; SELECT pg_sleep(0.5);")}))
	ids := map[int]int{} // numbers of the uploads, by the requests
	for n := range 6 {
		statements := fmt.Sprintf("CREATE TABLE public.t (a int);\nCOPY public.t (a) FROM stdin;\n%d\n\\.\n", n)
		if n%3 == 2 {
			statements += "SELECT 1/0;"
		}
		ids[b.submit(t.Context(), write(t, "db.sql", strings.Replace(realtest.Dump(""), "SELECT 1;", statements, 1)))] = n
	}
	b.worker.Wait()
	for id, n := range ids {
		r, _ := b.store.Get(id)
		upgraded, _ := os.ReadFile(b.store.Path(id, requests.UpgradedFile))
		want, rows := requests.Done, fmt.Sprintf("COPY public.t (a) FROM stdin;\n%d\n%d\n\\.\n", n, 10*n)
		if n%3 == 2 {
			want, rows = requests.Failed, ""
		}
		if r.State != want || !strings.Contains(string(upgraded), rows) {
			t.Errorf("upload %d: %s %s\n%s", n, r.State, r.Message, upgraded)
		}
		b.leftNothing(id)
	}
}

// TestCanceled stops engines in the middle of their work.
func TestCanceled(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	s := server(t, c)
	for name, e := range map[string]requests.Engine{
		"postgres": NewPostgres(s, []string{write(t, "sleep.sql", "\\echo here\nSELECT pg_sleep(1000);")}),
		"command":  NewCommand([]string{"sh", "-c", "trap '' TERM; echo half >\"$UPGRADE_RESULT\"; setsid sleep 1000 & echo here; sleep 1000; sleep 1000"}, s, false),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, e)
			ctx, cancel := context.WithCancel(t.Context())
			id := b.submit(ctx, write(t, "db.sql", realtest.Dump("")))
			b.untilLogged(id, "here")
			cancel()
			b.worker.Wait() // not for a thousand seconds
			if r, _ := b.store.Get(id); r.State != requests.Progress {
				t.Errorf("it is %s: the next sandbox has to continue it", r.State)
			}
			b.leftNothing(id)
		})
	}
}

// TestCanceledAtAnyMoment stops an engine after more and more time: while its database is
// created, filled, dumped and dropped.
func TestCanceledAtAnyMoment(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	b := newBench(t, NewPostgres(server(t, c), nil))
	step := 200 * time.Millisecond
	if realtest.Whole() {
		step = 50 * time.Millisecond
	}
	for after := time.Duration(0); after < 1500*time.Millisecond; after += step {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		id := b.submit(ctx, write(t, "db.sql", realtest.Dump("")))
		b.worker.Wait()
		cancel()
		b.leftNothing(id)
		if left := c.SQL("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'odoo_upgrade_%' UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'odoo_upgrade_%'"); left != "" {
			t.Errorf("stopped after %s, it left %s", after, left)
		}
	}
}

// untilLogged waits until a request's log has a text, which the test's timeout limits.
func (b *bench) untilLogged(id int, text string) {
	b.t.Helper()
	for {
		if log, _ := os.ReadFile(b.store.Path(id, requests.LogFile)); strings.Contains(string(log), text) {
			return
		}
		if r, _ := b.store.Get(id); r.HasEnded() {
			b.t.Fatalf("it ended as %s: %s", r.State, r.Message)
		}
		time.Sleep(10 * time.Millisecond) // what another process does can only be polled
	}
}

// TestLeftByAKilledSandbox has databases and processes of one that could not clean up.
func TestLeftByAKilledSandbox(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	s := server(t, c)
	e := NewPostgres(s, nil)
	data := t.TempDir()
	if err := e.Prepare(t.Context(), data, func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.create(t.Context(), "10001", data); err != nil {
		t.Fatal(err)
	}
	left := exec.Command("sleep", "1000")
	left.Env = append(os.Environ(), program.FolderVariable+"="+filepath.Join(data, "requests/10001/work"))
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	other, _ := ParseServer(c.URL())
	if err := NewPostgres(other, nil).Prepare(t.Context(), data, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if err := left.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the process that was left: %v", err)
	}
}

func TestCommand(t *testing.T) {
	t.Setenv("ODOO_UPGRADE_DATABASE_URL", "postgres://secret")
	upload := write(t, "db.sql", realtest.Dump("the dump"))
	escaped := filepath.Join(t.TempDir(), "pid")
	for name, test := range map[string]struct{ script, state, message, log string }{
		"done":             {`sed s/the/another/ "$UPGRADE_ORIGINAL" >"$UPGRADE_RESULT"; echo "to $UPGRADE_TARGET, $UPGRADE_AIM, $UPGRADE_KIND"`, "done", "was upgraded", "to 17.0, test, sql\n"},
		"failed":           {`for n in 1 2 3 4 5 6 7; do echo "line $n"; done; exit 3`, "failed", "line 3\nline 4\nline 5\nline 6\nline 7", "line 1\n"},
		"silent":           {`exit 4`, "failed", "The command ended with status 4 and said nothing.", ""},
		"no result":        {`true`, "failed", "wrote no database to UPGRADE_RESULT", ""},
		"an empty result":  {`: >"$UPGRADE_RESULT"`, "failed", "wrote no database to UPGRADE_RESULT", ""},
		"a link":           {`ln -s /etc/passwd "$UPGRADE_RESULT"`, "failed", "wrote no database to UPGRADE_RESULT", ""},
		"killed":           {`kill -9 $$`, "failed", "signal: killed", ""},
		"files":            {`echo x >here; mktemp; cp "$UPGRADE_ORIGINAL" "$UPGRADE_RESULT"`, "done", "was upgraded", ""},
		"background":       {`sleep 1000 & setsid sleep 1000 & cp "$UPGRADE_ORIGINAL" "$UPGRADE_RESULT"; echo fine`, "done", "was upgraded", "fine\n"},
		"our own settings": {`env | grep -c ODOO_UPGRADE_; exit 1`, "failed", "0", ""},
		"a folder":         {`mkdir "$UPGRADE_RESULT"; echo x >"$UPGRADE_RESULT/toc.dat"`, "failed", "wrote a folder to UPGRADE_RESULT, but the dump was a file", ""},
		"an escape":        {`setsid env -i sh -c 'echo $$ >` + escaped + `; exec sleep 1000' & until [ -s ` + escaped + ` ]; do sleep 0.01; done; cp "$UPGRADE_ORIGINAL" "$UPGRADE_RESULT"`, "done", "was upgraded", ""},
		"not UTF-8":        {`printf 'a\377b\n'; exit 1`, "failed", "a\uFFFDb", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, NewCommand([]string{"sh", "-c", test.script}, nil, false))
			r, log := b.upgrade(upload)
			if name == "an escape" { // it still runs: it was not waited for
				text, _ := os.ReadFile(escaped)
				pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
				if err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
					t.Errorf("%q, %v", text, err)
				}
			}
			if r.State != test.state || !strings.Contains(r.Message, test.message) || !strings.Contains(log, test.log) {
				t.Errorf("%s: %q\n%s", r.State, r.Message, log)
			}
			if name == "done" {
				if text, _ := os.ReadFile(b.store.Path(r.ID, requests.UpgradedFile)); string(text) != realtest.Dump("another dump") {
					t.Errorf("%q", text)
				}
			}
		})
	}
	if err := NewCommand([]string{"no-such-program"}, nil, false).Prepare(t.Context(), t.TempDir(), func(string) {}); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("a program that is not there: %v", err)
	}
}

// TestCommandWithADatabase restores, changes and dumps by the variables that it gets.
func TestCommandWithADatabase(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	script := `test -n "$UPGRADE_DATABASE"; psql -qX -f "$UPGRADE_ORIGINAL" >/dev/null; psql -qXc "CREATE TABLE added (a int)"; pg_dump -f "$UPGRADE_RESULT"`
	b := newBench(t, NewCommand([]string{"sh", "-ec", script}, server(t, c), false))
	r, log := b.upgrade(write(t, "db.sql", realtest.Dump("")))
	text, _ := os.ReadFile(b.store.Path(r.ID, requests.UpgradedFile))
	if r.State != requests.Done || !strings.Contains(string(text), "CREATE TABLE public.added") {
		t.Errorf("%+v\n%s", r, log)
	}
}

// TestCommandOnARestoredDump changes a database that it finds there, and leaves the rest to
// the engine.
func TestCommandOnARestoredDump(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	upload := filepath.Join(c.Dir, "dump")
	c.Run("pg_dump", "-Fc", "-f", upload, database(t, c))
	for script, want := range map[string]string{
		`psql -qXc "UPDATE ir_module_module SET latest_version = '17.0' || substr(latest_version, 5)"`: "17.0",
		`cp "$UPGRADE_ORIGINAL" "$UPGRADE_RESULT"`:                                                     "16.0",
	} {
		b := newBench(t, NewCommand([]string{"sh", "-ec", script}, server(t, c), true))
		r, log := b.upgrade(upload)
		info, err := dump.Inspect(t.Context(), b.store.Path(r.ID, requests.UpgradedFile), dump.Options{})
		if err != nil || info.Problem != nil || info.Kind != dump.Custom || info.Series != want {
			t.Errorf("%s: %v %v, %s, Odoo %s\n%+v\n%s", script, err, info.Problem, info.Kind, info.Series, r, log)
		}
	}
}

// TestOddBackups has zips with a manifest that is too large, and with two dumps.
func TestOddBackups(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	sql := realtest.Dump("")
	large := `{"x": "` + strings.Repeat("y", 2*maxManifest) + `"}`
	for name, test := range map[string]struct {
		members []string // name, content, …
		state   string
	}{
		"two dumps":        {[]string{plain.Member, sql, plain.Member, sql}, requests.Failed},
		"two manifests":    {[]string{plain.Member, sql, plain.Manifest, "{}", plain.Manifest, "{}"}, requests.Failed},
		"a large manifest": {[]string{plain.Member, sql, plain.Manifest, large}, requests.Done},
		"no JSON":          {[]string{plain.Member, sql, plain.Manifest, "no"}, requests.Done},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			z := zip.NewWriter(&out)
			for i := 0; i < len(test.members); i += 2 {
				w, err := z.Create(test.members[i])
				if err == nil {
					_, err = w.Write([]byte(test.members[i+1]))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			b := newBench(t, NewPostgres(server(t, c), nil))
			r, log := b.upgrade(write(t, "db.zip", out.String()))
			if r.State != test.state {
				t.Fatalf("%s: %s\n%s", r.State, r.Message, log)
			}
			if r.State == requests.Failed {
				return
			}
			back, err := zip.OpenReader(b.store.Path(r.ID, requests.UpgradedFile))
			if err != nil {
				t.Fatal(err)
			}
			defer back.Close()
			file, err := back.Open(plain.Manifest)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if _, err := got.ReadFrom(file); err != nil || got.String() != test.members[3] {
				t.Errorf("%d bytes of the manifest, %v", got.Len(), err)
			}
		})
	}
}

// TestUnaccent upgrades a database with an index as Odoo makes it, which no dump alone restores: by
// a superuser, and by a user who may only create databases and roles.
func TestUnaccent(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	c := realtest.StartCluster(t)
	if c.SQL("postgres", "SELECT count(*) FROM pg_available_extensions WHERE name = 'unaccent'") != "1\n" {
		realtest.Skip(t, "needs PostgreSQL's extension unaccent")
	}
	source := database(t, c)
	c.SQL(source, "CREATE EXTENSION unaccent; ALTER FUNCTION unaccent(text) IMMUTABLE; CREATE INDEX partner_name ON res_partner (unaccent(name));")
	c.SQL("postgres", "CREATE ROLE chief LOGIN SUPERUSER; CREATE ROLE maker LOGIN CREATEDB CREATEROLE")
	upload := filepath.Join(c.Dir, "dump")
	c.Run("pg_dump", "-Fc", "-f", upload, source)
	for user, want := range map[string]string{"chief": requests.Done, "maker": requests.Failed} {
		s, err := ParseServer("postgres://" + user + "@/postgres?host=" + c.Dir)
		if err != nil {
			t.Fatal(err)
		}
		r, log := newBench(t, NewPostgres(s, nil)).upgrade(upload)
		if r.State != want || want == requests.Failed && !strings.Contains(r.Message, "if the user in --database-url is a superuser") {
			t.Errorf("%s: %s, %s\n%s", user, r.State, r.Message, log)
		}
	}
}
