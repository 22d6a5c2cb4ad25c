package run

import (
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/handle"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/report"
)

// sealer keeps the request's reference, and hands out its handle as soon as there is one, and
// again when it learns something that a later job needs.
type sealer struct {
	*Plan
	report *report.Report

	now     platform.Reference
	changed bool // the request needs another handle than the one that was given
}

// Keep implements platform.Keeper.
func (s *sealer) Keep(r platform.Reference) {
	if r.Protocol != "" {
		s.now.Protocol = r.Protocol
	}
	if r.HostKey != "" {
		s.now.HostKey, s.changed = r.HostKey, true
	}
	if r.DumpSHA256 != "" {
		s.now.DumpSHA256, s.now.DumpSize = r.DumpSHA256, r.DumpSize
	}
	if r.Ticket.ID != "" {
		s.changed = s.changed || s.now.Ticket.ID != "" && s.now.Ticket != r.Ticket
		s.now.Ticket = r.Ticket
	}
	if s.now.Ticket.ID != "" {
		s.seal()
	}
}

// seal hands out a handle: the one that was given, unless there is more to say. There
// is none without a secret, nor for an embedded sandbox, whose requests end with the
// command.
func (s *sealer) seal() {
	if s.Handle != "" && !s.changed {
		s.hand(s.Handle)
		return
	}
	if s.secret() == "" || s.isEmbedded() {
		return
	}
	h := s.opened
	h.Ticket = s.now.Ticket
	if s.Handle == "" {
		h = handle.Handle{
			Server:   s.server,
			Protocol: s.now.Protocol,
			Ticket:   s.now.Ticket,
			Filename: s.plan.Request.Filename,
			Email:    s.Email,
			Aim:      s.Aim,
			Target:   s.Target.String(),
		}
		h.DumpSHA256, h.DumpSize = s.now.DumpSHA256, s.now.DumpSize
	}
	if s.now.HostKey != "" {
		h.SSHHostKey = s.now.HostKey
	}
	sealed, err := handle.Seal(h, s.secret())
	if err != nil {
		s.report.Observe(event.HandleNotSealed{Err: err})
		return
	}
	s.hand(sealed)
}

func (s *sealer) hand(sealed string) {
	s.Plan.handle = sealed
	s.report.Handle(sealed)
}
