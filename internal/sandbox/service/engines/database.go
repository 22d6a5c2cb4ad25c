package engines

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"odoo-upgrade-action/internal/confine"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sandbox/engine"
	"odoo-upgrade-action/internal/sandbox/program"
)

// Server is the PostgreSQL that scratch databases are made on, by PostgreSQL's own
// programs: psql, pg_dump and pg_restore.
type Server struct {
	address *url.URL
	prefix  string // of the names of databases and roles, one for each data folder
	folder  string // where programs work that belong to no request
	log     func(string)

	mu   sync.Mutex
	left []string // databases that could not be dropped
}

// settings are what may follow the ? in an address. libpq takes more, of which some replace
// the user or the database: a scratch database would be another one than it seems.
var settings = map[string]string{
	"host": "PGHOST", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
}

// ParseServer reads the address of a PostgreSQL server, like
// postgres://USER:PASSWORD@HOST:5432/postgres (libpq, "Connection URIs"). The user must
// be allowed to create databases and roles: each database gets a role that may do
// nothing else, for what is restored is a stranger's SQL.
func ParseServer(address string) (*Server, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "postgres" && parsed.Scheme != "postgresql" || parsed.User.Username() == "" {
		return nil, errors.New(
			"database-url has to be the URL of a PostgreSQL server, with a user: use one like postgres://USER:PASSWORD@HOST:5432/postgres",
		)
	}
	for key := range parsed.Query() {
		if settings[key] == "" {
			return nil, fmt.Errorf(
				"database-url has the setting %q: only %s may follow the ?",
				key,
				strings.Join(slices.Sorted(maps.Keys(settings)), ", "),
			)
		}
	}
	if strings.Trim(parsed.Path, "/") == "" {
		parsed.Path = "/postgres"
	}
	return &Server{address: parsed}, nil
}

// prepare checks that databases can be created, used and dropped, and drops those that an
// earlier process left.
func (s *Server) prepare(ctx context.Context, data string, log func(string)) error {
	s.folder, s.log = data, log
	if err := s.loadPrefix(data); err != nil {
		return err
	}
	answer, err := s.first(
		ctx,
		log,
		"SELECT rolsuper OR rolcreaterole AND rolcreatedb, current_setting('server_version_num')::int FROM pg_roles WHERE rolname = current_user",
	)
	if err != nil {
		return fmt.Errorf("connecting to the server in database-url: %w", err)
	}
	allowed, version, _ := strings.Cut(strings.TrimSpace(answer), "|")
	if number, _ := strconv.Atoi(version); number < 130000 {
		return fmt.Errorf("the server in database-url is older than PostgreSQL 13 (%s): use a newer one", version)
	}
	if allowed != "t" {
		return fmt.Errorf(
			"the user in database-url may not create databases and roles: run ALTER ROLE %q CREATEDB CREATEROLE",
			s.address.User.Username(),
		)
	}
	// Dumps of SQL go through psql, which must not run the commands in them.
	if err := s.psql(ctx, s.address, data, strings.NewReader("\\restrict a\n\\unrestrict a\n"), io.Discard, "-f", "-"); err != nil {
		if strings.Contains(err.Error(), "invalid command") {
			return errors.New(
				"psql is too old to restrict what a dump can do on this machine: install PostgreSQL's client programs of August 2025 (17.6, 16.10, 15.14, 14.19, 13.22) or later",
			)
		}
		return err
	}
	if !confine.Available() {
		log(
			"this system cannot confine pg_restore and psql (Landlock, Linux 5.13 or later): only the checks keep a dump from reading files here; serve strangers from a machine or container that has nothing else",
		)
	}
	if err := s.dropLeft(ctx, log); err != nil {
		return err
	}
	return s.try(ctx)
}

// startPolicy is how long a server may take to start that is started beside the sandbox.
var startPolicy = retry.Policy{First: 200 * time.Millisecond, Longest: 2 * time.Second, Budget: time.Minute}

// starting is what psql says of a server that does not listen yet, or not to everyone.
var starting = regexp.MustCompile(
	`(?i)connection refused|no such file or directory|could not translate host name|starting up|timeout expired`,
)

