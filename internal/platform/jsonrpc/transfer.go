package jsonrpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/rsync"
	"odoo-upgrade-action/internal/sshclient"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// Where the platform has files, and as whom.
const (
	sshUser  = "odoo"
	dataRoot = "/data"
)

// asRefusal returns err as a refusal.
func asRefusal(err error) (*upgrade.RefusedError, bool) {
	return errors.AsType[*upgrade.RefusedError](err)
}

// startTransfer opens an SSH server for uploads or downloads, and connects to it.
func (p *transfers) startTransfer(ctx context.Context, direction string) (_ *line, dumpName string, err error) {
	if p.key == nil {
		return nil, "", advice.New(
			"the SSH key of the request is not known",
			"Set {handle} to the request's handle, or {ssh-private-key} to the key that it was created with.",
		)
	}
	params := p.token()
	params["transfer_type"] = direction
	p.open = true // also when the response is lost
	fields, err := p.call(ctx, "transfer/start", params)
	if err != nil {
		_, refused := asRefusal(err)
		p.open = !refused
		return nil, "", httpcall.Outage(err)
	}
	if fields == nil {
		return nil, "", retry.Transient(fmt.Errorf("transfer/start: the response from %s is empty", p.node().Host))
	}
	port, err := strconv.ParseUint(httpcall.Text(fields["ssh_port"]), 10, 16)
	if err != nil || port == 0 {
		return nil, "", fmt.Errorf("transfer/start: the response from %s has no ssh_port", p.node().Host)
	}
	known := httpcall.Text(fields["known_hosts"])
	if p.Transfer.SSHKnownHosts != "" {
		known = p.Transfer.SSHKnownHosts
	}
	if strings.TrimSpace(known) == "" { // nothing is trusted on first use
		return nil, "", advice.New(
			fmt.Sprintf("transfer/start: the response from %s has no known_hosts", p.node().Host),
			"Set {ssh-known-hosts} to the server's host key.",
		)
	}
	keys, err := dial.NewHostKeys(known, "")
	if err != nil {
		return nil, "", fmt.Errorf("the platform's host keys: %w", err)
	}
	l, err := p.connect(ctx, net.JoinHostPort(p.node().Hostname(), strconv.Itoa(int(port))), keys)
	return l, httpcall.Text(fields["dump_name"]), err
}

// stopPolicy is how often closing the SSH server is tried.
var stopPolicy = retry.Policy{First: time.Second, Longest: 5 * time.Second, Tries: 3}

// stop closes the SSH server after a transfer that did its work, which an error does not
// change.
func (p *transfers) stop(ctx context.Context) {
	if err := stopPolicy.Do(ctx, p.stopTransfer, nil); err != nil && ctx.Err() == nil {
		p.Tell(event.Notice{Text: "The platform's SSH server for the transfer could not be stopped; it ends by itself: " + err.Error()})
	}
}

// stopTransfer closes the SSH server.
func (p *transfers) stopTransfer(ctx context.Context) error {
	_, err := p.call(ctx, "transfer/stop", p.token())
	if _, refused := asRefusal(err); err == nil || refused {
		p.open = false
	}
	return err
}

// line is an SSH connection, which ends when a transfer on it does not progress.
type line struct {
	*sshclient.Conn
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *stall.Watch
	sums   atomic.Int64 // bytes that were compared, see compared
	over   chan struct{}
}

// connect connects to a server that may not listen yet.
func (p *transfers) connect(ctx context.Context, address string, keys *dial.HostKeys) (*line, error) {
	l := &line{over: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	err := dial.Ready(ctx, address, keys, func(ctx context.Context) (err error) {
		l.Conn, err = sshclient.Connect(l.ctx, sshclient.Config{
			Dial:    func(ctx context.Context) (net.Conn, error) { return p.Dial(ctx, "tcp", address) },
			Address: address, Client: dial.SSH(address, p.user, p.key, keys), Idle: stall.SSH,
			Lost: func() { l.cancel(retry.Transient(stall.ErrSilent)) },
		})
		return err
	}, func(err error, pause time.Duration) { p.Tell(event.Retrying{Err: p.explain(err), Pause: pause}) })
	if err != nil {
		l.cancel(err)
		return nil, p.explain(err)
	}
	l.watch = stall.New(stall.Transfer, func() { l.cancel(stall.ErrIdle) })
	go func() {
		defer close(l.over)
		l.KeepAlive(nil)
	}()
	return l, nil
}

// explain says what else may be in the way of a connection.
func (p *transfers) explain(err error) error {
	if !p.proxied || !retry.IsTransient(err) {
		return err
	}
	return retry.Transient(
		advice.Give(
			fmt.Errorf("%w; there is an HTTP proxy, which does not carry SSH", err),
			"Allow direct connections to the platform on TCP ports 32768 to 60999, or set ALL_PROXY to a SOCKS5 proxy.",
		),
	)
}

func (l *line) close() {
	l.watch.Stop()
	l.cancel(errors.New("the transfer is over"))
	_ = l.Close()
	<-l.over
}

// compared feeds the watch with bytes of a partial file that were compared. The peer decides how many
// are compared at a time: so many as a transfer has to move count.
func (l *line) compared(n int64) {
	if l.sums.Add(n) >= stall.Bytes {
		l.sums.Store(0)
		l.watch.Feed()
	}
}

// rsync runs a server with arguments, and a transfer with it. A failure has the server's
// messages and exit status.
func (l *line) rsync(args []string, transfer func(rsync.Connection) (messages string, err error)) error {
	process, err := l.Exec("rsync " + strings.Join(args, " "))
	if errors.Is(err, sshclient.ErrNoExec) {
		return err
	}
	if err != nil {
		return l.cause(err)
	}
	messages, err := transfer(process)
	if err != nil && !rsync.IsBroken(err) && !errors.Is(err, rsync.ErrNotSent) {
		_ = process.Close() // the server would wait
	}
	stop := time.AfterFunc(stall.End, func() { _ = process.Close() })
	defer stop.Stop()
	status, stderr := process.End()
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	if err == nil && status == 0 {
		return nil
	}
	return &rsync.RemoteError{Status: status, Messages: strings.TrimSpace(messages + "\n" + stderr), Err: sshclient.Ended(err)}
}

// isCommandRefused reports whether a server that has rsync did not start it, or ran another
// command: it may still accept the exact one of the vendor's script.
func isCommandRefused(err error) bool {
	if remote, ok := errors.AsType[*rsync.RemoteError](err); ok && remote.Status == rsync.StatusNoProgram {
		return false
	}
	return errors.Is(err, rsync.ErrNoGreeting) || errors.Is(err, rsync.ErrIncRecurse) || errors.Is(err, sshclient.ErrNoExec)
}

// cause is why the line ended, if that is why there is an error.
func (l *line) cause(err error) error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	return retry.Transient(err)
}

// transferError marks what may pass: a cut, a server that was killed. What the server's
// rsync says about its files is final.
func transferError(err error) error {
	remote, ok := errors.AsType[*rsync.RemoteError](err)
	if !ok {
		return err
	}
	switch {
	case remote.Err != nil && !rsync.IsBroken(remote.Err):
		return err // at this end: a file, or a violation of the protocol
	case rsync.IsFinal(remote.Status):
		return err
	}
	return retry.Transient(err)
}
