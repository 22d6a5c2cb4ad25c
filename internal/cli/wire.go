package cli

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/platform/v1"
	"odoo-upgrade-action/internal/sandbox"
	"odoo-upgrade-action/internal/workspace"
)

// This file is the only one that knows which back ends there are.

// required returns the inputs that a new request needs.
func required() []string { return v1.Required() }

// connect returns the platform that the inputs name. folder is nil if nothing is to be
// downloaded.
func (p *program) connect(o planned, server string, folder *workspace.Folder, tell func(event.Event)) (job.Platform, error) {
	web, err := dial.HTTP([]byte(o.CACertificate))
	if err != nil {
		return nil, err
	}
	if p.dial != nil {
		web.DialContext = p.dial
	}
	return v1.New(v1.Config{
		Server: server, HTTP: web, Dial: p.dial, Getenv: p.getenv, Transfer: o.TransferSettings, Folder: folder, Tell: tell,
		Success: o.SuccessStates, Failure: o.FailureStates,
		HostKey: o.opened.SSHHostKey, DumpSize: o.opened.DumpSize, SameDump: o.RequestID == "" && (o.Handle == "" || o.opened.DumpSHA256 != ""),
	})
}

// openFolder opens the folder for downloads, nil if there are none: before a request
// is created, because hours later would be a bad time to find out that it cannot be
// written.
func (p *program) openFolder(o planned, tell func(event.Event)) (*workspace.Folder, error) {
	if len(o.plan.Items) == 0 {
		return nil, nil
	}
	folder, err := workspace.Open(p.workspace(), o.DownloadPath)
	if err != nil {
		return nil, fmt.Errorf("opening download-path: %w", err)
	}
	for _, item := range o.plan.Items {
		for _, path := range folder.Named(string(item)) {
			tell(event.Leftover{Path: path})
		}
	}
	return folder, nil
}

// serve returns the platform's address; for an embedded sandbox, which stop ends, that
// is its own.
func (p *program) serve(ctx context.Context, o planned) (address string, stop func(), err error) {
	config, embedded, err := sandbox.ParseAddress(o.server)
	if err != nil || !embedded {
		return o.server, func() {}, err
	}
	if !o.command.Creates || !o.command.Waits {
		return "", nil, fmt.Errorf("an embedded sandbox ends with the command, so %s would find nothing: use run, or start the command sandbox separately", o.command.Name)
	}
	if config.Data, err = os.MkdirTemp("", "odoo-upgrade-sandbox-"); err != nil {
		return "", nil, err
	}
	address, end, err := sandbox.Run(ctx, config)
	if err != nil {
		_ = os.RemoveAll(config.Data)
		return "", nil, err
	}
	return address, func() { end(); _ = os.RemoveAll(config.Data) }, nil
}

// isEmbedded reports whether the platform is a sandbox that ends with the command.
func (o planned) isEmbedded() bool {
	_, is, _ := sandbox.ParseAddress(o.server)
	return is
}

// isUnencrypted reports whether an address is on another network, and unencrypted.
func isUnencrypted(server string) bool {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return ip == nil && strings.Contains(host, ".") || ip != nil && !ip.IsLoopback() && !ip.IsPrivate()
}
