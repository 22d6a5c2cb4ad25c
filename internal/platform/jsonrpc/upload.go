package jsonrpc

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/rsync"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// Upload sends the dump once. What a cut left there is resumed. It returns how many bytes
// were sent, and a *dump.UnusableError if the dump changed meanwhile.
func (p *transfers) Upload(ctx context.Context, t upgrade.Ticket, d dump.Info, sent func(int64)) (kept int64, err error) {
	if err := p.use(t); err != nil {
		return 0, err
	}
	if p.tries++; p.tries > 1 {
		// After a cut: is it still there, and still to be uploaded?
		status, err := p.Status(ctx, t)
		if err != nil {
			return p.kept, httpcall.Outage(err)
		}
		if status.Phase != upgrade.Draft {
			return p.kept, fmt.Errorf("the request is %q by now, and takes no upload", status.State)
		}
	}
	files, remote, err := source(d)
	if err != nil {
		return p.kept, err
	}
	if p.session.Remote != remote {
		p.session.Remote = remote
		p.Keeper.Keep(platform.Reference{Ticket: p.seal()})
	}
	l, _, err := p.startTransfer(ctx, "upload")
	if err != nil {
		return p.kept, err
	}
	err = p.push(l, files, remote, d.Size, sent)
	l.close()
	if changed := d.Unchanged(); changed != nil {
		return p.kept, changed
	}
	if err != nil {
		return p.kept, transferError(err)
	}
	p.stop(ctx)
	return p.kept, nil
}

// push sends files in place, so that a cut leaves their beginning; by the script's own
// command if the server does not take that.
func (p *transfers) push(l *line, files []rsync.File, remote string, size int64, sent func(int64)) error {
	resumed := len(files) > 1 // of a folder, the first report says nothing
	furthest := int64(0)      // to send a file again is not progress
	send := func(options ...string) error {
		return l.rsync(rsync.PushArgs(p.root+"/"+remote, options...), func(c rsync.Connection) (string, error) {
			return rsync.Push(l.ctx, c, files, rsync.PushOptions{Delete: true, Compared: l.compared, Sent: func(n int64) {
				if n > furthest {
					furthest = n
					if l.watch.Feed(); n >= size { // the server may need time for what it has
						l.watch.Allow(stall.Response)
					}
				}
				if !resumed && n > 0 {
					p.Tell(event.Resumed{Step: event.Upload, Done: n, Total: size})
				}
				resumed = true
				p.kept = max(p.kept, n)
				sent(n)
			}})
		})
	}
	err := send("--inplace")
	if err == nil && !resumed { // all of it was there
		p.Tell(event.Resumed{Step: event.Upload, Done: size, Total: size})
		sent(size)
	}
	if isCommandRefused(err) {
		return send()
	}
	return err
}

// source returns a dump's files, and the dump's name on the platform.
func source(d dump.Info) (files []rsync.File, remote string, err error) {
	modified := contentTime(d)
	if d.Kind == dump.Directory {
		folder, err := os.OpenRoot(d.Path)
		if err != nil {
			return nil, "", err
		}
		files, err := rsync.Local(folder, ".")
		for i := range files {
			files[i].ModTime = modified
		}
		return files, "origin.dump", err
	}
	extension := map[dump.Kind]string{dump.SQL: ".sql", dump.OdooZip: ".zip"}[d.Kind]
	if extension == "" {
		extension = ".dump"
	}
	open := func() (io.ReadCloser, error) { return d.Open() }
	return []rsync.File{{Name: "dump", Size: d.Size, ModTime: modified, Open: open}}, "origin" + extension + d.Wrapper.Extension(), nil
}

// contentTime is a time that stands for a dump's content. rsync takes a file of the same
// size and time for the same file: so that it is right, the time follows from the content.
func contentTime(d dump.Info) time.Time {
	sum := sha256.Sum256([]byte(d.SHA256))
	return time.Unix(1_000_000_000+int64(binary.BigEndian.Uint32(sum[:])%1_000_000_000), 0)
}
