package engine

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// sqlMember is the dump in Odoo's own backup.
const sqlMember = "dump.sql"

// lastStatement follows a dump. It fails in a transaction that is still open, which psql
// would end by rolling it back, without an error.
const lastStatement = "\n;\nDISCARD ALL;\n"

// restore restores a dump into a scratch database. Whatever kind it is of, it gets there as
// SQL through psql, which is told to run no command of its own, for a dump is a
// stranger's SQL and psql's commands run programs; and to stop at the first error.
func (d *scratch) restore(ctx context.Context, w requests.Work) error {
	if w.Dump.Opaque { // pg_restore may know what the check does not
		return &requests.FailedError{Message: strings.Join(append([]string{"The dump was not restored, because it could not be checked."}, w.Dump.Warnings...), " ")}
	}
	_, _ = fmt.Fprintln(w.Log, "Restoring the dump into a database of PostgreSQL.")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sql, err := d.sql(ctx, w)
	if err != nil {
		return err
	}
	portable, to := io.Pipe()
	copied := make(chan error, 1)
	go func() {
		err := script.Portable(to, sql)
		_ = to.CloseWithError(err) // nil is the end
		copied <- err
	}()
	said := &lines{to: w.Log}
	err = program{
		args: []string{
			"psql", "-X", "-q", "-d", withoutPassword(d.address), "-v", "ON_ERROR_STOP=1",
			"-v", "FETCH_COUNT=1000", // otherwise psql holds all rows of a SELECT
			"-f", "-",
		},
		env: secrets(d.address), folder: w.Folder, stdin: io.MultiReader(strings.NewReader("\\restrict "+random(16)+"\n"), portable, strings.NewReader(lastStatement)),
		stdout: io.Discard, stderr: said, reads: certificates(d.address),
	}.run(ctx)
	said.end()
	_ = portable.Close()
	if _, failed := status(err); !failed {
		err = errors.Join(missing("psql", err), sql.Close(), ignoreClosed(<-copied))
	} else {
		message := strings.ReplaceAll(said.tail(), "psql:<stdin>:", "line ")
		if strings.Contains(message, "DISCARD ALL cannot run inside a transaction block") {
			message = "it begins a transaction that it does not commit."
		}
		err = &requests.FailedError{Message: "The dump could not be restored: " + message}
		cancel() // ends pg_restore, whose rest is not needed
		_ = sql.Close()
		<-copied
	}
	if errors.Is(err, script.ErrZeroByte) {
		return &requests.FailedError{Message: "The dump could not be restored: " + script.ErrZeroByte.Error() + "."}
	}
	if _, failed := errors.AsType[*requests.FailedError](err); err != nil && !failed {
		return fmt.Errorf("restoring the dump: %w", err)
	}
	return err
}

// ignoreClosed drops the error of a writer whose reader has ended.
func ignoreClosed(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// closers closes what an input consists of, and returns the first error.
type closers []func() error

func (c closers) Close() error {
	var first error
	for _, end := range c {
		if err := end(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// input is SQL, with what it comes from.
type input struct {
	io.Reader
	closers
}

// sql opens a dump as SQL. Close returns what went wrong with it.
func (d *scratch) sql(ctx context.Context, w requests.Work) (io.ReadCloser, error) {
	switch {
	case w.Dump.Kind == dump.Directory:
		return archiveSQL(ctx, w, nil), nil
	case w.Dump.Kind == dump.OdooZip:
		return zipSQL(w)
	}
	file, err := os.Open(w.Original)
	if err != nil {
		return nil, err
	}
	in, err := w.Dump.Wrapper.Reader(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	switch w.Dump.Kind {
	case dump.SQL:
		return &input{in, closers{file.Close}}, nil
	case dump.Custom, dump.Tar:
		if w.Dump.Wrapper == "" {
			in = nil // pg_restore opens it itself
		}
		return archiveSQL(ctx, w, in, file.Close), nil
	}
	return nil, errors.Join(fmt.Errorf("a dump of kind %s cannot be restored", w.Dump.Kind), file.Close())
}

// zipSQL opens the SQL in Odoo's own backup.
func zipSQL(w requests.Work) (io.ReadCloser, error) {
	z, err := zip.OpenReader(w.Original)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, member := range z.File {
		if (member.Name == sqlMember || member.Name == manifestMember) && seen[member.Name] {
			return nil, errors.Join(&requests.FailedError{Message: "The dump has two files called " + member.Name + "."}, z.Close())
		}
		seen[member.Name] = true
	}
	member, err := z.Open(sqlMember)
	if err != nil {
		return nil, errors.Join(err, z.Close())
	}
	return &input{member, closers{member.Close, z.Close}}, nil
}

// archiveSQL has pg_restore write an archive as SQL.
func archiveSQL(ctx context.Context, w requests.Work, in io.Reader, more ...func() error) io.ReadCloser {
	reader, writer := io.Pipe()
	args := []string{"pg_restore", "--no-owner", "--no-privileges", "--file=-"}
	if in == nil {
		args = append(args, "--", w.Original)
	}
	ended := make(chan error, 1)
	go func() {
		said := &lines{to: w.Log, hide: filepath.Dir(w.Original) + string(filepath.Separator)}
		err := missing("pg_restore", program{args: args, env: []string{"LC_ALL=C"}, folder: w.Folder, stdin: in, stdout: writer, stderr: said, reads: []string{w.Original}}.run(ctx))
		said.end()
		if _, failed := status(err); failed {
			err = &requests.FailedError{Message: "The dump could not be read by pg_restore: " + said.tail()}
		}
		_ = writer.CloseWithError(err) // nil is the end
		ended <- err
	}()
	wait := func() error { _ = reader.Close(); return <-ended }
	return &input{reader, append(closers{wait}, more...)}
}
