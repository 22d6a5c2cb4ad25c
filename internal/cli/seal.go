package cli

import (
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/handle"
	"odoo-upgrade-action/internal/upgrade"
)

// sealer passes events on, and hands out the request's handle as soon as there is one,
// and again when it learns something that a later job needs.
type sealer struct {
	planned
	tell func(event.Event)

	ticket   upgrade.Ticket
	protocol string
	dump     dump.Info
	hostKey  string // learned in this run
	changed  bool   // the request needs another handle than the one that was given
	handle   string // the last one that was handed out
}

func (s *sealer) observe(e event.Event) {
	s.tell(e)
	switch e := e.(type) {
	case event.Inspected:
		s.dump = e.Dump
	case event.Created:
		s.seal(e.Ticket)
	case event.Continuing:
		s.seal(e.Ticket)
	case event.ProtocolChosen:
		s.protocol = e.Protocol
		if s.ticket.ID != "" {
			s.seal(s.ticket) // one that is continued by its ID and key
		}
	case event.HostKeyLearned:
		s.hostKey, s.changed = e.Key, true
		s.seal(s.ticket)
	case event.TicketChanged:
		s.changed = true
		s.seal(e.Ticket)
	}
}

// seal hands out a handle: the one that was given, unless there is more to say. There
// is none without a secret, nor for an embedded sandbox, whose requests end with the
// command.
func (s *sealer) seal(t upgrade.Ticket) {
	s.ticket = t
	if s.Handle != "" && !s.changed {
		s.hand(s.Handle)
		return
	}
	if s.secret() == "" || s.isEmbedded() {
		return
	}
	h := s.opened
	h.Ticket = t
	if s.Handle == "" {
		h = handle.Handle{Server: s.server, Protocol: s.protocol, Ticket: t, Filename: s.plan.Request.Filename, Email: s.Email, Aim: s.Aim.Aim, Target: s.Target.String()}
	}
	if s.Handle == "" && s.RequestID == "" { // otherwise it is not known which dump the request was created for
		h.DumpSHA256, h.DumpSize = s.dump.SHA256, s.dump.Size
	}
	if s.hostKey != "" {
		h.SSHHostKey = s.hostKey
	}
	sealed, err := handle.Seal(h, s.secret())
	if err != nil {
		s.tell(event.HandleNotSealed{Err: err})
		return
	}
	s.hand(sealed)
}

func (s *sealer) hand(sealed string) {
	s.handle = sealed
	s.tell(event.HandleSealed{Handle: sealed})
}
