package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Server is a sandbox.
type Server struct {
	config  Config
	store   *store
	hostKey ssh.Signer
	faults  faults
	sftp    net.Listener // nil until it is served

	workers sync.WaitGroup
	ctx     context.Context // of the workers: ends with Serve
	sql     sync.Mutex      // one conversion at a time
}

// New opens a sandbox and what an earlier one left in its folder.
func New(config Config) (*Server, error) {
	if err := CheckOutcome(config.Outcome); err != nil {
		return nil, err
	}
	if config.Pace < 0 {
		return nil, fmt.Errorf("a pace of %v is none", config.Pace)
	}
	if config.Log == nil {
		config.Log = func(string) {}
	}
	store, err := openStore(config.Data)
	if err != nil {
		return nil, fmt.Errorf("opening the sandbox's data: %w", err)
	}
	hostKey, err := loadHostKey(config.Data)
	if err != nil {
		return nil, fmt.Errorf("opening the sandbox's host key: %w", err)
	}
	return &Server{config: config, store: store, hostKey: hostKey, faults: faults{list: config.Faults}}, nil
}

// shutdownTime is how long calls under way may go on once a sandbox is stopped.
const shutdownTime = 2 * time.Second

// Serve answers on both listeners until ctx ends, and closes them. It returns
// nil when ctx ended it.
func (s *Server) Serve(ctx context.Context, web, sftp net.Listener) error {
	asked := ctx
	ctx, cancel := context.WithCancel(ctx) // a listener that breaks ends the rest, too
	defer cancel()
	s.ctx, s.sftp = ctx, sftp
	for _, r := range s.store.unfinished() {
		s.start(r.ID)
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(web) }()
	go func() { ended <- s.serveSFTP(ctx, sftp) }()
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
	s.workers.Wait()
	if asked.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// start lets a request be worked on, which ends with Serve.
func (s *Server) start(id int) {
	s.workers.Go(func() { s.work(s.ctx, id) })
}

func itoa(n int) string { return strconv.Itoa(n) }

func atoi(text string) (n int, ok bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// Run serves an embedded sandbox on loopback ports of its own until stop is
// called, which waits for its end. It returns the address of its API.
func Run(ctx context.Context, config Config) (url string, stop func(), err error) {
	s, err := New(config)
	if err != nil {
		return "", nil, err
	}
	web, sftp, err := Listen("127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
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
