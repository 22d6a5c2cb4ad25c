package engines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/sandbox/plain"
	"odoo-upgrade-action/internal/sandbox/program"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// lastStatement follows a dump. It fails in a transaction that is still open, which psql
// would end by rolling it back, without an error.
const lastStatement = "\n;\nDISCARD ALL;\n"

// restore restores a dump into a scratch database. Whatever kind it is of, it gets there as
// SQL through psql, which is told to run no command of its own, for a dump is a
// stranger's SQL and psql's commands run programs; and to stop at the first error.
func (d *scratch) restore(ctx context.Context, w requests.Work) error {
	if w.Dump.Opaque { // pg_restore may know what the check does not
		return &requests.FailedError{
			Message: strings.Join(append([]string{"The dump was not restored, because it could not be checked."}, w.Dump.Warnings...), " "),
		}
	}
	_, _ = fmt.Fprintln(w.Log, "Restoring the dump into a database of PostgreSQL.")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.prepareUnaccent(ctx, w)
	sql, err := plain.Open(ctx, plain.Source{Path: w.Original, Form: w.Dump.Form, Folder: w.Folder, Log: w.Log})
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
	said := &program.Lines{To: w.Log}
	err = program.Program{
		Args: []string{
			"psql", "-X", "-q", "-d", withoutPassword(d.address), "-v", "ON_ERROR_STOP=1",
			"-v", "FETCH_COUNT=1000", // otherwise psql holds all rows of a SELECT
			"-f", "-",
		},
		Env: secrets(d.address), Folder: w.Folder,
		Stdin:  io.MultiReader(strings.NewReader("\\restrict "+random(16)+"\n"), portable, strings.NewReader(lastStatement)),
		Stdout: io.Discard, Stderr: said, Reads: certificates(d.address),
	}.Run(ctx)
	said.End()
	_ = portable.Close()
	if _, failed := program.Status(err); !failed {
		err = errors.Join(program.Missing("psql", err), sql.Close(), ignoreClosed(<-copied))
	} else {
		message := strings.ReplaceAll(said.Tail(), "psql:<stdin>:", "line ")
		if strings.Contains(message, "must be marked IMMUTABLE") {
			message += "\nOdoo makes unaccent IMMUTABLE for its indexes. A sandbox does so, too, if the user in --database-url is a superuser."
		}
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

// prepareUnaccent makes the function unaccent IMMUTABLE in the database, which is still empty, as
// Odoo does where it may. Indexes of Odoo's need that, and no dump has it.
func (d *scratch) prepareUnaccent(ctx context.Context, w requests.Work) {
	if !slices.Contains(w.Dump.Extensions, "unaccent") {
		return
	}
	inside := *d.server.address
	inside.Path = "/" + d.name
	err := d.server.psql(ctx, &inside, w.Folder, nil, io.Discard,
		"-c", "CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public", "-c", "ALTER FUNCTION public.unaccent(text) IMMUTABLE")
	if err != nil {
		_, _ = fmt.Fprintf(w.Log, "The extension unaccent could not be prepared as Odoo does it: %v\n", err)
	}
}

// ignoreClosed drops the error of a writer whose reader has ended.
func ignoreClosed(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
