package report

import (
	"fmt"
	"maps"
	"net/url"
	"time"

	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/upgrade"
)

// mostURLs limits how many different addresses a platform's statuses may name: each is a
// secret that every text is searched for.
const mostURLs = 300

// statuses reports what the platform says of the request.
type statuses struct {
	*outputs
	began   time.Time
	status  upgrade.Status  // the last one
	unknown map[string]bool // states, which were warned of
	urls    int             // that are masked
	hushed  bool            // no more of the statuses is shown than the state
	waiting pace            // for a platform that reports nothing new
}

// statusRead reports what is new in a status.
func (p *statuses) statusRead(s upgrade.Status) {
	before, now := p.status, time.Now()
	p.maskURLs(s)
	if changed(before, s) {
		p.statusOutputs(s)
	}
	if p.hushed { // the fields may hold addresses that are not masked
		s.Fields, s.Links = nil, nil
	}
	if lines := news(before, s); len(lines) > 0 {
		for _, line := range lines {
			p.info(line)
		}
		p.waiting = newPace(now, time.Minute, 30*time.Minute)
	} else if p.waiting.due(now) {
		p.info(fmt.Sprintf("Still %q, %s after the start.", s.State, show.Duration(now.Sub(p.began))))
	}
	if s.Phase == upgrade.Unknown && !p.unknown[s.State] {
		p.unknown[s.State] = true
		p.warn("Unknown state", fmt.Sprintf(
			"The platform's state %q is not documented. It counts as neither success nor failure, so the run keeps waiting. If it is a final state, add it to success-states or failure-states.",
			s.State,
		))
	}
	p.status = s
}

// news lists what a person wants to know of a status that was not so before.
func news(before, now upgrade.Status) []string {
	var lines []string
	if now.State != before.State && before.State != "" {
		lines = append(lines, "State: "+before.State+" → "+now.State)
	} else if now.State != before.State {
		lines = append(lines, "State: "+now.State)
	}
	for _, shown := range []struct {
		field  upgrade.Field
		format string
	}{
		{upgrade.IssueStage, "Odoo's support issue: %s"},
		{upgrade.DatabaseVersion, "Odoo version detected by the platform: %s"},
		{upgrade.EstimatedTime, "Estimated time: %s"},
		{upgrade.CustomerMessage, "The platform's message: %s"},
	} {
		if is := now.Get(shown.field); is != "" && is != before.Get(shown.field) {
			lines = append(lines, fmt.Sprintf(shown.format, is))
		}
	}
	return lines
}

// changed reports whether anything but the time is different.
func changed(before, now upgrade.Status) bool {
	if before.State != now.State {
		return true
	}
	for _, f := range upgrade.Fields() {
		if f.Name != upgrade.Elapsed && before.Get(f.Name) != now.Get(f.Name) {
			return true
		}
	}
	return !maps.Equal(before.Links, now.Links)
}

// maskURLs masks the URLs in a status: each of them gives access to the database. One that
// holds the key is masked by the key's mask.
func (p *statuses) maskURLs(s upgrade.Status) {
	for _, l := range upgrade.Links() {
		value := s.Links[l.Name].Reveal()
		u, err := url.Parse(value)
		isURL := err == nil && u.Scheme != "" && u.Host != "" // a word would be masked wherever it stands
		if isURL && p.out.Redact(value) == value && !p.hushed {
			p.out.Mask(value)
			p.urls++
		}
	}
	if p.urls > mostURLs && !p.hushed {
		p.hushed = true
		p.warn(
			"Status",
			"The platform's status has too many URLs to mask. From here on, its fields are left out of the log and the outputs.",
		)
	}
}

func (p *statuses) statusOutputs(s upgrade.Status) {
	p.output("state", s.State)
	if p.hushed {
		return
	}
	for _, f := range upgrade.Fields() {
		p.output(string(f.Name), s.Get(f.Name))
	}
	for _, l := range upgrade.Links() {
		p.output(string(l.Name), s.Links[l.Name].Reveal())
	}
	p.output("request", s.Raw.Reveal())
}
