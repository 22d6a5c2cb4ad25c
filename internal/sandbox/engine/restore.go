package engine

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/klauspost/compress/gzip"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// sqlMember is the dump in Odoo's own backup.
const sqlMember = "dump.sql"

// restore restores a dump into a scratch database. Whatever kind it is of, it gets there as
// SQL through psql, which is told to run no command of its own: a dump is SQL of a
// stranger's, and psql's commands run programs.
func (d *scratch) restore(ctx context.Context, w requests.Work) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sql, err := d.sql(ctx, w)
	if err != nil {
		return err
	}
	watch := &errorsOfSQL{stop: cancel}
	said := &lines{to: w.Log, watch: watch.line}
	key := random(16)
	err = program{
		args: []string{"psql", "-X", "-q", "-d", withoutPassword(d.address), "-v", "VERBOSITY=verbose", "-v", "ECHO=errors", "-f", "-"},
		env:  append(secrets(d.address), "LC_ALL=C"), folder: w.Folder, stdin: io.MultiReader(strings.NewReader("\\restrict "+key+"\n"), sql),
		stdout: io.Discard, stderr: said,
	}.run(ctx)
	said.end()
	closed := sql.Close()
	if watch.pending != "" {
		watch.fatal = watch.pending
	}
	if watch.fatal != "" {
		return &requests.FailedError{Message: "The dump could not be restored: " + watch.fatal}
	}
	if err := errors.Join(missing("psql", err), closed); err != nil {
		return fmt.Errorf("restoring the dump: %w", err)
	}
	return nil
}

// sql opens a dump as SQL. Close returns what went wrong with it.
func (d *scratch) sql(ctx context.Context, w requests.Work) (io.ReadCloser, error) {
	if w.Dump.Kind == dump.Directory {
		return archiveSQL(ctx, w, nil), nil
	}
	if w.Dump.Kind == dump.OdooZip {
		z, err := zip.OpenReader(w.Original)
		if err != nil {
			return nil, err
		}
		member, err := z.Open(sqlMember)
		if err != nil {
			return nil, errors.Join(err, z.Close())
		}
		return withoutRestrict(member, member.Close, z.Close), nil
	}
	file, err := os.Open(w.Original)
	if err != nil {
		return nil, err
	}
	var in io.Reader = file
	if w.Dump.Wrapped {
		if in, err = gzip.NewReader(file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	switch w.Dump.Kind {
	case dump.SQL:
		return withoutRestrict(in, file.Close), nil
	case dump.Custom, dump.Tar:
		if !w.Dump.Wrapped {
			return archiveSQL(ctx, w, nil, file.Close), nil
		}
		return archiveSQL(ctx, w, in, file.Close), nil
	}
	return nil, errors.Join(fmt.Errorf("a dump of kind %s cannot be restored", w.Dump.Kind), file.Close())
}

// archiveSQL has pg_restore write an archive as SQL, without owners and privileges, whose
// roles are not here.
func archiveSQL(ctx context.Context, w requests.Work, in io.Reader, closers ...func() error) io.ReadCloser {
	reader, writer := io.Pipe()
	args := []string{"pg_restore", "--no-owner", "--no-privileges", "--file=-"}
	if in == nil {
		args = append(args, "--", w.Original)
	}
	ended := make(chan error, 1)
	go func() {
		said := &lines{to: w.Log}
		err := missing("pg_restore", program{args: args, env: []string{"LC_ALL=C"}, folder: w.Folder, stdin: in, stdout: writer, stderr: said}.run(ctx))
		said.end()
		if _, failed := status(err); failed {
			err = &requests.FailedError{Message: "The dump could not be read by pg_restore: " + said.tail()}
		}
		_ = writer.CloseWithError(err) // nil is the end
		ended <- err
	}()
	sql := withoutRestrict(reader, closers...)
	sql.closers = append([]func() error{func() error { _ = reader.Close(); return <-ended }}, sql.closers...)
	return sql
}

// unrestricted is SQL without pg_dump's own \restrict and \unrestrict, which psql refuses
// where it is restricted already.
type unrestricted struct {
	in      *bufio.Reader
	token   []byte // of \restrict
	line    []byte
	midLine bool
	err     error
	closers []func() error
}

// restrictAt is how far from its beginning a dump has its \restrict.
const restrictAt = 4 << 10

var restrict = regexp.MustCompile(`(?m)^\\restrict ([0-9A-Za-z]{1,200})\r?$`)

func withoutRestrict(in io.Reader, closers ...func() error) *unrestricted {
	u := &unrestricted{in: bufio.NewReaderSize(in, 256<<10), closers: closers}
	head, _ := u.in.Peek(restrictAt)
	if found := restrict.FindSubmatch(head); found != nil {
		u.token = bytes.Clone(found[1])
	}
	return u
}

func (u *unrestricted) Read(b []byte) (int, error) {
	for len(u.line) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		line, err := u.in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !long {
			u.err = err
		}
		u.line = line
		if !u.midLine && u.token != nil && u.isCommand(line) {
			u.line = nil
		}
		u.midLine = long
	}
	n := copy(b, u.line)
	u.line = u.line[n:]
	return n, nil
}

func (u *unrestricted) isCommand(line []byte) bool {
	word, token, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(" "))
	return (string(word) == `\restrict` || string(word) == `\unrestrict`) && bytes.Equal(token, u.token)
}

// Close returns the first error of what the SQL comes from.
func (u *unrestricted) Close() error {
	var first error
	for _, end := range u.closers {
		if err := end(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// errorsOfSQL reads what psql says, and decides which errors matter.
type errorsOfSQL struct {
	stop    context.CancelCauseFunc
	pending string // an error whose statement comes next
	fatal   string
}

// How psql shows an error with its code, one of its own, and the statement that failed.
var (
	sqlError   = regexp.MustCompile(`^(?:psql:[^ ]*: )?\pL+:  ([0-9A-Z]{5}): (.*)$`)
	psqlError  = regexp.MustCompile(`^psql:(?:[^ ]*:)? (?:error|fatal): (.*)$`)
	statements = regexp.MustCompile(`^(?:psql:[^ ]*: )?STATEMENT:  (.*)$`)
)

// harmless are statements whose failure loses nothing of a database: they give objects to
// roles that are not here, comment on what belongs to the system, or set what only a
// newer server knows (restores by Odoo ignore all errors).
var harmless = regexp.MustCompile(`^(?:ALTER \S+ .* OWNER TO |GRANT |REVOKE |ALTER DEFAULT PRIVILEGES |COMMENT ON (?:EXTENSION|SCHEMA) |SET |CREATE SCHEMA public;|ALTER SCHEMA public )`)

// errStopped is why the programs of a restore end early.
var errStopped = errors.New("an error in the dump")

// line implements lines.watch.
func (e *errorsOfSQL) line(text string) bool {
	if e.fatal != "" {
		return true // what follows an error follows from it
	}
	if found := statements.FindStringSubmatch(text); found != nil && e.pending != "" {
		if !harmless.MatchString(found[1]) {
			e.fatal = e.pending + " (in: " + shortened(found[1]) + ")"
			e.stop(errStopped)
		}
		e.pending = ""
		return true
	}
	if e.pending != "" {
		return true // details of it
	}
	if found := psqlError.FindStringSubmatch(text); found != nil {
		e.fatal = found[1]
		e.stop(errStopped)
		return true
	}
	found := sqlError.FindStringSubmatch(text)
	if found == nil || found[1] < "03" { // a notice or a warning
		return strings.HasPrefix(text, "LOCATION:")
	}
	e.pending = found[2]
	return true
}

func shortened(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