// first runs the first statement, once the server answers.
func (s *Server) first(ctx context.Context, log func(string), statement string) (rows string, err error) {
	said := false
	err = startPolicy.Do(ctx, func(ctx context.Context) error {
		var err error
		if rows, err = s.admin(ctx, statement); err != nil && starting.MatchString(err.Error()) {
			return retry.Transient(err)
		}
		return err
	}, func(err error, _ time.Duration) {
		if !said {
			said = true
			log("waiting for the server in database-url: " + err.Error())
		}
	})
	return rows, err
}

// prefixFile holds the prefix of a data folder's databases.
const prefixFile = "databases"

// goodPrefix is what it looks like: what begins with it is dropped.
var goodPrefix = regexp.MustCompile(`^odoo_upgrade_[0-9a-f]{8}_$`)

// loadPrefix reads the prefix, which the first process of a data folder makes.
func (s *Server) loadPrefix(data string) error {
	path := filepath.Join(data, prefixFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte("odoo_upgrade_" + random(4) + "_")
		err = engine.WriteFile(path, func(out io.Writer) error { _, err := out.Write(text); return err })
	}
	if err == nil && !goodPrefix.Match(text) {
		err = fmt.Errorf(
			"%s is damaged: delete it, and drop by hand the odoo_upgrade_… databases and roles that no other sandbox uses",
			path,
		)
	}
	s.prefix = string(text)
	return err
}

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// try creates and uses a database, so that a sandbox that cannot says so at once.
func (s *Server) try(ctx context.Context) (err error) {
	d, err := s.create(ctx, "check", s.folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.drop()) }()
	var who strings.Builder
	err = s.psql(
		ctx,
		d.address,
		s.folder,
		nil,
		&who,
		"-At",
		"-c",
		"SELECT current_user, current_database(), rolsuper FROM pg_roles WHERE rolname = current_user",
	)
	if err != nil {
		return fmt.Errorf(
			"logging in as the role of a scratch database (pg_hba.conf has to allow logins with passwords from this machine): %w",
			err,
		)
	}
	if want := d.name + "|" + d.name + "|f\n"; who.String() != want {
		return fmt.Errorf("a scratch database is not separate from the others: connecting to it leads to %q, not to %q", who.String(), want)
	}
	return nil
}

// admin runs one statement as the user of database-url and returns its rows.
func (s *Server) admin(ctx context.Context, statement string) (string, error) {
	var rows strings.Builder
	err := s.psql(ctx, s.address, s.folder, nil, &rows, "-At", "-c", statement)
	return rows.String(), err
}

// psql runs psql without a startup file. Its error has what psql said.
func (s *Server) psql(ctx context.Context, address *url.URL, folder string, in io.Reader, out io.Writer, args ...string) error {
	said := &program.Lines{To: io.Discard}
	err := program.Program{
		Args: append(
			[]string{"psql", "-X", "-q", "-d", withoutPassword(address), "-v", "ON_ERROR_STOP=1"},
			args...), Env: secrets(address), Folder: folder,
		Stdin: in, Stdout: out, Stderr: said,
	}.Run(ctx)
	said.End()
	if _, ended := program.Status(err); ended {
		return errors.New(cmp.Or(said.Tail(), err.Error()))
	}
	return program.Missing("psql", err)
}

// withoutPassword is an address as a command line may show it.
func withoutPassword(address *url.URL) string {
	shown := *address
	shown.User = url.User(shown.User.Username())
	return shown.String()
}

// secrets are the variables that PostgreSQL's programs take an address's password from, and
// speak English with.
func secrets(address *url.URL) []string {
	list := []string{"LC_ALL=C", "PGCONNECT_TIMEOUT=10"}
	if password, set := address.User.Password(); set {
		list = append(list, "PGPASSWORD="+password)
	}
	return list
}

// certificates are the files that libpq may read to connect to an address ("SSL Support").
func certificates(address *url.URL) (paths []string) {
	for _, key := range []string{"sslrootcert", "sslcert", "sslkey"} {
		if path := address.Query().Get(key); path != "" {
			paths = append(paths, path)
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		paths = append(paths, filepath.Join(home, ".postgresql"))
	}
	return paths
}
