package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"odoo-upgrade-action/internal/retry"
)

// Server is the PostgreSQL that scratch databases are made on, by PostgreSQL's own
// programs: psql, pg_dump and pg_restore.
type Server struct {
	address *url.URL
	prefix  string // of the names of databases and roles, one for each data folder
	roles   bool   // each database gets a role of its own
	folder  string // where programs work that belong to no request
}

// ParseServer reads the address of a PostgreSQL server, like
// postgres://USER:PASSWORD@HOST:5432/postgres (libpq, "Connection URIs"). The user must
// be allowed to create databases; a superuser, or one who may create roles, gives each
// database a role that may do nothing else.
func ParseServer(address string) (*Server, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "postgres" && parsed.Scheme != "postgresql" {
		return nil, errors.New("database-url is not the address of a PostgreSQL server: use one like postgres://USER:PASSWORD@HOST:5432/postgres")
	}
	if strings.Trim(parsed.Path, "/") == "" {
		parsed.Path = "/postgres"
	}
	return &Server{address: parsed}, nil
}

// prefixFile holds the prefix of a data folder's databases.
const prefixFile = "databases"

// prepare checks that databases can be created, used and dropped, and drops those that an
// earlier process left.
func (s *Server) prepare(ctx context.Context, data string) error {
	s.folder = data
	if err := s.loadPrefix(data); err != nil {
		return err
	}
	answer, err := s.first(ctx, "SELECT rolsuper OR rolcreaterole, rolsuper OR rolcreatedb, current_setting('server_version_num')::int FROM pg_roles WHERE rolname = current_user")
	if err != nil {
		return fmt.Errorf("connecting to the server of database-url: %w", err)
	}
	roles, rest, _ := strings.Cut(strings.TrimSpace(answer), "|")
	databases, version, _ := strings.Cut(rest, "|")
	s.roles = roles == "t"
	if number, _ := strconv.Atoi(version); number < 130000 {
		return fmt.Errorf("the server of database-url is older than PostgreSQL 13 (%s): use a newer one", version)
	}
	if databases != "t" {
		return fmt.Errorf("the user of database-url may not create databases: run ALTER ROLE %q CREATEDB", s.address.User.Username())
	}
	// Dumps of SQL go through psql, which must not run the commands in them.
	if err := s.psql(ctx, s.address, data, strings.NewReader("\\restrict a\n\\unrestrict a\n"), io.Discard, "-v", "ON_ERROR_STOP=1", "-f", "-"); err != nil {
		return fmt.Errorf("psql does not know \\restrict, so a dump could run programs on this machine: install PostgreSQL's client programs of August 2025 (17.6, 16.10, 15.14, 14.19, 13.22) or later: %w", err)
	}
	if err := s.dropLeft(ctx); err != nil {
		return err
	}
	return s.try(ctx)
}

// startPolicy is how long a server may take to start that is started beside the sandbox.
var startPolicy = retry.Policy{First: 200 * time.Millisecond, Longest: 2 * time.Second, Budget: time.Minute}

// starting is what psql says of a server that does not listen yet, or not to everyone.
var starting = regexp.MustCompile(`(?i)connection refused|no such file or directory|could not translate host name|starting up|timeout expired`)

// first runs the first statement.
func (s *Server) first(ctx context.Context, statement string) (rows string, err error) {
	err = startPolicy.Do(ctx, func(ctx context.Context) error {
		var err error
		if rows, err = s.admin(ctx, statement); err != nil && starting.MatchString(err.Error()) {
			return retry.Transient(err)
		}
		return err
	}, nil)
	return rows, err
}

