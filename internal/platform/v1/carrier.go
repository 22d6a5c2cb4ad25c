package v1

import (
	"context"
	"errors"
	"net/http"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sftp"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// carrier transfers files one way, a try at a time.
type carrier interface {
	// upload sends the dump and tells the bytes sent so far. It returns how many of
	// them the next try need not send again.
	upload(ctx context.Context, t upgrade.Ticket, d dump.Info, sent func(int64)) (kept int64, err error)
	// fetch downloads an item and tells the bytes that are here and all that there
	// will be, -1 while that is not known. It returns the file and how
	// far the try came, in bytes.
	fetch(
		ctx context.Context,
		s upgrade.Status,
		item upgrade.Item,
		progress func(done, total int64),
	) (f workspace.File, kept int64, err error)
}

// large is the size from which on auto means SFTP: a broken upload over HTTPS starts
// again from its first byte, and from here on that hurts.
const large = 512 << 20

// breaksAllowed is how often the first transport may fail before auto switches.
const breaksAllowed = 2

// transfers chooses the carrier for each try, and switches from one that fails.
type transfers struct {
	https, sftp carrier // sftp is nil if the setting rules it out
	setting     dial.Transport
	size        int64 // of the dump, 0 if not known
	tell        func(event.Event)

	up, down route
}

// route is the way that files take in one direction.
type route struct {
	now      dial.Transport
	breaks   int
	switched bool
	kept     int64 // bytes
}

// Upload sends the dump once. It returns how many bytes the next try need not send
// again; a *dump.UnusableError says that the file changed.
func (t *transfers) Upload(ctx context.Context, ticket upgrade.Ticket, d dump.Info, sent func(int64)) (kept int64, err error) {
	t.size = d.Size
	kept, err = t.choose(&t.up).upload(ctx, ticket, d, sent)
	return kept, t.settle(ctx, &t.up, kept, err)
}

// Fetch downloads an item to the folder. It returns the file and how far
// the try came, in bytes.
func (t *transfers) Fetch(
	ctx context.Context,
	s upgrade.Status,
	item upgrade.Item,
	progress func(done, total int64),
) (upgrade.Artifact, int64, error) {
	// "You'll only be able to download the migrated database" over SFTP.
	if item != upgrade.UpgradedDump {
		f, kept, err := t.https.fetch(ctx, s, item, progress)
		return artifact(item, f), kept, err
	}
	f, kept, err := t.choose(&t.down).fetch(ctx, s, item, progress)
	return artifact(item, f), kept, t.settle(ctx, &t.down, kept, err)
}

func artifact(item upgrade.Item, f workspace.File) upgrade.Artifact {
	return upgrade.Artifact{Item: item, Path: f.Path, Location: f.Location, Size: f.Size, SHA256: f.SHA256}
}

// choose returns the carrier for the next try.
func (t *transfers) choose(r *route) carrier {
	if r.now == "" {
		r.now = t.setting
		switch {
		case t.setting == dial.Auto && t.size >= large:
			r.now = dial.SFTP
		case t.setting != dial.SFTP:
			r.now = dial.HTTPS
		}
	}
	if r.now == dial.SFTP {
		return t.sftp
	}
	return t.https
}

// settle judges how a try ended. If this transport does not work it switches to
// the other one, and the error is worth another try.
func (t *transfers) settle(ctx context.Context, r *route, kept int64, err error) error {
	progress := kept > r.kept
	r.kept = max(r.kept, kept)
	if err == nil || progress || ctx.Err() != nil {
		return err
	}
	verdict := r.judge(err)
	if verdict == final || r.now == dial.HTTPS && isOutage(err) {
		return err
	}
	r.breaks++
	early := verdict == fails && r.breaks < breaksAllowed
	if t.setting != dial.Auto || early || r.switched && verdict != closed {
		return err
	}
	was := r.now
	*r = route{switched: true, now: map[dial.Transport]dial.Transport{dial.HTTPS: dial.SFTP, dial.SFTP: dial.HTTPS}[was]}
	t.tell(event.SwitchedTransport{From: string(was), To: string(r.now), Err: err})
	return retry.Transient(err)
}

// isOutage reports whether an error says that the platform cannot be reached, or is too busy, for
// now. That says nothing about HTTPS: its API is reached in the same way.
func isOutage(err error) bool {
	if _, unreached := errors.AsType[*upgrade.UnreachedError](err); unreached {
		return true
	}
	if _, declined := errors.AsType[*upgrade.DeclinedError](err); declined {
		return true
	}
	response, ok := errors.AsType[*httpcall.ResponseError](err)
	return ok && (response.Code == http.StatusBadGateway || response.Code == http.StatusGatewayTimeout)
}

// What an error says about the transport on which it came.
const (
	final   = iota // nothing: another transport would not help
	fails          // it may work when tried again
	useless        // it will not work
	closed         // the platform does not offer it for this request, whatever was tried before
)

func (r *route) judge(err error) int {
	_, wrongHost := errors.AsType[*dial.HostKeyError](err)
	_, unusable := errors.AsType[*dump.UnusableError](err)
	refused, isRefused := errors.AsType[*upgrade.RefusedError](err)
	response, _ := errors.AsType[*httpcall.ResponseError](err)
	_, noSFTP := errors.AsType[*sftp.UnavailableError](err)
	_, noLogin := errors.AsType[*dial.LoginError](err)
	_, twoFactors := errors.AsType[*dial.SecondFactorError](err)
	_, noWay := errors.AsType[*dial.UnreachableError](err)
	switch {
	case wrongHost || unusable:
		return final
	// "Your database upgrade request should be in the done state": one that is
	// delivered is not, and yet has a database to download.
	case isRefused && refused.Kind == upgrade.AccessRefusal && r.now == dial.SFTP:
		return closed
	case response != nil && response.Code == http.StatusRequestEntityTooLarge:
		return useless
	case noSFTP, noLogin, twoFactors, noWay, response != nil && r.now == dial.SFTP && !retry.IsTransient(err):
		return useless // a platform without SFTP, or with another one
	case retry.IsTransient(err):
		return fails
	}
	return final
}
