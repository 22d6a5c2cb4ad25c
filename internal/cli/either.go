package cli

import (
	"context"
	"errors"
	"slices"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// complete is a platform that does everything that a command may need.
type complete interface {
	job.Platform
	job.Uploader
	job.Processor
	job.Fetcher
}

// either is a platform whose protocol turns out at the first call: it is the first one,
// unless that does not exist there. A refusal is an answer, and final.
type either struct {
	now, next complete // next is nil once it is known
	names     []string // of both
	tell      func(event.Event)
}

// settle makes the other platform the one to use if err says that this one does not exist.
func (e *either) settle(err error) (again bool) {
	if e.next == nil {
		return false
	}
	absent, ok := errors.AsType[*httpcall.ResponseError](err)
	again = ok && absent.IsAbsent()
	if err != nil && !again {
		if _, refused := errors.AsType[*upgrade.RefusedError](err); !refused {
			return false // an outage says nothing
		}
	}
	name := e.names[0]
	if again {
		name, e.now = e.names[1], e.next
	}
	e.next = nil
	e.tell(event.ProtocolChosen{Protocol: name})
	return again
}

// Create implements job.Platform.
func (e *either) Create(ctx context.Context, r upgrade.Request) (upgrade.Ticket, upgrade.Status, error) {
	t, s, err := e.now.Create(ctx, r)
	if e.settle(err) {
		err = job.ErrOtherProtocol // which takes other dumps
	}
	return t, s, err
}

// Status implements job.Platform.
func (e *either) Status(ctx context.Context, t upgrade.Ticket) (upgrade.Status, error) {
	s, err := e.now.Status(ctx, t)
	if e.settle(err) {
		return e.now.Status(ctx, t)
	}
	return s, err
}

// Forms implements job.Uploader.
func (e *either) Forms() []dump.Form { return e.now.Forms() }

// Upload implements job.Uploader.
func (e *either) Upload(ctx context.Context, t upgrade.Ticket, d dump.Info, sent func(int64)) (int64, error) {
	return e.now.Upload(ctx, t, d, sent)
}

// Process implements job.Processor.
func (e *either) Process(ctx context.Context, t upgrade.Ticket) error { return e.now.Process(ctx, t) }

// Items implements job.Fetcher: while the protocol is not known, what both offer.
func (e *either) Items() []upgrade.Item {
	items := e.now.Items()
	if e.next == nil {
		return items
	}
	return slices.DeleteFunc(items, func(item upgrade.Item) bool { return !slices.Contains(e.next.Items(), item) })
}

// Fetch implements job.Fetcher.
func (e *either) Fetch(ctx context.Context, s upgrade.Status, item upgrade.Item, progress func(done, total int64)) (upgrade.Artifact, int64, error) {
	return e.now.Fetch(ctx, s, item, progress)
}

// ReadLog implements job.LogReader.
func (e *either) ReadLog(ctx context.Context, t upgrade.Ticket, from int64) ([]byte, error) {
	if reader, ok := e.now.(job.LogReader); ok {
		return reader.ReadLog(ctx, t, from)
	}
	return nil, nil
}

// Close implements job.Closer.
func (e *either) Close(ctx context.Context) {
	if c, ok := e.now.(job.Closer); ok {
		c.Close(ctx)
	}
}
