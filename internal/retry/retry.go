// Package retry says what is tried again, when and how often, with cenkalti/backoff. It
// is the only package that sleeps.
//
// An error is final unless it was marked with Transient: a layer that knows the protocol
// marks, and the one owner of an operation retries, with a Policy and its Do.
package retry

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

type transientError struct {
	err   error
	after time.Duration
	few   bool
}

func (e *transientError) Error() string { return e.err.Error() }
func (e *transientError) Unwrap() error { return e.err }

// Transient marks err as worth another try. It returns nil for nil.
func Transient(err error) error { return TransientAfter(err, 0) }

// TransientAfter is Transient for a peer that says how long to wait before the next try
// (Retry-After); a pause of zero or less leaves that to the policy.
func TransientAfter(err error, after time.Duration) error {
	if err == nil {
		return nil
	}
	return &transientError{err: err, after: after}
}

// Doubtful marks err as worth a few more tries, not as many as an outage is: the peer is
// there, and it was the peer that failed. It returns nil for nil.
func Doubtful(err error) error {
	if err == nil {
		return nil
	}
	return &transientError{err: err, few: true}
}

// fewTries is how often in all an operation is tried that fails with a Doubtful error.
const fewTries = 4

// IsTransient reports whether err, or an error that it wraps, is worth another try.
func IsTransient(err error) bool {
	_, ok := errors.AsType[*transientError](err)
	return ok
}

// After returns how long the Retry-After in an HTTP response's header asks to wait, in
// seconds or until a date (RFC 9110, section 10.2.3): 0 if there is none, if it is
// malformed, and if it has passed.
func After(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}

// Policy is how an operation is tried again. Pauses grow from First by half,
// with jitter, up to Longest.
type Policy struct {
	First, Longest time.Duration
	Tries          uint          // in all; 0 for any number
	Budget         time.Duration // no try starts later than this after the first failure; 0 for any time
}

// longestAfter limits the pause that a peer may ask for: it must not stop a run for days.
const longestAfter = 5 * time.Minute

// Do runs op until it succeeds, fails for good, the policy is used up or ctx ends. It
// returns op's last error, or ctx's cause if ctx ended. Before each pause it calls
// notify, which may be nil, with the error and the pause.
func (p Policy) Do(ctx context.Context, op func(context.Context) error, notify func(error, time.Duration)) error {
	var last error
	doubtful := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = op(ctx)
		if mark, ok := errors.AsType[*transientError](last); ok && mark.few {
			if doubtful++; doubtful == fewTries {
				return struct{}{}, backoff.Permanent(last)
			}
		}
		return struct{}{}, p.classify(last)
	},
		backoff.WithBackOff(p.pauses()),
		backoff.WithMaxTries(p.Tries),
		backoff.WithMaxElapsedTime(0), // the budget is kept by pauses
		backoff.WithNotify(func(_ error, pause time.Duration) {
			if notify != nil {
				notify(last, pause)
			}
		}))
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return last
	}
	return nil
}

// classify turns our marks into those that backoff.Retry understands.
func (p Policy) classify(err error) error {
	if err == nil {
		return nil
	}
	mark, ok := errors.AsType[*transientError](err)
	switch {
	case !ok:
		return backoff.Permanent(err)
	case mark.after > 0:
		// With a pause below First, a peer could make us spin.
		return &backoff.RetryAfterError{Duration: min(max(mark.after, p.First), max(longestAfter, p.First))}
	}
	return err
}

func (p Policy) pauses() backoff.BackOff {
	return &budgeted{BackOff: exponential(p.First, p.Longest), budget: p.Budget}
}

func exponential(first, longest time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     first,
		MaxInterval:         longest,
		Multiplier:          1.5,
		RandomizationFactor: 0.2,
	}
}

// budgeted stops a BackOff once the budget is used up. backoff's own limit counts from the
// first try, which may have taken hours.
type budgeted struct {
	backoff.BackOff
	budget time.Duration
	failed time.Time // for the first time
}

func (b *budgeted) NextBackOff() time.Duration {
	if b.failed.IsZero() {
		b.failed = time.Now()
	}
	if b.budget > 0 && time.Since(b.failed) >= b.budget {
		return backoff.Stop
	}
	return b.BackOff.NextBackOff()
}

// Poll paces repeated checks of something that changes rarely: often at first and after
// each Changed, then less and less.
type Poll struct {
	longest time.Duration
	pauses  *backoff.ExponentialBackOff
}

// firstPoll is the first pause of a Poll; shorter ones would only load the platform.
const firstPoll = time.Second

// NewPoll returns a Poll whose pauses grow up to longest.
func NewPoll(longest time.Duration) *Poll {
	p := &Poll{longest: longest, pauses: exponential(min(firstPoll, longest), longest)}
	p.Changed()
	return p
}

// Changed makes the next pauses short again.
func (p *Poll) Changed() { p.pauses.Reset() }

// Pause waits until the next check is due, but never past deadline. It returns ctx's
// cause if ctx ends first.
func (p *Poll) Pause(ctx context.Context, deadline time.Time) error {
	return Sleep(ctx, min(p.pauses.NextBackOff(), p.longest, time.Until(deadline)))
}

// Sleep waits for d, or returns ctx's cause if ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
