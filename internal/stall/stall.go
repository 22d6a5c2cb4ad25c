// Package stall says how long a peer may be quiet, and ends what it holds up. All limits are
// here, each with its reason.
//
// Context returns a context that ends unless it is fed; New is for what has no context. A Rate
// ends a transfer that moves, but too slowly to end.
package stall

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"odoo-upgrade-action/internal/retry"
)

// How long a peer may be quiet.
const (
	// SSH is for an SSH server that sends nothing at all, not even responses to keep-alives,
	// of which it gets several in that time.
	SSH = time.Minute
	// SFTPRefusal is before an SSH server is asked, on another channel, whether it offers SFTP
	// at all: the request for it wants no response, which saves a round trip, so a refusal is
	// not reported. It may not open another channel; so SFTPGreeting is the longest time.
	SFTPRefusal  = 5 * time.Second
	SFTPGreeting = 30 * time.Second
	// SFTPStart is for an SSH server that does send something to start SFTP, and SFTPResponse
	// to respond to any of the requests.
	SFTPStart    = 3 * SSH
	SFTPResponse = 5 * SSH
	// Body is for a transfer over HTTPS between two bytes: nothing is computed there.
	Body = 2 * time.Minute
	// Transfer is for one over rsync: whatever the server sends to show that it is alive,
	// bytes of the file have to be moved or compared.
	Transfer = 5 * time.Minute
	// Response is before the first byte of a file, and after the last: the platform may read
	// through all of a dump before it responds, or compress an archive before it sends it.
	Response = 15 * time.Minute
	// Call is for a call of an API; it computes little.
	Call = time.Minute
	// Process is for the call that begins the upgrade: the platform may read the whole dump
	// before it responds.
	Process = 10 * time.Minute
	// Log is for what is new in the platform's log, and LogEnd for all of the rest once the
	// request has ended: a log must not hold up what it is about.
	Log    = 30 * time.Second
	LogEnd = 2 * time.Minute
	// Notes is for the platform's report of an upgrade, which a run can do without.
	Notes = 5 * time.Minute
	// Close is for the last call of a run, after a stop, too, where the runner kills soon.
	Close = 3 * time.Second
	// End is for a command on a server that did its work, or failed, to end.
	End = time.Minute
)

// ErrIdle is why a transfer ended that did not progress. Another try may.
var ErrIdle = retry.Transient(errors.New("the transfer did not progress for too long"))

// ErrSilent is why a connection ended whose server sent nothing for too long, not even responses
// to keep-alives.
var ErrSilent = errors.New("the server sent nothing for too long")

// Watch calls a function once it was not fed for too long.
type Watch struct {
	timer *time.Timer
	limit atomic.Int64 // a time.Duration
}

// New returns a Watch that calls late unless it is fed within the limit, again and again. Stop
// has to be called in the end.
func New(limit time.Duration, late func()) *Watch {
	w := &Watch{timer: time.AfterFunc(limit, late)}
	w.limit.Store(int64(limit))
	return w
}

// Context returns a context that ends with ErrIdle as its cause unless its Watch is fed. stop
// has to be called in the end.
func Context(ctx context.Context, limit time.Duration) (_ context.Context, w *Watch, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w = New(limit, func() { cancel(ErrIdle) })
	return ctx, w, func() { w.Stop(); cancel(nil) }
}

// Feed grants the limit once more, from now.
func (w *Watch) Feed() { w.timer.Reset(time.Duration(w.limit.Load())) }

// Allow sets another limit, and grants it from now.
func (w *Watch) Allow(limit time.Duration) {
	w.limit.Store(int64(limit))
	w.Feed()
}

// Stop ends the Watch.
func (w *Watch) Stop() { w.timer.Stop() }
