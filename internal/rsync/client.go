package rsync

import (
	"context"
	"errors"
	"io"

	"odoo-upgrade-action/internal/sshclient"
)

// Connection is to a server; closing it ends whatever waits for it.
type Connection interface {
	io.ReadWriter
	Close() error
}

// Push sends files to a server that was started with PushArgs. sent, which may be nil, is
// called with the bytes that the server has, of all files. When ctx ends the connection
// is closed, and Push returns ctx's cause. After an error the server's messages and exit
// status say more: see Messages.
func Push(ctx context.Context, c Connection, files []File, o PushOptions) (messages string, err error) {
	return whileOpen(ctx, c, func() (*conn, error) {
		p, err := client(c)
		if err != nil {
			return p, err
		}
		if o.Delete {
			p.putInt(0) // an empty list of filters
		}
		s := &sender{conn: p, files: p.sendList(files, listOptions{}), progress: o.Sent}
		if err := s.run(); err != nil {
			return p, err
		}
		last, err := p.int() // the receiver's goodbye
		if err == nil && last != done {
			err = violation("%d in the place of a goodbye", last)
		}
		return p, err
	})
}

// PushOptions say how to push.
type PushOptions struct {
	Delete bool // as in the server's arguments
	Sent   func(int64)
}

// Pull receives files from a server that was started with PullArgs. When ctx ends the
// connection is closed, and Pull returns ctx's cause.
func Pull(ctx context.Context, c Connection, t Target) (result Result, messages string, err error) {
	messages, err = whileOpen(ctx, c, func() (*conn, error) {
		p, err := client(c)
		if err != nil {
			return p, err
		}
		p.putInt(0) // an empty list of filters
		if err := p.out.Flush(); err != nil {
			return p, err
		}
		list, failed, err := p.recvList(pullLetters)
		if err != nil {
			return p, err
		}
		if len(list) == 0 {
			return p, nil // all paths are missing, and the server has ended
		}
		r := &receiver{conn: p, Target: t, list: list, failed: failed, requested: map[int]sumHead{}}
		err = r.run()
		r.result.Kept = r.here
		result = r.result
		if err != nil {
			return p, err
		}
		for range 3 { // statistics
			if _, err := p.long(); err != nil {
				return p, err
			}
		}
		p.putInt(done) // goodbye
		return p, p.out.Flush()
	})
	return result, messages, err
}

// whileOpen does work until ctx ends, which closes the connection. After an error it
// reads what the server still has to say.
func whileOpen(ctx context.Context, c Connection, work func() (*conn, error)) (messages string, err error) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	p, err := work()
	if IsBroken(err) && ctx.Err() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(p.in, maxDrained))
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return p.said.text.String(), err
}

// maxDrained is how much of a failed transfer is read for the messages in it.
const maxDrained = 64 << 20

// IsBroken reports whether an error is the connection's. After any other, the server would
// wait for this side, and has nothing to say.
func IsBroken(err error) bool {
	_, ended := errors.AsType[*sshclient.EndedError](sshclient.Ended(err))
	return ended
}