// loadPrefix reads the prefix, which the first process of a data folder makes.
func (s *Server) loadPrefix(data string) error {
	path := filepath.Join(data, prefixFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte("odoo_upgrade_" + random(4) + "_")
		err = os.WriteFile(path, text, 0o600)
	}
	s.prefix = strings.TrimSpace(string(text))
	if err == nil && strings.Trim(s.prefix, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		err = fmt.Errorf("%s is damaged: remove it, and the databases and roles of the sandbox by hand", path)
	}
	return err
}

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// dropLeft drops the databases and roles that an earlier process left.
func (s *Server) dropLeft(ctx context.Context) error {
	names, err := s.admin(ctx, fmt.Sprintf("SELECT datname FROM pg_database WHERE starts_with(datname, '%s') UNION SELECT rolname FROM pg_roles WHERE starts_with(rolname, '%[1]s')", s.prefix))
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(names) {
		if err := s.drop(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// try creates and uses a database, so that a sandbox that cannot says so at once.
func (s *Server) try(ctx context.Context) error {
	d, err := s.create(ctx, "check", s.folder)
	if err != nil {
		return err
	}
	err = s.psql(ctx, d.address, s.folder, nil, io.Discard, "-v", "ON_ERROR_STOP=1", "-c", "CREATE TABLE t ()")
	if err != nil && s.roles {
		err = fmt.Errorf("the role of a scratch database cannot log in: the server must take passwords (scram-sha-256 in pg_hba.conf) from this machine; or use a database-url whose user may create databases, but not roles: %w", err)
	}
	return errors.Join(err, d.drop())
}

// scratch is a database of a request's own.
type scratch struct {
	server  *Server
	name    string
	address *url.URL // with the password of its role
}

// create creates an empty database in place of one that an interrupted call left.
func (s *Server) create(ctx context.Context, suffix, folder string) (*scratch, error) {
	d := &scratch{server: s, name: s.prefix + suffix}
	if err := s.drop(ctx, d.name); err != nil {
		return nil, err
	}
	address := *s.address
	address.Path = "/" + d.name
	d.address = &address
	owner := ""
	var script strings.Builder // on standard input: a command line shows the password to everyone
	if s.roles {
		password := random(16)
		address.User = url.UserPassword(d.name, password)
		owner = " OWNER " + d.name
		fmt.Fprintf(&script, "CREATE ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '%s';\n", d.name, password)
		fmt.Fprintf(&script, "GRANT %s TO CURRENT_USER;\n", d.name) // to give away a database, one must be in the role
	}
	fmt.Fprintf(&script, "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'%s;\nREVOKE CONNECT ON DATABASE %[1]s FROM PUBLIC;\n", d.name, owner)
	if err := s.psql(ctx, s.address, folder, strings.NewReader(script.String()), io.Discard, "-v", "ON_ERROR_STOP=1", "-f", "-"); err != nil {
		return nil, errors.Join(fmt.Errorf("creating the scratch database: %w", err), d.drop())
	}
	return d, nil
}

// dropTime is how long dropping a database may take when its sandbox is stopped.
const dropTime = 30 * time.Second

// drop drops the database, whoever uses it, even where the call that created it has been
// canceled.
func (d *scratch) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), dropTime)
	defer cancel()
	return d.server.drop(ctx, d.name)
}

func (s *Server) drop(ctx context.Context, name string) error {
	if _, err := s.admin(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("dropping the scratch database %s: %w", name, err)
	}
	if !s.roles {
		return nil
	}
	if _, err := s.admin(ctx, "DROP ROLE IF EXISTS "+name); err != nil {
		return fmt.Errorf("dropping the role %s: %w", name, err)
	}
	return nil
}

// admin runs one statement as the user of database-url and returns its rows.
func (s *Server) admin(ctx context.Context, statement string) (string, error) {
	var rows strings.Builder
	err := s.psql(ctx, s.address, s.folder, nil, &rows, "-At", "-v", "ON_ERROR_STOP=1", "-c", statement)
	return rows.String(), err
}

// psql runs psql without anybody's startup file. Its error has what it said.
func (s *Server) psql(ctx context.Context, address *url.URL, folder string, in io.Reader, out io.Writer, args ...string) error {
	said := &lines{to: io.Discard}
	err := program{
		args: append([]string{"psql", "-X", "-q", "-d", withoutPassword(address)}, args...), env: append(secrets(address), "LC_ALL=C"), folder: folder,
		stdin: in, stdout: out, stderr: said,
	}.run(ctx)
	said.end()
	if _, ended := status(err); ended {
		return errors.New(cmp.Or(said.tail(), err.Error()))
	}
	return missing("psql", err)
}

// withoutPassword is the address as a command line may show it.
func withoutPassword(address *url.URL) string {
	shown := *address
	if shown.User != nil {
		shown.User = url.User(shown.User.Username())
	}
	query := shown.Query()
	query.Del("password")
	shown.RawQuery = query.Encode()
	return shown.String()
}

// secrets are the variables that PostgreSQL's programs take an address's password from.
func secrets(address *url.URL) []string {
	list := []string{"PGCONNECT_TIMEOUT=10"}
	password, set := address.User.Password()
	if !set {
		password = address.Query().Get("password")
	}
	if password != "" {
		list = append(list, "PGPASSWORD="+password)
	}
	return list
}

// variables are those that tell any program of libpq's where a database is.
func (d *scratch) variables() []string {
	query := d.address.Query()
	list := append(secrets(d.address), "PGDATABASE="+d.name, "UPGRADE_DATABASE="+d.name)
	add := func(name, value string) {
		if value != "" {
			list = append(list, name+"="+value)
		}
	}
	add("PGHOST", cmp.Or(d.address.Hostname(), query.Get("host")))
	add("PGPORT", cmp.Or(d.address.Port(), query.Get("port")))
	add("PGUSER", cmp.Or(d.address.User.Username(), query.Get("user")))
	add("PGSSLMODE", query.Get("sslmode"))
	add("PGSSLROOTCERT", query.Get("sslrootcert"))
	return list
}
