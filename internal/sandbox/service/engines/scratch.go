package engines

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// scratch is a database of a request's own.
type scratch struct {
	server  *Server
	name    string
	address *url.URL // with the password of its role
}

// create creates an empty database in place of one that an interrupted call left.
func (s *Server) create(ctx context.Context, suffix, folder string) (*scratch, error) {
	s.dropOneLeft(ctx)
	d := &scratch{server: s, name: s.prefix + suffix}
	if err := s.drop(ctx, d.name); err != nil {
		return nil, err
	}
	address, password := *s.address, random(16)
	address.Path, address.User = "/"+d.name, url.UserPassword(d.name, password)
	d.address = &address
	// On standard input: a command line shows the password to everyone. To give away a
	// database, one must be in the role.
	script := fmt.Sprintf(`CREATE ROLE %[1]s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '%[2]s';
GRANT %[1]s TO CURRENT_USER;
CREATE DATABASE %[1]s TEMPLATE template0 ENCODING 'UTF8' OWNER %[1]s;
REVOKE CONNECT ON DATABASE %[1]s FROM PUBLIC;
`, d.name, password)
	// To its end, even if ctx ends: the server would complete what psql has begun.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
	defer cancel()
	err := s.psql(whole, s.address, folder, strings.NewReader(script), io.Discard, "-f", "-")
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), d.drop())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("creating the scratch database: %w", err), d.drop())
	}
	return d, nil
}

// dropTime is how long creating or dropping a database may take when its sandbox is stopped.
const dropTime = 30 * time.Second

// drop drops the database, with all its connections, even after the call that created it
// was canceled.
func (d *scratch) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), dropTime)
	defer cancel()
	return d.server.drop(ctx, d.name)
}

// drop drops a database and its role, whatever the dump has made of them.
func (s *Server) drop(ctx context.Context, name string) error {
	if err := s.dropOnce(ctx, name); err == nil || ctx.Err() != nil {
		return err
	}
	return s.dropOnce(ctx, name) // a database that was just being created is there only now
}

func (s *Server) dropOnce(ctx context.Context, name string) error {
	there, err := s.admin(ctx, "SELECT datistemplate FROM pg_database WHERE datname = '"+name+"'")
	if err == nil && there != "" { // before all else, for what was prepared may hold the database
		err = s.rollBack(ctx, name)
	}
	if err == nil && there == "t\n" {
		_, err = s.admin(ctx, "ALTER DATABASE "+name+" IS_TEMPLATE false")
	}
	if err == nil && there != "" {
		_, err = s.admin(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}
	if err != nil {
		return fmt.Errorf("dropping the scratch database %s: %w", name, err)
	}
	if _, err := s.admin(ctx, "DROP ROLE IF EXISTS "+name); err != nil {
		return fmt.Errorf("dropping the role %s: %w", name, err)
	}
	return nil
}

// rollBack ends what a dump has prepared in the database (PREPARE TRANSACTION), which outlives
// every connection and keeps the database from being dropped. That takes a connection to it,
// as the role that prepared it.
func (s *Server) rollBack(ctx context.Context, name string) error {
	prepared, err := s.admin(ctx, "SELECT encode(convert_to(gid, 'UTF8'), 'hex') FROM pg_prepared_xacts WHERE database = '"+name+"'")
	if err != nil || prepared == "" {
		return err
	}
	if err := s.rollBackIn(ctx, name, prepared); err == nil {
		return nil
	}
	// Whatever the dump has made of the database: its owner can take all of this away. Not
	// before, because what it has prepared may hold it.
	script := fmt.Sprintf(
		"SET lock_timeout = '5s';\nALTER DATABASE %[1]s ALLOW_CONNECTIONS true CONNECTION LIMIT -1;\nALTER DATABASE %[1]s RESET ALL;\nGRANT CONNECT ON DATABASE %[1]s TO CURRENT_USER;\n",
		name,
	)
	if err := s.psql(ctx, s.address, s.folder, strings.NewReader(script), io.Discard, "-f", "-"); err != nil {
		return err
	}
	return s.rollBackIn(ctx, name, prepared)
}

// rollBackIn rolls back prepared transactions, whose names are in hexadecimal, a line each.
func (s *Server) rollBackIn(ctx context.Context, name, prepared string) error {
	var rolled strings.Builder
	fmt.Fprintf(&rolled, "SET ROLE %s;\n", name)
	for gid := range strings.FieldsSeq(prepared) {
		text, err := hex.DecodeString(gid)
		if err != nil {
			return err
		}
		fmt.Fprintf(&rolled, "ROLLBACK PREPARED '%s';\n", strings.ReplaceAll(string(text), "'", "''"))
	}
	inside := *s.address
	inside.Path = "/" + name
	return s.psql(ctx, &inside, s.folder, strings.NewReader(rolled.String()), io.Discard, "-f", "-")
}

// dropLeft drops the databases and roles that an earlier process left. What cannot be
// dropped is logged: it does not keep the engine from working.
func (s *Server) dropLeft(ctx context.Context, log func(string)) error {
	pattern := "'^" + s.prefix + "([0-9]+|check)$'"
	names, err := s.admin(
		ctx,
		"SELECT datname FROM pg_database WHERE datname ~ "+pattern+" UNION SELECT rolname FROM pg_roles WHERE rolname ~ "+pattern,
	)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(names) {
		s.discard(ctx, name)
	}
	return nil
}

// discard drops a database that is not needed any more. What cannot be dropped now, for a
// dump may hold it, is logged, and tried again before the next database is created: it is
// no reason to fail, or to wait for long.
func (s *Server) discard(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
	defer cancel()
	err := s.drop(ctx, name)
	if err == nil {
		return
	}
	s.log(err.Error() + ": it is tried again later")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = append(s.left, name)
}

// dropOneLeft tries again to drop a database that could not be dropped.
func (s *Server) dropOneLeft(ctx context.Context) {
	s.mu.Lock()
	if len(s.left) == 0 {
		s.mu.Unlock()
		return
	}
	name := s.left[0]
	s.left = s.left[1:]
	s.mu.Unlock()
	s.discard(ctx, name)
}

// variables are those that tell any program of libpq's where a database is.
func (d *scratch) variables() []string {
	password, _ := d.address.User.Password()
	list := []string{"PGDATABASE=" + d.name, "UPGRADE_DATABASE=" + d.name, "PGUSER=" + d.name, "PGPASSWORD=" + password}
	if host := d.address.Hostname(); host != "" {
		list = append(list, "PGHOST="+host)
	}
	if port := d.address.Port(); port != "" {
		list = append(list, "PGPORT="+port)
	}
	for key, values := range d.address.Query() {
		list = append(list, settings[key]+"="+values[0])
	}
	return list
}
