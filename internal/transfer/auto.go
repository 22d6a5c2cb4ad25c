package transfer

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// Large is the size from which on the automatic choice is SFTP: an upload over
// HTTPS that breaks starts again from its first byte, and from here on that
// hurts.
const Large = 512 << 20

// Transport chooses how files travel.
type Transport string

// The transports. Auto takes HTTPS for small dumps and SFTP for large ones, and
// goes over to the other one when the first is of no use.
const (
	Auto      Transport = "auto"
	OverHTTPS Transport = "https"
	OverSFTP  Transport = "sftp"
)

// Carrier moves the files of one request, by the transport that was chosen. It
// is for one goroutine.
type Carrier struct {
	Transport Transport
	HTTPS     HTTPS
	Downloads *Downloader
	SFTP      *SFTP
	Folder    *Folder // where downloads land
	Size      int64   // of the dump, 0 where nobody knows
	Tell      func(string)

	up, down switcher
}

// switcher counts how often a transport broke, and goes over once.
type switcher struct {
	now      Transport
	breaks   int
	switched bool
}

// breaksAllowed is how often the first transport may break.
const breaksAllowed = 2

// choose returns the transport for the next try.
func (s *switcher) choose(wanted Transport, size int64) Transport {
	switch {
	case wanted != Auto:
		return wanted
	case s.now == "" && size >= Large:
		s.now = OverSFTP
	case s.now == "":
		s.now = OverHTTPS
	}
	return s.now
}

// other counts a break, and returns whether it is time for the other transport:
// once, and from one that is closed in any case.
func (s *switcher) other(wanted Transport, useless, closed bool) bool {
	s.breaks++
	if wanted != Auto || s.switched && !closed || !useless && s.breaks < breaksAllowed {
		return false
	}
	s.switched, s.breaks = true, 0
	s.now = map[Transport]Transport{OverHTTPS: OverSFTP, OverSFTP: OverHTTPS}[s.now]
	return true
}

// Upload sends the dump, and calls progress with the bytes sent so far and with
// those that a next try need not send again.
func (c *Carrier) Upload(ctx context.Context, t upgrade.Ticket, d dump.Info, progress func(sent, kept int64)) error {
	c.Size = d.Size
	if c.up.choose(c.Transport, c.Size) == OverSFTP {
		before := c.SFTP.reached
		err := c.SFTP.Upload(ctx, t, d, progress)
		if c.SFTP.reached > before {
			return err // it gets on
		}
		return c.instead(ctx, &c.up, err)
	}
	return c.instead(ctx, &c.up, c.HTTPS.Upload(ctx, t, d, func(sent int64) { progress(sent, 0) }))
}

// Fetch downloads an item to the folder, and calls progress with the bytes there
// so far and all there will be, -1 while that is not known.
func (c *Carrier) Fetch(ctx context.Context, t upgrade.Ticket, item upgrade.Item, from upgrade.Secret, progress func(done, total int64)) (a upgrade.Artifact, err error) {
	first, last := int64(-1), int64(-1)
	tell := func(done, total int64) {
		if first < 0 {
			first = done
		}
		last = done
		progress(done, total)
	}
	// "You'll only be able to download the migrated database" by SFTP.
	if item == upgrade.UpgradedDump && c.down.choose(c.Transport, c.Size) == OverSFTP {
		a, err = c.SFTP.Fetch(ctx, t, c.Folder, item, tell)
	} else {
		a, err = c.Downloads.Fetch(ctx, from, c.Folder, item, tell)
	}
	if item != upgrade.UpgradedDump || last > first {
		return a, err
	}
	return a, c.instead(ctx, &c.down, err)
}

// instead goes over to the other transport if err says that this one is of no
// use; the error is then worth another try.
func (c *Carrier) instead(ctx context.Context, s *switcher, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	_, wrongHost := errors.AsType[*HostKeyError](err)
	_, unusable := errors.AsType[*dump.UnusableError](err)
	status, answered := errors.AsType[interface {
		error
		StatusCode() int
	}](err)
	refused, ok := errors.AsType[*upgrade.RefusedError](err)
	// "Your database upgrade request should be in the done state": one that is
	// delivered is not, and yet has a database to download.
	closed := ok && refused.Method == upgrade.SFTPMethod && s.now == OverSFTP
	useless := closed
	if answered {
		switch status.StatusCode() {
		case http.StatusRequestEntityTooLarge: // over HTTPS
			useless = true
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented: // a platform without SFTP
			useless = s.now == OverSFTP
		}
	}
	if wrongHost || unusable || !useless && !retry.IsTransient(err) {
		return err
	}
	was := s.now
	if !s.other(c.Transport, useless, closed) {
		return err
	}
	c.Tell(fmt.Sprintf("Going over from %s to %s: %v.", was, s.now, err))
	return retry.Transient(err)
}
