package sandbox

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sandbox/fault"
	v1 "odoo-upgrade-action/internal/sandbox/v1"
)

// loadHostKey returns the sandbox's SSH host key, which its first start makes.
func loadHostKey(dir string) (ssh.Signer, error) {
	path := filepath.Join(dir, "ssh_host_ed25519_key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newHostKey(path)
	}
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKey(text)
}

func newHostKey(path string) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "sandbox")
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	return text, os.WriteFile(path, text, 0o600)
}

// How many connections over SSH there are at most, for all clients and for each. A client
// uses one to send and a few to receive.
const (
	maxConns     = 1000
	maxConnsEach = 100
)

// serveSSH accepts connections until the listener is closed or ctx ends.
func (s *Server) serveSSH(ctx context.Context, listener net.Listener, hostKey ssh.Signer) error {
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil { // too many open files, say, and others will be closed
			s.config.Log("ssh: " + err.Error())
			if err := retry.Sleep(ctx, time.Second); err != nil {
				return err
			}
			continue
		}
		release, ok := s.conns.Take(conn.RemoteAddr().String())
		if !ok {
			_ = conn.Close()
			continue
		}
		s.running.Go(func() {
			defer release()
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			s.serveConn(ctx, conn, port, hostKey)
		})
	}
}

// login returns who logs in on a port with a key.
func (s *Server) login(conn ssh.ConnMetadata, key ssh.PublicKey, port string) (*ssh.Permissions, error) {
	if id, ok := s.v1.Login(conn.User(), key); ok {
		return &ssh.Permissions{Extensions: map[string]string{"id": strconv.Itoa(id), "protocol": ProtocolV1}}, nil
	}
	if id, ok := s.rpc.Login(conn.User(), key, port); ok {
		return &ssh.Permissions{Extensions: map[string]string{"id": strconv.Itoa(id), "protocol": ProtocolRPC}}, nil
	}
	return nil, errors.New("no such user and key")
}

func (s *Server) serveConn(ctx context.Context, conn net.Conn, port string, hostKey ssh.Signer) {
	defer conn.Close()
	failing := map[string]bool{}
	for _, f := range s.faults.Next("sftp") {
		switch failing[f.Kind] = true; f.Kind {
		case "refuse":
			return
		case "cut":
			conn = fault.NewCutConn(conn, f.N)
		case "rate":
			conn = &fault.SlowConn{Conn: conn, Ctx: ctx, Rate: f.N}
		}
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		return s.login(conn, key, port)
	}}
	config.AddHostKey(hostKey)
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // for the handshake
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		s.config.Log("ssh: " + err.Error())
		return
	}
	_ = conn.SetDeadline(time.Time{})
	s.config.Log("ssh: " + server.User() + " connected")
	go ssh.DiscardRequests(requests)
	id, _ := strconv.Atoi(server.Permissions.Extensions["id"])
	for _, kind := range []string{"growing", "replaced"} {
		if failing[kind] {
			s.v1.Change(id, kind)
		}
	}
	serve := v1.Share{Server: s.v1, ID: id, Readable: !failing["no-reading"]}.Session
	if server.Permissions.Extensions["protocol"] == ProtocolRPC {
		serve = s.rpc.Session(ctx, id, func() { _ = conn.Close() })
	}
	most := 100 // sessions on a connection
	if failing["one-session"] {
		most = 1
	}
	s.serveChannels(channels, most, serve)
}

// newPort serves SSH on another port of the same address, too, until ctx ends or it is
// closed. It has a host key of its own: a client that comes late does not take it for one
// that had the port before.
func (s *Server) newPort(ctx context.Context, address string) (port string, hostKey ssh.PublicKey, closePort func(), err error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", nil, nil, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", nil, nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return "", nil, nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	s.running.Go(func() {
		defer stop()
		_ = s.serveSSH(ctx, listener, signer)
	})
	_, port, err = net.SplitHostPort(listener.Addr().String())
	return port, signer.PublicKey(), func() { _ = listener.Close() }, err
}

// serveChannels hands each session on a connection to serve, most of them at most.
func (s *Server) serveChannels(channels <-chan ssh.NewChannel, most int, serve func(ssh.Channel, <-chan *ssh.Request)) {
	sessions := 0
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "only sessions are served")
			continue
		}
		if sessions++; sessions > most {
			_ = offered.Reject(ssh.Prohibited, "no more sessions on this connection")
			continue
		}
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		s.running.Go(func() { serve(channel, requests) })
	}
}
