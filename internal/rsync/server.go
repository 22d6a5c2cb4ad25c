package rsync

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// ServeReceiver receives files from a client, as the server's arguments say. seed is of
// the checksums. It returns what is there, and the exit status for the client.
func ServeReceiver(ctx context.Context, c Connection, a Args, t Target, seed uint32) (result Result, status int, err error) {
	t.InPlace, t.Delete = t.InPlace || a.InPlace, a.Delete
	err = serve(ctx, c, a, seed, func(p *conn) error {
		if a.Delete {
			if err := p.recvFilters(); err != nil {
				return err
			}
		}
		list, failed, err := p.recvList(a.list)
		if err != nil {
			return err
		}
		r := &receiver{conn: p, Target: t, list: list, failed: failed, requested: map[int]sumHead{}}
		err = r.run()
		r.result.Kept = r.here
		result = r.result
		if err != nil {
			return err
		}
		return cmp.Or(p.endPhase(), r.notSent)
	})
	return result, exitStatus(err), err
}

// ServeSender sends files to a client, as the server's arguments say. It returns the exit
// status for the client.
func ServeSender(ctx context.Context, c Connection, a Args, files []File, seed uint32) (status int, err error) {
	err = serve(ctx, c, a, seed, func(p *conn) error {
		if err := p.recvFilters(); err != nil {
			return err
		}
		s := &sender{conn: p, files: p.sendList(files, a.list)}
		if len(files) == 0 {
			return p.out.Flush() // the client has nothing to ask for
		}
		if err := s.run(); err != nil {
			return err
		}
		for range p.statCount() { // which are not collected here
			p.putLong(s.total)
		}
		if err := p.out.Flush(); err != nil {
			return err
		}
		return p.recvGoodbye()
	})
	return exitStatus(err), err
}

// serve greets the client and does the work. The client is told about an error.
func serve(ctx context.Context, c Connection, a Args, seed uint32, work func(*conn) error) error {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	p, err := server(c, a.capabilities, seed)
	if err != nil {
		return err
	}
	if err = work(p); err != nil {
		go func() { _, _ = io.Copy(io.Discard, c) }() // the client may have to write first
		_ = p.mux.frame(codeError, []byte("rsync: "+err.Error()+"\n"))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// recvFilters reads the list of filters, which has to be empty.
func (c *conn) recvFilters() error {
	n, err := c.int()
	if err == nil && n != 0 {
		err = violation("filters")
	}
	return err
}

func exitStatus(err error) int {
	_, path := errors.AsType[*fs.PathError](err)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errProtocol):
		return StatusProtocol
	case errors.Is(err, ErrNotSent):
		return StatusPartial
	case path || errors.Is(err, syscall.ENOSPC):
		return StatusFileIO
	}
	return StatusStream
}

// Local returns the files below a path in a folder, as a sender lists them: under the
// path's last element, or with "." first if what is wanted is the content of a folder. A
// missing path has none.
func Local(root *os.Root, name string) (files []File, err error) {
	top := path.Clean(name)
	err = fs.WalkDir(root.FS(), top, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		f := File{Name: at, Size: info.Size(), ModTime: info.ModTime(), Folder: d.IsDir()}
		if top != "." {
			f.Name = path.Join(path.Base(top), strings.TrimPrefix(at, top))
		}
		if d.IsDir() {
			f.Size = 0
		} else {
			f.Open = func() (io.ReadCloser, error) { return root.Open(at) }
		}
		files = append(files, f)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) && len(files) == 0 {
		return nil, nil
	}
	return files, err
}
