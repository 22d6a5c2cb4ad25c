// Package service is a sandbox for a team: pages that follow a request, TLS, reverse proxies, and
// requests that are removed when they are old. Package engines has what upgrades for real.
//
// New returns a server; Run serves one inside this process.
package service

import (
	"context"
	"net/http"
	"time"

	"odoo-upgrade-action/internal/sandbox"
	"odoo-upgrade-action/internal/sandbox/requests"
	v1 "odoo-upgrade-action/internal/sandbox/v1"
)

// Config is how a server behaves.
type Config struct {
	sandbox.Config
	Retention time.Duration // how long requests are kept that have ended; 0: for good
	PublicURL string        // the address of the sandbox for clients; "": what they ask for
	Proxies   []string      // addresses of reverse proxies whose X-Forwarded headers count, like 10.0.0.0/8
	Index     bool          // the start page lists all requests, with their keys
}

// around returns the sandbox's part, with what is around it.
func (c Config) around() (sandbox.Config, error) {
	proxy, err := newProxy(c.PublicURL, c.Proxies)
	if err != nil {
		return c.Config, err
	}
	log := c.Log
	if log == nil {
		log = func(string) {}
	}
	c.Before = proxy.apply
	c.Pages = func(ctx context.Context, mux *http.ServeMux, server *v1.Server) {
		(&pages{index: c.Index}).serve(ctx, mux, server)
	}
	if c.Retention > 0 {
		c.Beside = func(ctx context.Context, store *requests.Store) { store.Expire(ctx, c.Retention, log) }
	}
	return c.Config, nil
}

// New opens a server, as sandbox.New does.
func New(ctx context.Context, c Config) (*sandbox.Server, error) {
	config, err := c.around()
	if err != nil {
		return nil, err
	}
	return sandbox.New(ctx, config)
}

// Run serves one on loopback ports, as sandbox.Run does.
func Run(ctx context.Context, c Config) (url string, stop func(), err error) {
	config, err := c.around()
	if err != nil {
		return "", nil, err
	}
	return sandbox.Run(ctx, config)
}
