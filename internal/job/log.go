package job

import (
	"context"
	"io"
	"time"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// logReads is how often the log is read at a time: more must not hold up the check of the
// status.
const logReads = 8

// logPolicy is for the end of the log, which says why an upgrade failed.
var logPolicy = retry.Policy{First: time.Second, Longest: 10 * time.Second, Tries: 4}

// followLog tells what is new in the platform's log. An error is not told: the next check
// of the status will show whether the platform is there.
func (r *run) followLog(ctx context.Context, t upgrade.Ticket) {
	reader, ok := r.platform.(platform.LogReader)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stall.Log)
	defer cancel()
	for range logReads {
		text, err := reader.ReadLog(ctx, t, r.logged)
		if err != nil || len(text) == 0 {
			return
		}
		r.logged += int64(len(text))
		r.tell(event.LogRead{Text: text})
	}
}

// keepLog reads all of the log to out, and into a file where there is a place for it.
func (r *run) keepLog(ctx context.Context, reader platform.LogReader, out io.Writer) (upgrade.Artifact, error) {
	read := func(file io.Writer) error {
		both := io.MultiWriter(out, file)
		return readLog(ctx, outagePolicy, reader, r.seen.Ticket, 0, func(text []byte) error {
			_, err := both.Write(text)
			return err
		})
	}
	if r.saveLog == nil {
		return upgrade.Artifact{}, read(io.Discard)
	}
	return r.saveLog(r.seen.Ticket, read)
}

// finishLog tells the rest of the log of a request that has ended. That it cannot be read
// changes nothing about how the request ended.
func (r *run) finishLog(ctx context.Context, t upgrade.Ticket) {
	reader, ok := r.platform.(platform.LogReader)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stall.LogEnd)
	defer cancel()
	_ = readLog(ctx, logPolicy, reader, t, r.logged, func(text []byte) error {
		r.logged += int64(len(text))
		r.tell(event.LogRead{Text: text})
		return nil
	})
}

// readLog reads the log from a byte to its end.
func readLog(ctx context.Context, policy retry.Policy, reader platform.LogReader, t upgrade.Ticket, from int64, got func([]byte) error) error {
	for {
		var text []byte
		err := policy.Do(ctx, func(ctx context.Context) (err error) {
			text, err = reader.ReadLog(ctx, t, from)
			return err
		}, nil)
		if err != nil || len(text) == 0 {
			return err
		}
		if err := got(text); err != nil {
			return err
		}
		from += int64(len(text))
	}
}
