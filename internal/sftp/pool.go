package sftp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/sshclient"
	"odoo-upgrade-action/internal/stall"
)

// Config says how to reach a server.
type Config struct {
	Dial        func(context.Context) (net.Conn, error)
	Address     string // host:port, as the host key is known by
	Client      *ssh.ClientConfig
	Connections int           // at most
	Channels    int           // on each, at most; 0 for as many as suit the line
	Idle        time.Duration // how long a server may send nothing at all
	// LoggedIn is called, unless nil, with the server's key after each login. After an
	// error the session is not used: another server may be in between.
	LoggedIn func(address string, key ssh.PublicKey) error
}

var errSlowStart = errors.New("the server did not start SFTP in time")

// Pool is a first session with a server, and more of them for a transfer: on more
// channels, because SSH has at most 2 MiB in flight on each, and on more
// connections, because those use more than one processor.
type Pool struct {
	config Config
	ctx    context.Context
	cancel context.CancelCauseFunc

	begun                 int           // connections that were begun after the first
	measured              chan struct{} // closed once the next two are known
	connections, channels int           // at most, and on each
	lowLatency            bool          // one channel fills the line
	first                 *session
	more                  chan *session // that have opened since

	traffic    traffic
	background sync.WaitGroup
}

// Connect opens the first session, and begins to open more. The pool ends with
// ctx, or with Close.
func Connect(ctx context.Context, config Config) (_ *Pool, err error) {
	p := &Pool{config: config, measured: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	client := *config.Client
	client.HostKeyCallback = func(host string, remote net.Addr, key ssh.PublicKey) error {
		err := config.Client.HostKeyCallback(host, remote, key)
		if err != nil {
			p.cancel(err) // on any connection: another server may be in between
		}
		return err
	}
	p.config.Client = &client
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	late := time.AfterFunc(stall.SFTPStart, func() { p.cancel(errSlowStart) })
	defer late.Stop()
	conn, err := p.dial(func(wait time.Duration) {
		if wait > 2*lowLatency { // the latency is high: no need to wait for the rest of the handshake
			p.begin(p.config.Connections)
		}
	})
	if err != nil {
		return nil, p.cause(err)
	}
	roundTrip := conn.Handshake / handshakeTrips
	p.lowLatency = roundTrip < lowLatency
	p.connections, p.channels = p.size(roundTrip)
	if bytes.Contains(conn.ServerVersion(), []byte("mod_sftp")) {
		p.channels = 1 // ProFTPD keeps half a packet in one buffer for all channels of a connection
	}
	p.more = make(chan *session, p.connections*p.channels)
	close(p.measured)
	p.begin(p.connections)
	refused := p.widen(conn)
	for range p.channels {
		select {
		case p.first = <-p.more:
			return p, nil
		case err = <-refused:
		}
	}
	if denied, ok := errors.AsType[*ssh.OpenChannelError](err); ok && denied.Reason != ssh.ResourceShortage &&
		denied.Reason != ssh.ConnectionFailed {
		err = &UnavailableError{Denied: show.Line(denied.Message)}
	}
	return nil, p.cause(err)
}

// handshakeTrips is how often an SSH handshake, from the greeting to the proof of
// the user's key, waits for the server.
const handshakeTrips = 7

// lowLatency is the round trip below which one channel fills the line. Two connections are
// best then, for two processors; measured on loopback, where a handshake takes 20 to
// 50 ms of computing.
const lowLatency = 10 * time.Millisecond

// size is how many connections, and channels on each, to try.
func (p *Pool) size(roundTrip time.Duration) (connections, channels int) {
	if roundTrip < lowLatency {
		return min(2, p.config.Connections), 1
	}
	channels = 8 // of the 10 that OpenSSH allows by default
	if p.config.Channels > 0 {
		channels = min(channels, p.config.Channels)
	}
	return p.config.Connections, channels
}

// begin begins connections until there are that many with the first.
func (p *Pool) begin(connections int) {
	for p.begun < connections-1 {
		p.begun++
		number := p.begun
		p.background.Go(func() { p.join(number) })
	}
}

// join makes one more connection. It tries twice: the server may only have been busy
// with the first one's handshake. Then the transfer does without it.
func (p *Pool) join(number int) {
	conn, err := p.dial(nil)
	select {
	case <-p.measured:
	case <-p.ctx.Done():
		return
	}
	wanted := number < p.connections // else the latency is low after all
	if err != nil && wanted {
		conn, err = p.dial(nil)
	}
	switch {
	case err != nil:
	case wanted:
		p.widen(conn)
	default:
		_ = conn.Close()
	}
}

// widen opens as many sessions on a connection as it may have, and returns the
// errors of those that the server refuses.
func (p *Pool) widen(conn ssh.Conn) (refused <-chan error) {
	failures := make(chan error, p.channels)
	ask := &probe{conn: conn, turn: make(chan struct{}, 1)}
	for range p.channels {
		p.background.Go(func() {
			s, err := offer(ask, &p.traffic)
			if err != nil {
				failures <- err
				return
			}
			p.more <- s // never blocks: there is a place for each
		})
	}
	return failures
}

// cause returns why the pool has ended, if err came after that.
func (p *Pool) cause(err error) error {
	if err != nil && p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	return err
}

// End ends all sessions, and with them all that waits for one, for a reason.
func (p *Pool) End(why error) { p.cancel(why) }

// Close ends all sessions and waits for what is left of them.
func (p *Pool) Close() {
	p.cancel(errClosed)
	p.background.Wait()
}

// dial makes a connection that ends with the pool. greeted, unless nil, is called with
// the time until the server's first bytes.
func (p *Pool) dial(greeted func(time.Duration)) (*sshclient.Conn, error) {
	conn, err := sshclient.Connect(p.ctx, sshclient.Config{
		Dial: p.config.Dial, Address: p.config.Address, Client: p.config.Client, Idle: p.config.Idle, Greeted: greeted,
		Lost: func() { p.cancel(stall.ErrSilent) }, // this one connection would hold up the transfer
		LoggedIn: func(address string, key ssh.PublicKey) error {
			if p.config.LoggedIn == nil {
				return nil
			}
			err := p.config.LoggedIn(address, key)
			if err != nil {
				p.cancel(err)
			}
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	p.background.Go(func() {
		conn.KeepAlive(func() {
			if err := p.traffic.stalled(); err != nil {
				p.cancel(err)
			}
		})
	})
	return conn, nil
}

// spread runs work on the first session, and on each further one as soon as it is
// open, until none is at work. An error of the first ends the pool: what is acknowledged
// by then is known. A further session that fails is not used again.
func (p *Pool) spread(work func(*session) error) (failure error) {
	type result struct {
		*session
		err error
	}
	ended := make(chan result)
	run := func(s *session) {
		p.background.Go(func() { ended <- result{s, work(s)} })
	}
	run(p.first)
	var joined []*session
	for active := 1; active > 0; {
		select {
		case s := <-p.more:
			active++
			run(s)
		case done := <-ended:
			active--
			switch {
			case done.session == p.first:
				if failure = p.cause(done.err); failure != nil {
					p.cancel(failure)
				}
			case done.err == nil:
				joined = append(joined, done.session)
			}
		}
	}
	for _, s := range joined {
		p.more <- s // for the next transfer
	}
	return failure
}

// alone runs work on the first session only.
func (p *Pool) alone(work func(*session) error) error {
	err := p.cause(work(p.first))
	if err != nil {
		p.cancel(err)
	}
	return err
}
