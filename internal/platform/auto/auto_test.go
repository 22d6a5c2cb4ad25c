package auto

import (
	"context"
	"errors"
	"slices"
	"testing"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/upgrade"
)

// backEnd is one whose calls end with err.
type backEnd struct {
	platform.Base
	name   string
	offers []upgrade.Item
	err    error
}

func (b *backEnd) Spec() platform.Spec {
	return platform.Spec{Name: b.name, Offers: b.offers, New: func(platform.Config) (platform.Platform, error) { return b, nil }}
}

func (b *backEnd) Create(context.Context, upgrade.Request) (upgrade.Ticket, upgrade.Status, error) {
	return upgrade.Ticket{ID: b.name}, upgrade.Status{}, b.err
}

func (b *backEnd) Status(context.Context, upgrade.Ticket) (upgrade.Status, error) {
	return upgrade.Status{State: b.name}, b.err
}

// keeper keeps the name of a protocol.
type keeper struct{ name *string }

func (k keeper) Keep(r platform.Reference) { *k.name += r.Protocol }

// TestFirstThatExists goes through three back ends until one responds.
func TestFirstThatExists(t *testing.T) {
	absent, outage, refused := &httpcall.ResponseError{Code: 404}, errors.New("connection reset"), &upgrade.RefusedError{}
	for name, c := range map[string]struct {
		errs    [3]error
		chosen  string // "" while it is not known
		creates int    // calls until there is an answer
		want    error
	}{
		"the first":                 {[3]error{nil, nil, nil}, "a", 1, nil},
		"the second":                {[3]error{absent, nil, nil}, "b", 2, nil},
		"the last":                  {[3]error{absent, absent, nil}, "c", 3, nil},
		"none":                      {[3]error{absent, absent, absent}, "c", 3, absent},
		"a refusal is an answer":    {[3]error{refused, nil, nil}, "a", 1, refused},
		"an outage says nothing":    {[3]error{outage, nil, nil}, "", 1, outage},
		"an outage after the first": {[3]error{absent, outage, nil}, "", 2, outage},
	} {
		t.Run(name, func(t *testing.T) {
			begin := func() (p *Platform, chosen *string) {
				chosen = new(string)
				all := []upgrade.Item{upgrade.UpgradedDump, upgrade.Notes, upgrade.Log}
				var specs []platform.Spec
				for i, name := range []string{"a", "b", "c"} {
					specs = append(specs, (&backEnd{name: name, offers: all[:3-i], err: c.errs[i]}).Spec())
				}
				p, err := New(platform.Config{Tell: func(event.Event) {}, Keeper: keeper{chosen}}, specs...)
				if err != nil || !slices.Equal(p.Spec().Offers, all[:1]) {
					t.Fatalf("%v, offers %v", err, p.Spec().Offers)
				}
				return p, chosen
			}
			p, chosen := begin()
			creates, err := 0, platform.ErrOtherProtocol
			for ; errors.Is(err, platform.ErrOtherProtocol); creates++ {
				_, _, err = p.Create(t.Context(), upgrade.Request{})
			}
			if creates != c.creates || !errors.Is(err, c.want) || *chosen != c.chosen {
				t.Errorf("created with %q by %d calls: %v", *chosen, creates, err)
			}
			p, chosen = begin()
			if s, err := p.Status(t.Context(), upgrade.Ticket{}); !errors.Is(err, c.want) || *chosen != c.chosen || err == nil && s.State != c.chosen {
				t.Errorf("status of %q by %q: %v", s.State, *chosen, err)
			}
		})
	}
}
