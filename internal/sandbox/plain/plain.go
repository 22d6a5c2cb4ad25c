// Package plain reads a dump as plain SQL, whatever kind it is of, for a sandbox: archives by
// PostgreSQL's own pg_restore, which sees nothing else of the machine.
//
// Open a Source, read it to its end, and Close it: both errors count.
package plain

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/sandbox/program"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// Members of Odoo's own backup: the dump, and what says what is in it.
const (
	Member   = "dump.sql"
	Manifest = "manifest.json"
)

// ErrKind says that a file cannot be shown as SQL.
var ErrKind = errors.New("no SQL can be made of this kind of file")

// Source is a dump.
type Source struct {
	Path   string
	Form   dump.Form
	Folder string    // where programs work
	Log    io.Writer // gets what they print
}

// Sniff returns the form of a file, as far as its first bytes tell, inside of a wrapper, too.
func Sniff(path string) (dump.Form, error) {
	file, err := os.Open(path)
	if err != nil {
		return dump.Form{}, err
	}
	defer file.Close()
	kind, err := dump.SniffReader(file)
	if err != nil {
		return dump.Form{}, err
	}
	form := dump.Form{Kind: kind}
	if form.Wrapper = dump.WrapperOf(form.Kind); form.Wrapper == "" {
		return form, nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return form, err
	}
	inside, err := form.Wrapper.Reader(file)
	if err != nil {
		return form, err
	}
	form.Kind, _ = dump.SniffReader(inside) // what is wrong with it, Open finds
	return form, nil
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

// Open opens a dump as SQL. Close returns what went wrong with it. The error is ErrKind for a kind
// of file that has no SQL.
func Open(ctx context.Context, s Source) (io.ReadCloser, error) {
	switch s.Form.Kind {
	case dump.Directory:
		return s.archive(ctx, nil), nil
	case dump.OdooZip, dump.Zip:
		return s.zip()
	}
	file, err := os.Open(s.Path)
	if err != nil {
		return nil, err
	}
	in, err := s.Form.Wrapper.Reader(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	switch s.Form.Kind {
	case dump.SQL:
		return &input{in, closers{file.Close}}, nil
	case dump.Custom, dump.Tar:
		if s.Form.Wrapper == "" {
			in = nil // pg_restore opens it itself
		}
		return s.archive(ctx, in, file.Close), nil
	}
	return nil, errors.Join(fmt.Errorf("%w: %s", ErrKind, s.Form), file.Close())
}

// zip opens the SQL in Odoo's own backup.
func (s Source) zip() (io.ReadCloser, error) {
	z, err := zip.OpenReader(s.Path)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, member := range z.File {
		if (member.Name == Member || member.Name == Manifest) && seen[member.Name] {
			return nil, errors.Join(&requests.FailedError{Message: "The dump has two files called " + member.Name + "."}, z.Close())
		}
		seen[member.Name] = true
	}
	member, err := z.Open(Member)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: a zip without %s", ErrKind, Member), z.Close())
	}
	return &input{member, closers{member.Close, z.Close}}, nil
}

// archive has pg_restore write an archive as SQL; it runs nothing of what it finds there, and can
// read nothing but the archive.
func (s Source) archive(ctx context.Context, in io.Reader, more ...func() error) io.ReadCloser {
	reader, writer := io.Pipe()
	args := []string{"pg_restore", "--no-owner", "--no-privileges", "--file=-"}
	if in == nil {
		args = append(args, "--", s.Path)
	}
	ended := make(chan error, 1)
	go func() {
		said := &program.Lines{To: s.Log, Hide: filepath.Dir(s.Path) + string(filepath.Separator)}
		err := program.Missing(
			"pg_restore",
			program.Program{
				Args:   args,
				Env:    []string{"LC_ALL=C"},
				Folder: s.Folder,
				Stdin:  in,
				Stdout: writer,
				Stderr: said,
				Reads:  []string{s.Path},
			}.Run(
				ctx,
			),
		)
		said.End()
		if _, failed := program.Status(err); failed {
			err = &requests.FailedError{Message: "The dump could not be read by pg_restore: " + said.Tail()}
		}
		_ = writer.CloseWithError(err) // nil is the end
		ended <- err
	}()
	wait := func() error { _ = reader.Close(); return <-ended }
	return &input{reader, append(closers{wait}, more...)}
}
