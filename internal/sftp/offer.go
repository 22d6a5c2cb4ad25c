package sftp

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/stall"
)

// offer begins a session on a channel of its own. It does not wait for the response to
// the request for SFTP, only for SFTP's own greeting, which saves a round trip.
func offer(ask *probe, traffic *traffic) (*session, error) {
	channel, requests, err := ask.conn.OpenChannel("session", nil)
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(requests)
	go func() { _, _ = io.Copy(io.Discard, channel.Stderr()) }() // unread, it would fill the channel's window
	_, err = channel.SendRequest("subsystem", false, subsystem)
	if err == nil || errors.Is(err, io.EOF) { // it may have said why it closed the channel
		var s *session
		late := ask.watch(channel)
		if s, err = newSession(channel, traffic); err == nil {
			late.stop()
			return s, nil
		}
		if late.stop() {
			err = &UnavailableError{Silent: true}
		}
	}
	_ = channel.Close()
	return nil, fmt.Errorf("the server does not start SFTP: %w", err)
}

// subsystem is the payload of the request for SFTP.
var subsystem = ssh.Marshal(struct{ Name string }{"sftp"})

// probe finds out, once for all channels of a connection, whether the server refuses SFTP:
// each asking for itself, they would take the sessions that it allows.
type probe struct {
	conn ssh.Conn

	turn    chan struct{} // of the one that asks
	refuses bool
	known   bool
}

// watched is a channel on which a greeting is expected.
type watched struct {
	early, last *time.Timer
	silent      atomic.Bool
}

// watch closes a channel whose greeting is late, if the server refuses SFTP, and in any case
// if it is very late.
func (p *probe) watch(channel ssh.Channel) *watched {
	w := new(watched)
	w.early = time.AfterFunc(stall.SFTPRefusal, func() {
		if p.isRefused() {
			_ = channel.Close()
		}
	})
	w.last = time.AfterFunc(stall.SFTPGreeting, func() {
		w.silent.Store(true)
		_ = channel.Close()
	})
	return w
}

// stop ends the watch, and reports whether the greeting was very late.
func (w *watched) stop() (silent bool) {
	w.early.Stop()
	w.last.Stop()
	return w.silent.Load()
}

// isRefused reports whether the server is known to refuse SFTP.
func (p *probe) isRefused() bool {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if !p.known {
		p.refuses, p.known = isRefused(p.conn)
	}
	return p.refuses
}

// isRefused reports whether the server refuses the subsystem; known is false where it opens
// no channel to ask on.
func isRefused(conn ssh.Conn) (refused, known bool) {
	channel, requests, err := conn.OpenChannel("session", nil)
	if err != nil {
		return false, false
	}
	go ssh.DiscardRequests(requests)
	defer channel.Close()
	accepted, err := channel.SendRequest("subsystem", true, subsystem)
	return err == nil && !accepted, true
}
