//go:build unix

// Package realtest helps tests to run against real programs: it starts them, and skips
// a test where they are missing.
package realtest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Need skips a test where a program is missing; in CI that is a failure.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			Skip(t, "needs "+program)
		}
	}
}

// Long skips a test with go test -short.
func Long(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long")
	}
}

// Whole reports whether a sweep is to be made at each point, as .ci/run does it, and not only at
// some: ODOO_UPGRADE_TEST_WHOLE is set.
func Whole() bool { return os.Getenv("ODOO_UPGRADE_TEST_WHOLE") != "" }

// Skip skips a test; in CI that is a failure.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("skipped in CI: " + why)
	}
	t.Skip(why)
}

// Rsyncs returns the real rsyncs to test with: those in ODOO_UPGRADE_TEST_RSYNC, absolute
// paths separated by spaces, else the one that is installed.
func Rsyncs(t testing.TB) []string {
	t.Helper()
	if list := strings.Fields(os.Getenv("ODOO_UPGRADE_TEST_RSYNC")); len(list) > 0 {
		return list
	}
	Need(t, "rsync")
	path, err := exec.LookPath("rsync")
	if err != nil {
		t.Fatal(err)
	}
	return []string{path}
}

// Main runs a package's tests, which wait for programs most of the time: so more of them run at
// once than there are processors, unless -parallel says otherwise. TestMain calls it.
func Main(m interface{ Run() int }) Runner {
	_ = flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0)))
	return Runner{m}
}

// Runner runs tests, and removes in the end what they shared.
type Runner struct{ m interface{ Run() int } }

// Run runs the tests and returns their exit status.
func (r Runner) Run() int {
	defer func() { _ = os.RemoveAll(emptyCluster.dir) }()
	return r.m.Run()
}

// emptyCluster is what initdb makes, for all clusters of the package's tests: a copy of it takes
// a quarter of the time.
var emptyCluster struct {
	sync.Once
	dir string
	err error
}

// Cluster is a PostgreSQL of a test's own.
type Cluster struct {
	t    testing.TB
	bin  string
	Dir  string // its own folder, which its user can read
	user *syscall.Credential
}

// StartCluster starts a cluster with settings, like work_mem=1MB, that ends with the test, or
// skips the test where PostgreSQL is missing.
func StartCluster(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			c.bin = found[len(found)-1]
		}
	}
	if c.bin == "" {
		Skip(t, "needs PostgreSQL's server programs")
	}
	if os.Geteuid() == 0 { // PostgreSQL does not run as root
		postgres, err := user.Lookup("postgres")
		if err != nil {
			Skip(t, "needs the user postgres: "+err.Error())
		}
		uid, _ := strconv.Atoi(postgres.Uid)
		gid, _ := strconv.Atoi(postgres.Gid)
		c.user = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	var err error
	if c.Dir, err = os.MkdirTemp("", "pg-"); err != nil { // short: a socket's path has 107 bytes
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(c.Dir) })
	if c.user != nil {
		if err := os.Chown(c.Dir, int(c.user.Uid), int(c.user.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	c.initialize()
	options := "-k " + c.Dir + " -h '' -F"
	for _, setting := range settings {
		options += " -c " + setting
	}
	c.Run("pg_ctl", "-D", c.Dir+"/data", "-w", "-l", c.Dir+"/log", "-o", options, "start")
	t.Cleanup(func() { c.Run("pg_ctl", "-D", c.Dir+"/data", "-m", "immediate", "stop") })
	return c
}

// initialize makes the cluster's data folder.
func (c *Cluster) initialize() {
	c.t.Helper()
	emptyCluster.Do(func() {
		if emptyCluster.dir, emptyCluster.err = os.MkdirTemp("", "pg-"); emptyCluster.err != nil {
			return
		}
		if c.user != nil {
			emptyCluster.err = os.Chown(emptyCluster.dir, int(c.user.Uid), int(c.user.Gid))
		}
		if emptyCluster.err == nil {
			emptyCluster.err = c.Command("initdb", "-D", emptyCluster.dir+"/data", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").Run()
		}
	})
	if emptyCluster.err != nil {
		c.t.Fatal("initdb: ", emptyCluster.err)
	}
	copies := c.Command("cp", "-a", emptyCluster.dir+"/data", c.Dir+"/data")
	copies.Path = "/bin/cp"
	if text, err := copies.CombinedOutput(); err != nil {
		c.t.Fatalf("cp: %v\n%s", err, text)
	}
}

// Run runs one of PostgreSQL's programs and returns what it printed.
func (c *Cluster) Run(name string, args ...string) string {
	c.t.Helper()
	text, err := c.Command(name, args...).Output()
	if err != nil {
		stderr := []byte(nil)
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = exit.Stderr
		}
		c.t.Fatalf("%s %v: %v\n%s%s", name, args, err, text, stderr)
	}
	return string(text)
}

// Command returns one of PostgreSQL's programs, ready to run against the cluster.
func (c *Cluster) Command(name string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(c.bin, name), args...)
	command.Dir, command.Env = c.Dir, []string{"PGHOST=" + c.Dir, "PGUSER=" + c.username(), "LC_ALL=C"}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: c.user}
	return command
}

func (c *Cluster) username() string {
	if c.user != nil {
		return "postgres"
	}
	me, err := user.Current()
	if err != nil {
		c.t.Fatal(err)
	}
	return me.Username
}

// SQL runs a statement in a database and returns its rows, a line each.
func (c *Cluster) SQL(database, text string) string {
	c.t.Helper()
	return c.Run("psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", text)
}

// Content tells what is in a database: rows and a digest of each table.
func (c *Cluster) Content(database string) string {
	c.t.Helper()
	var all strings.Builder
	for table := range strings.FieldsSeq(c.SQL(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")) {
		all.WriteString(table + " " + c.SQL(database, fmt.Sprintf("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM %s t", table)))
	}
	return all.String()
}

// URL is the cluster's address, as libpq takes it.
func (c *Cluster) URL() string {
	return "postgres://" + c.username() + "@/postgres?host=" + c.Dir
}

// Restore restores a dump, of a form of package dump, into a database, and fails at the
// first error.
func (c *Cluster) Restore(database, path, form string) {
	c.t.Helper()
	script := `pg_restore --no-owner --exit-on-error -d "$1" "$2"`
	switch form {
	case "custom.gz", "tar.gz":
		script = `gunzip -c "$2" | pg_restore --no-owner --exit-on-error -d "$1"`
	case "sql":
		script = `psql -Xq -o /dev/null -v ON_ERROR_STOP=1 -d "$1" -f "$2"`
	case "sql.gz":
		script = `gunzip -c "$2" | psql -Xq -o /dev/null -v ON_ERROR_STOP=1 -d "$1"`
	}
	command := c.Command("psql")
	command.Path, command.Args = "/bin/sh", []string{"sh", "-euc", script, "sh", database, path}
	command.Env = append(command.Env, "PATH="+c.bin+":"+os.Getenv("PATH"))
	if text, err := command.CombinedOutput(); err != nil {
		c.t.Fatalf("restoring %s: %v\n%s", path, err, text)
	}
}
