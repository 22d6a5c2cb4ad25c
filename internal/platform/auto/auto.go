// Package auto is a platform whose back end turns out at the first call: it is the first of
// several that the platform has.
package auto

import (
	"context"
	"errors"
	"slices"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/upgrade"
)

// Platform is the first back end that exists. A refusal is an answer, and final.
type Platform struct {
	platform.Platform                     // the one to use
	rest              []platform.Platform // those that come next, none once it is known
	config            platform.Config
}

// New returns a platform that has one of the back ends, the first if several exist; and tells
// and keeps which that is. It connects to nothing yet; its error says which input is wrong.
func New(c platform.Config, specs ...platform.Spec) (*Platform, error) {
	p := &Platform{config: c}
	for _, spec := range specs {
		one, err := spec.New(c)
		if err != nil { // the others would say the same
			return nil, err
		}
		p.rest = append(p.rest, one)
	}
	p.next()
	return p, nil
}

// next goes to the next back end. The last one is chosen.
func (p *Platform) next() {
	p.Platform, p.rest = p.rest[0], p.rest[1:]
	if len(p.rest) == 0 {
		p.chosen()
	}
}

func (p *Platform) chosen() {
	p.rest = nil
	name := p.Platform.Spec().Name
	p.config.Tell(event.ProtocolChosen{Protocol: name})
	p.config.Keeper.Keep(platform.Reference{Protocol: name})
}

// settle goes to the next back end if err says that this one does not exist. An outage says
// nothing.
func (p *Platform) settle(err error) (again bool) {
	if len(p.rest) == 0 {
		return false
	}
	if absent, ok := errors.AsType[*httpcall.ResponseError](err); ok && absent.IsAbsent() {
		p.next()
		return true
	}
	if _, refused := errors.AsType[*upgrade.RefusedError](err); err == nil || refused {
		p.chosen()
	}
	return false
}

// Spec is that of the back end, as far as it is known: it offers what all of them do.
func (p *Platform) Spec() platform.Spec {
	s := p.Platform.Spec()
	for _, other := range p.rest {
		s.Offers = slices.DeleteFunc(
			slices.Clone(s.Offers),
			func(item upgrade.Item) bool { return !slices.Contains(other.Spec().Offers, item) },
		)
	}
	return s
}

// Create implements platform.Platform.
func (p *Platform) Create(ctx context.Context, r upgrade.Request) (upgrade.Ticket, upgrade.Status, error) {
	t, s, err := p.Platform.Create(ctx, r)
	if p.settle(err) {
		err = platform.ErrOtherProtocol // which takes other dumps
	}
	return t, s, err
}

// Status implements platform.Platform.
func (p *Platform) Status(ctx context.Context, t upgrade.Ticket) (s upgrade.Status, err error) {
	for again := true; again; again = p.settle(err) {
		s, err = p.Platform.Status(ctx, t)
	}
	return s, err
}

// SkipTest implements platform.SkipTester.
func (p *Platform) SkipTest(ctx context.Context, t upgrade.Ticket) error {
	if skips, ok := p.Platform.(platform.SkipTester); ok {
		return skips.SkipTest(ctx, t)
	}
	return platform.ErrAlwaysTests
}

// ReadLog implements platform.LogReader.
func (p *Platform) ReadLog(ctx context.Context, t upgrade.Ticket, from int64) ([]byte, error) {
	if reader, ok := p.Platform.(platform.LogReader); ok {
		return reader.ReadLog(ctx, t, from)
	}
	return nil, nil
}

// Close implements platform.Closer.
func (p *Platform) Close(ctx context.Context) {
	if c, ok := p.Platform.(platform.Closer); ok {
		c.Close(ctx)
	}
}

var _ platform.Platform = (*Platform)(nil)
