package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/sandbox/engine"
	"odoo-upgrade-action/internal/sandbox/fault"
	"odoo-upgrade-action/internal/sandbox/jsonrpc"
	"odoo-upgrade-action/internal/sandbox/requests"
	v1 "odoo-upgrade-action/internal/sandbox/v1"
)

// Server is a sandbox.
type Server struct {
	config  Config
	store   *requests.Store
	worker  *requests.Worker
	hostKey ssh.Signer
	faults  *fault.Set
	v1      *v1.Server
	rpc     *jsonrpc.Server

	conns   requests.Shares // connections over SSH
	unlock  func()          // gives the data folder to other sandboxes
	running sync.WaitGroup  // connections and sessions over SSH
}

// New opens a sandbox and what an earlier one left in its folder, which is its own until
// Close.
func New(ctx context.Context, config Config) (_ *Server, err error) {
	if err := CheckOutcome(config.Outcome); err != nil {
		return nil, err
	}
	if config.Cause != "" {
		if err := engine.CheckCause(config.Cause); err != nil {
			return nil, err
		}
	}
	if config.Pace < 0 {
		return nil, fmt.Errorf("a pace of %v is not possible", config.Pace)
	}
	if config.Log == nil {
		config.Log = func(string) {}
	}
	if config.Engine == nil {
		config.Engine = engine.Copy{}
	}
	unlock, err := requests.Lock(config.Data)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	if err := config.Engine.Prepare(ctx, config.Data, config.Log); err != nil {
		return nil, err
	}
	store, err := requests.Open(config.Data)
	if err != nil {
		return nil, fmt.Errorf("opening the sandbox's data: %w", err)
	}
	store.MaxUpload, store.RandomIDs = config.MaxUpload, config.RandomIDs
	hostKey, err := loadHostKey(config.Data)
	if err != nil {
		return nil, fmt.Errorf("opening the sandbox's host key: %w", err)
	}
	worker := &requests.Worker{
		Store:   store,
		Engine:  config.Engine,
		Outcome: config.Outcome,
		Fail: func(log io.Writer, r requests.Record) error {
			return engine.WriteFailure(log, cmp.Or(config.Cause, engine.DefaultCause), r, time.Now())
		},
		Pace:    config.Pace,
		AtOnce:  config.Workers,
		Timeout: config.Timeout,
		Log:     config.Log,
	}
	return &Server{
		config: config, store: store, worker: worker, hostKey: hostKey, faults: &fault.Set{List: config.Faults}, unlock: unlock,
		conns: requests.Shares{All: maxConns, Each: maxConnsEach},
	}, nil
}

// Close gives the data folder to other sandboxes. Serve does that, too, when it ends.
func (s *Server) Close() { s.unlock() }

// shutdownTime is how long calls may continue once a sandbox is stopped.
const shutdownTime = 2 * time.Second

// Serve answers on both listeners until ctx ends, and closes them. It returns nil when
// ctx ended it.
func (s *Server) Serve(ctx context.Context, web, sftp net.Listener) error {
	defer s.Close()
	outer := ctx
	ctx, cancel := context.WithCancel(ctx) // a listener that breaks ends the rest, too
	defer cancel()
	server := &http.Server{Handler: s.handler(ctx, sftp.Addr().String()), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	for _, r := range s.store.Unfinished() {
		s.worker.Start(ctx, r.ID)
	}
	if s.config.Beside != nil {
		s.running.Go(func() { s.config.Beside(ctx, s.store) })
	}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(web) }()
	go func() { ended <- s.serveSSH(ctx, sftp, s.hostKey) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	// On a context of its own: ctx is over.
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer done()
	if server.Shutdown(grace) != nil {
		_ = server.Close()
	}
	_ = sftp.Close()
	cancel()
	s.running.Wait()
	s.worker.Wait()
	if outer.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// handler serves each protocol until ctx ends.
func (s *Server) handler(ctx context.Context, sshAddress string) http.Handler {
	mux := http.NewServeMux()
	s.v1 = &v1.Server{
		Store: s.store, Start: func(id int) { s.worker.Start(ctx, id) }, About: s.config.Engine.About(),
		Contracts: s.config.Contracts, Faults: s.faults, SSHAddress: sshAddress, Log: s.config.Log,
	}
	_, port, _ := net.SplitHostPort(sshAddress)
	s.rpc = &jsonrpc.Server{
		Store: s.store, Start: s.v1.Start, Contracts: s.config.Contracts, Targets: v1.Targets(), Faults: s.faults,
		HostKey: s.hostKey.PublicKey(), Port: port, NewPort: func() (string, ssh.PublicKey, func(), error) { return s.newPort(ctx, sshAddress) }, Log: s.config.Log,
	}
	if s.speaks(ProtocolV1) {
		s.v1.Serve(ctx, mux)
		if s.config.Pages != nil {
			s.config.Pages(ctx, mux, s.v1)
		}
	}
	if s.speaks(ProtocolRPC) {
		s.rpc.Serve(ctx, mux)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(engineHeader, s.config.Engine.Name())
		if r.URL.Scheme = ""; s.config.Before != nil {
			s.config.Before(r)
		}
		mux.ServeHTTP(w, r)
	})
}

// engineHeader names the engine in every response, so that a client need not take a copy
// for an upgraded database.
const engineHeader = "Odoo-Upgrade-Sandbox"

func (s *Server) speaks(protocol string) bool {
	return len(s.config.Protocols) == 0 || slices.Contains(s.config.Protocols, protocol)
}

// Run serves an embedded sandbox on loopback ports of its own until stop is
// called, which waits for its end. It returns the address of its API.
func Run(ctx context.Context, config Config) (url string, stop func(), err error) {
	s, err := New(ctx, config)
	if err != nil {
		return "", nil, err
	}
	web, sftp, err := Listen("127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		s.Close()
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Serve(ctx, web, sftp); err != nil {
			s.config.Log(err.Error())
		}
	}()
	return "http://" + web.Addr().String(), func() { cancel(); <-ended }, nil
}

// Listen opens the two listeners that Serve takes.
func Listen(webAddress, sftpAddress string) (web, sftp net.Listener, err error) {
	if web, err = net.Listen("tcp", webAddress); err != nil {
		return nil, nil, err
	}
	if sftp, err = net.Listen("tcp", sftpAddress); err != nil {
		_ = web.Close()
		return nil, nil, err
	}
	return web, sftp, nil
}
