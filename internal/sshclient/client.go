// Package sshclient connects to an SSH server, and notices when the server is gone: it
// sends keep-alives, and ends a connection on which nothing arrives any more.
//
// Connect returns a connection for channels; KeepAlive serves it until it ends; Exec runs
// a command on it.
package sshclient

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// ErrSlow is why a connection ended whose server took too long to let the client log in,
// whatever it sent meanwhile.
var ErrSlow = errors.New("the SSH server took too long to let this program log in")

// Config says how to reach a server.
type Config struct {
	Dial    func(context.Context) (net.Conn, error)
	Address string // host:port, as the host key is known by
	Client  *ssh.ClientConfig
	Idle    time.Duration       // how long a server may send nothing at all
	Greeted func(time.Duration) // called, unless nil, with the time until the first bytes
	Lost    func()              // called, unless nil, when Idle has passed after the handshake
	// LoggedIn is called, unless nil, with the server's key once the server has accepted
	// the user's. After an error the connection is closed.
	LoggedIn func(address string, key ssh.PublicKey) error
}

// Conn is a connection to a server. The server's own requests and channels are refused.
type Conn struct {
	ssh.Conn
	Handshake time.Duration // how long it took

	watched *watchedConn
	idle    time.Duration
	stop    func() bool
}

// handshake is how long a server may take to let a client log in, in idle timeouts.
const handshake = 2

// Connect connects, until ctx ends.
func Connect(ctx context.Context, config Config) (*Conn, error) {
	raw, err := config.Dial(ctx)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	watched := watchIdle(raw, config.Idle)
	if config.Greeted != nil {
		watched.heard = func() { config.Greeted(time.Since(begin)) }
	}
	stop := context.AfterFunc(ctx, func() { _ = watched.Close() })
	late := time.AfterFunc(handshake*config.Idle, func() { watched.expire(ErrSlow) })
	defer late.Stop()
	client, key := *config.Client, ssh.PublicKey(nil)
	client.HostKeyCallback = func(host string, remote net.Addr, shown ssh.PublicKey) error {
		key = shown
		return config.Client.HostKeyCallback(host, remote, shown)
	}
	conn, channels, requests, err := ssh.NewClientConn(watched, config.Address, &client)
	if err == nil && config.LoggedIn != nil {
		err = config.LoggedIn(config.Address, key)
	}
	if err != nil {
		stop()
		_ = watched.Close()
		return nil, watched.cause(err)
	}
	if config.Lost != nil {
		watched.whenIdle(config.Lost)
	}
	go ssh.DiscardRequests(requests)
	go func() {
		for channel := range channels {
			_ = channel.Reject(ssh.Prohibited, "this client offers no channels")
		}
	}()
	return &Conn{Conn: conn, Handshake: time.Since(begin), watched: watched, idle: config.Idle, stop: stop}, nil
}

// KeepAlive sends keep-alives until the connection ends, so that neither the server nor a
// firewall in between closes an idle one, and to notice when the server is gone. check,
// unless nil, is called before each.
func (c *Conn) KeepAlive(check func()) {
	defer c.stop()
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	ticker := time.NewTicker(max(c.idle/4, time.Millisecond))
	defer ticker.Stop()
	answered := make(chan struct{}, 1) // one request at a time: a second would wait for a lock
	answered <- struct{}{}
	for {
		select {
		case <-ticker.C:
			if check != nil {
				check()
			}
			select {
			case <-answered:
				// Any response will do: watchedConn sees that bytes arrive.
				go func() {
					_, _, _ = c.SendRequest("keepalive@openssh.com", true, nil)
					answered <- struct{}{}
				}()
			default:
			}
		case <-ended:
			c.watched.watch.Stop()
			return
		}
	}
}

// Process is a command that runs on a server: its input and output.
type Process struct {
	ssh.Channel
	stderr strings.Builder
	status int
	over   sync.WaitGroup
}

// maxStderr is how many bytes of a command's error output are kept.
const maxStderr = 16 << 10

// ErrNoExec says that a server does not run a command.
var ErrNoExec = errors.New("the server does not run the command")

// Exec starts a command. The error is ErrNoExec if the server refuses that.
func (c *Conn) Exec(command string) (*Process, error) {
	channel, requests, err := c.OpenChannel("session", nil)
	if err != nil {
		return nil, err
	}
	p := &Process{Channel: channel, status: -1}
	p.over.Go(func() {
		_, _ = io.Copy(&p.stderr, io.LimitReader(channel.Stderr(), maxStderr))
		_, _ = io.Copy(io.Discard, channel.Stderr()) // unread, it would fill the channel's window
	})
	p.over.Go(func() { p.watch(requests) })
	ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{command}))
	if err == nil && !ok {
		err = ErrNoExec
	}
	if err != nil {
		_ = channel.Close()
		return nil, err
	}
	return p, nil
}

// watch waits for the exit status.
func (p *Process) watch(requests <-chan *ssh.Request) {
	for r := range requests {
		var exit struct{ Status uint32 }
		if r.Type == "exit-status" && ssh.Unmarshal(r.Payload, &exit) == nil {
			p.status = int(exit.Status)
		}
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
}

// End waits until the command has ended, reading what is left of its output, and returns
// its exit status, -1 if there is none, and its error output. The caller limits the time
// by closing the connection.
func (p *Process) End() (status int, stderr string) {
	_ = p.CloseWrite()
	_, _ = io.Copy(io.Discard, p.Channel)
	_ = p.Channel.Close()
	p.over.Wait()
	return p.status, p.stderr.String()
}
