package rsync

import (
	"cmp"
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

// Push sends files to a server that was started with PushArgs, and returns the server's
// messages. When ctx ends, the connection is closed and Push returns ctx's cause. The error
// is ErrNoGreeting if the server refuses the command; after any other, messages and the
// server's exit status say more.
func Push(ctx context.Context, c Connection, files []File, o PushOptions) (messages string, err error) {
	return whileOpen(ctx, c, func() (*conn, error) {
		s := &sender{progress: o.Sent, compared: o.Compared}
		p, err := client(c, Protocol30, func(p *conn) {
			if o.Delete {
				p.putInt(0) // an empty list of filters
			}
			s.conn, s.files = p, p.sendList(files, listOptions{})
		})
		if err != nil {
			return p, err
		}
		if err := s.run(); err != nil {
			return p, err
		}
		return p, p.recvGoodbye()
	})
}

// PushOptions say how to push.
type PushOptions struct {
	Delete bool        // as in the server's arguments
	Sent   func(int64) // called, unless nil, with the bytes that the server has, of all files
	// Compared is called, unless nil, with the bytes of a partial file whose sums arrived.
	Compared func(n int64)
}

// Pull receives files from a server that was started with PullArgs and the same protocol,
// and returns the server's messages. When ctx ends, the connection is closed and Pull
// returns ctx's cause. The result tells what is here after an error, too. The error is
// ErrNoGreeting if the server refuses the command, ErrIncRecurse if it runs another one,
// ErrNotSent if it could not send a file, ErrChanged if one changed meanwhile, and a
// *TooLargeError if more would arrive than t allows.
func Pull(ctx context.Context, c Connection, version Protocol, t Target) (result Result, messages string, err error) {
	messages, err = whileOpen(ctx, c, func() (*conn, error) {
		p, err := client(c, version, func(p *conn) {
			p.putInt(0) // an empty list of filters
		})
		if err != nil {
			return p, err
		}
		list, failed, err := p.recvList(pullFields)
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
		if err := p.skipStatistics(); err != nil {
			return p, err
		}
		return p, cmp.Or(p.endPhase(), r.notSent)
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
