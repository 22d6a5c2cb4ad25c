package v1

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"odoo-upgrade-action/internal/sandbox/plain"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// sqlStream serves a file of a request as SQL, made at the first call.
func (s *Server) sqlStream(name string) func(http.ResponseWriter, *http.Request, requests.Record) {
	return func(w http.ResponseWriter, r *http.Request, found requests.Record) {
		if s.Store.Size(found.ID, name) == 0 || name == requests.UpgradedFile && !found.IsUpgraded() ||
			name == requests.OriginalFile && !found.Usable {
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
	form, err := plain.Sniff(path)
	if err != nil {
		return err
	}
	sql, err := plain.Open(ctx, plain.Source{Path: path, Form: form, Folder: s.Store.Path(id, ""), Log: io.Discard})
	if err != nil {
		return err
	}
	_, err = io.Copy(out, sql)
	return errors.Join(err, sql.Close())
}

// bounded writes a limited number of bytes to out, and then fails with full. It fails, too, once
// ctx has ended.
type bounded struct {
	ctx  context.Context
	out  io.Writer
	left int64
	full error
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	part := p[:min(int64(len(p)), b.left)]
	b.left -= int64(len(part))
	if _, err := b.out.Write(part); err != nil {
		return 0, err
	}
	if len(part) < len(p) {
		return len(part), b.full
	}
	return len(p), nil
}
