package v1

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sftp"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// accesser is the API's method that opens an SFTP server for a request.
type accesser interface {
	requestSFTPAccess(ctx context.Context, t upgrade.Ticket, authorizedKeys []byte) (sftpAccess, error)
}

// overSFTP transfers files over SFTP ("The request_sftp_access method").
type overSFTP struct {
	platform.Config
	api  accesser
	key  ssh.Signer
	keys *dial.HostKeys

	ahead    int64         // how far an upload runs ahead, if not sftp.Ahead
	kept     int64         // of an upload: everything before it is acknowledged
	distrust bool          // what the platform has is not what was sent
	alone    bool          // one session is to do all of it, see learn
	wasRead  bool          // the platform's file could be read back, and was another one
	differed bool          // it was not, once, so that all of it is compared from then on
	took     time.Duration // for sending, in all tries
	least    time.Duration // for reading back, if not leastReadBack
}

func newSFTP(c platform.Config, api accesser) (s *overSFTP, err error) {
	s = &overSFTP{Config: c, api: api}
	if s.keys, err = dial.NewHostKeys(c.Transfer.SSHKnownHosts, c.HostKey); err != nil {
		return nil, err
	}
	if c.Transfer.SSHPrivateKey != "" {
		s.key, err = dial.ParseKey(c.Transfer.SSHPrivateKey)
	} else {
		s.key, err = dial.NewKey()
	}
	if err == nil && c.Dial == nil {
		s.Dial, err = dial.NewDialer(c.Getenv)
	}
	return s, err
}

// open requests access to the ticket's file and connects.
func (s *overSFTP) open(ctx context.Context, t upgrade.Ticket) (*sftp.Pool, string, error) {
	access, err := s.api.requestSFTPAccess(ctx, t, ssh.MarshalAuthorizedKey(s.key.PublicKey()))
	if err != nil {
		return nil, "", s.accessError(err)
	}
	address := net.JoinHostPort(access.Hostname, strconv.Itoa(access.Port))
	var pool *sftp.Pool
	var unavailable *sftp.UnavailableError // which another try would not change
	err = dial.Ready(ctx, address, s.keys, func(ctx context.Context) (err error) {
		pool, err = sftp.Connect(ctx, s.config(address, access.User))
		if errors.As(err, &unavailable) {
			return nil
		}
		return err
	}, func(err error, pause time.Duration) { s.Tell(event.Retrying{Err: err, Pause: pause}) })
	if unavailable != nil {
		return nil, "", fmt.Errorf("connecting to %s: %w", address, unavailable)
	}
	if err != nil {
		return nil, "", err
	}
	if key, fingerprint, ok := s.keys.Learned(); ok {
		s.Tell(event.HostKeyLearned{Address: address, Fingerprint: fingerprint, KnownHosts: dial.KnownHostsLine(address, key)})
		s.Keeper.Keep(platform.Reference{HostKey: key})
	}
	return pool, access.SharedFile, nil
}

// accessError takes a page in the platform's place for an outage if SFTP alone may be used.
// 404 and the like stay what they are: they may be the platform's, which has no SFTP.
func (s *overSFTP) accessError(err error) error {
	r, ok := errors.AsType[*httpcall.ResponseError](err)
	if ok && s.Transfer.Transport == dial.SFTP &&
		(r.Page && r.Code < 300 || r.Code == http.StatusUnauthorized || r.Code == http.StatusForbidden) {
		return httpcall.Outage(err)
	}
	return err
}

func (s *overSFTP) config(address, user string) sftp.Config {
	connections, channels := int(s.Transfer.Streams), 0
	if s.alone {
		connections, channels = 1, 1
	}
	return sftp.Config{
		Address: address, Connections: connections, Channels: channels, Idle: stall.SSH,
		Dial:     func(ctx context.Context) (net.Conn, error) { return s.Dial(ctx, "tcp", address) },
		Client:   dial.SSH(address, user, s.key, s.keys),
		LoggedIn: s.keys.LoggedIn,
	}
}

// learn draws a conclusion from a try that failed: some servers cannot handle
// several sessions with one file, or writes out of order, each in its own way. Where the
// server itself reported the error, the next try uses a single session.
func (s *overSFTP) learn(err error) {
	if _, ok := errors.AsType[*sftp.StatusError](err); ok {
		s.alone = true
	}
}

// damaged records that the platform's file is not what was sent: the next try sends all
// of it again, in one session, and compares all of it.
func (s *overSFTP) damaged() { s.distrust, s.differed, s.alone, s.kept = true, true, true, 0 }

// transferError marks what may pass, like a cut.
func transferError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if source, ok := errors.AsType[*sftp.SourceError](err); ok {
		return source
	}
	if longer, ok := errors.AsType[*LongerError](err); ok {
		return longer
	}
	if wrong, ok := errors.AsType[*dial.HostKeyError](err); ok {
		return wrong
	}
	if retry.IsTransient(err) {
		return err
	}
	for _, final := range []uint32{sftp.CodeNoSuchFile, sftp.CodePermissionDenied, sftp.CodeUnsupported} {
		if sftp.HasCode(err, final) {
			return err
		}
	}
	if _, ok := errors.AsType[*sftp.StatusError](err); ok { // of a server that is there
		return retry.Doubtful(fmt.Errorf("the SFTP transfer failed: %w", err))
	}
	if damaged, ok := errors.AsType[*damagedError](err); ok {
		return retry.Doubtful(damaged)
	}
	return retry.Transient(fmt.Errorf("the SFTP connection broke: %w", err))
}
