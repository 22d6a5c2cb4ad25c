package v1

import (
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"odoo-upgrade-action/internal/confine"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// errNoSQL says that a file cannot be shown as SQL.
var errNoSQL = errors.New("no SQL can be made of this kind of file")

// sqlStream serves a file of a request as SQL, made at the first call.
func (s *Server) sqlStream(name string) func(http.ResponseWriter, *http.Request, requests.Record) {
	return func(w http.ResponseWriter, r *http.Request, found requests.Record) {
		if s.Store.Size(found.ID, name) == 0 || name == requests.UpgradedFile && !found.IsUpgraded() || name == requests.OriginalFile && !found.Usable {
			http.Error(w, "not there (yet)", http.StatusNotFound)
			return
		}
		if err := s.makeSQL(r, found.ID, name); errors.Is(err, errBusy) {
			w.Header().Set("Retry-After", "10")
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		} else if err != nil {
			s.Log("sql: " + err.Error())
			http.Error(w, err.Error(), http.StatusNotImplemented)
			return
		}
		s.serveFile(w, r, found, name+".sql", strings.TrimSuffix(found.Filename, ".dump")+".sql")
	}
}

// Limits of what is made of an upload: a few kilobytes can hold as many terabytes of zeros.
const (
	maxSQL    = 64 << 30
	maxRatio  = 100      // to the upload's size
	leastSQL  = 64 << 20 // of a small one
	sqlAtOnce = 4        // conversions, one for each client
	sqlTime   = time.Hour
)

var errBusy = errors.New("too much is being converted: try again later")

// makeSQL makes a file of a request SQL, unless that is there. It ends with the call.
func (s *Server) makeSQL(call *http.Request, id int, name string) (err error) {
	to := s.Store.Path(id, name+".sql")
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	release, ok := s.sql.Take(call.RemoteAddr)
	if !ok {
		return errBusy
	}
	defer release()
	ctx, cancel := context.WithTimeout(call.Context(), sqlTime)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	out, err := os.CreateTemp(filepath.Dir(to), name+"-*.new")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, out.Close())
		if err == nil {
			err = os.Rename(out.Name(), to)
		} else {
			_ = os.Remove(out.Name())
		}
	}()
	return s.writeSQL(ctx, id, name, &bounded{
		ctx: ctx, out: out, left: min(maxSQL, max(leastSQL, maxRatio*s.Store.Size(id, name))), full: errors.New("it holds more SQL than is converted here"),
	})
}

func (s *Server) writeSQL(ctx context.Context, id int, name string, out io.Writer) error {
	path := s.Store.Path(id, name)
	switch s.kind(id, name) {
	case dump.Custom, dump.Tar:
		return pgRestore(ctx, path, out)
	case dump.Zip:
		return unzip(path, out)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return plainSQL(file, out)
}

// plainSQL copies SQL, gzipped or not.
func plainSQL(in io.Reader, out io.Writer) error {
	peeked := bufio.NewReaderSize(in, dump.HeadSize)
	head, _ := peeked.Peek(dump.HeadSize)
	switch dump.Sniff(head) {
	case dump.SQL:
		return copyAll(out, peeked)
	case dump.Gzip:
		decompressed, err := gzip.NewReader(peeked)
		if err != nil {
			return err
		}
		defer decompressed.Close()
		inner := bufio.NewReaderSize(decompressed, dump.HeadSize)
		if head, _ := inner.Peek(dump.HeadSize); dump.Sniff(head) != dump.SQL {
			return errNoSQL
		}
		return copyAll(out, inner)
	}
	return errNoSQL
}

// unzip copies dump.sql out of Odoo's own backup.
func unzip(path string, out io.Writer) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close()
	file, err := z.Open("dump.sql")
	if err != nil {
		return errNoSQL
	}
	defer file.Close()
	return copyAll(out, file)
}

func copyAll(out io.Writer, in io.Reader) error {
	_, err := io.Copy(out, in)
	return err
}

// pgRestore lets PostgreSQL's own program write an archive as SQL; it runs nothing of what
// it finds there, and can read nothing but the archive.
func pgRestore(ctx context.Context, path string, out io.Writer) error {
	program, err := exec.LookPath("pg_restore")
	if err != nil {
		return fmt.Errorf("%w without PostgreSQL's pg_restore, which is not installed", errNoSQL)
	}
	command := exec.CommandContext(ctx, program, "--file=-", "--", path)
	said := &bounded{left: 300}
	command.Stdout, command.Stderr = out, said
	if err := confine.Start(command, path); err != nil {
		return fmt.Errorf("pg_restore: %w", err)
	}
	if err := command.Wait(); err != nil {
		return fmt.Errorf("pg_restore: %w: %s", err, said.text)
	}
	return nil
}

// bounded writes a limited number of bytes to out, or keeps them in text if out is nil. It
// then fails with full or, if that is nil, silently discards the rest. It fails, too, once
// ctx, which may be nil, has ended.
type bounded struct {
	ctx  context.Context
	out  io.Writer
	text []byte
	left int64
	full error
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.ctx != nil && b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	part := p[:min(int64(len(p)), b.left)]
	b.left -= int64(len(part))
	if b.out == nil {
		b.text = append(b.text, part...)
	} else if _, err := b.out.Write(part); err != nil {
		return 0, err
	}
	if len(part) < len(p) && b.full != nil {
		return len(part), b.full
	}
	return len(p), nil
}
