package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/platform/jsonrpc"
	"odoo-upgrade-action/internal/platform/v1"
	"odoo-upgrade-action/internal/sandbox"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// This file is the only one that knows which back ends there are.

// The protocols, as users name them. Auto is API v1 where that exists.
const (
	protocolAuto = "auto"
	protocolV1   = "v1"
	protocolRPC  = "json-rpc"
)

// required returns the inputs that a new request needs.
func required(protocol string) []string {
	if protocol == protocolRPC {
		return jsonrpc.Required()
	}
	return v1.Required()
}

// chooseProtocol returns the protocol of a request that exists, or the one that the inputs
// of a new one ask for. An input that it does not have is an error.
func (o planned) chooseProtocol() (string, error) {
	protocol := string(o.Protocol)
	if o.Handle != "" {
		own := o.opened.Protocol
		if own == "" {
			own = protocolV1
		}
		if protocol != protocolAuto && protocol != own {
			return "", fmt.Errorf("the handle is for a request with protocol %s, but protocol is %s: remove protocol", own, protocol)
		}
		protocol = own
	}
	onlyV1, onlyRPC := o.onlyOf(protocolV1), o.onlyOf(protocolRPC)
	switch {
	case protocol == protocolRPC && onlyV1 != "":
		return "", fmt.Errorf("%s is not possible with protocol json-rpc: remove it, or set protocol to v1", onlyV1)
	case protocol == protocolV1 && onlyRPC != "":
		return "", fmt.Errorf("%s is not possible with protocol v1: remove it, or set protocol to json-rpc", onlyRPC)
	case onlyV1 != "" && onlyRPC != "":
		return "", fmt.Errorf("%s and %s are not possible together: each exists in another protocol", onlyV1, onlyRPC)
	case protocol == protocolAuto && onlyV1 != "":
		return protocolV1, nil
	case protocol == protocolAuto && onlyRPC != "":
		return protocolRPC, nil
	}
	return protocol, nil
}

// onlyOf returns the first input that only one protocol has, "" if there is none.
func (o planned) onlyOf(protocol string) string {
	mine, others := v1.Items(), jsonrpc.Items()
	if protocol == protocolRPC {
		mine, others = others, mine
	}
	for _, item := range o.Download {
		if slices.Contains(mine, item) && !slices.Contains(others, item) {
			return "download: " + string(item)
		}
	}
	folder, err := os.Stat(o.plan.Dump)
	switch {
	case protocol == protocolV1 && o.SkipTest.on:
		return "skip-test"
	case protocol == protocolV1 && o.Timezone != "":
		return "timezone"
	case protocol == protocolRPC && len(o.Env) > 0:
		return "env"
	case protocol == protocolRPC && o.plan.Dump != "" && err == nil && folder.IsDir():
		return "a folder as dump"
	}
	return ""
}

// connect returns the platform that the inputs name. folder is nil if nothing is to be
// downloaded.
func (p *program) connect(o planned, server string, folder *workspace.Folder, tell func(event.Event)) (job.Platform, error) {
	protocol, err := o.chooseProtocol()
	if err != nil {
		return nil, err
	}
	if err := dial.CheckProxies(p.getenv); err != nil {
		return nil, err
	}
	web, err := dial.HTTP([]byte(o.CACertificate))
	if err != nil {
		return nil, err
	}
	if p.dial != nil {
		web.DialContext = p.dial
	}
	first, err := v1.New(v1.Config{
		Server: server, HTTP: web, Dial: p.dial, Getenv: p.getenv, Transfer: o.TransferSettings, Folder: folder, Tell: tell,
		Success: o.SuccessStates, Failure: o.FailureStates,
		HostKey: o.opened.SSHHostKey, DumpSize: o.opened.DumpSize, SameDump: o.RequestID == "" && (o.Handle == "" || o.opened.DumpSHA256 != ""),
	})
	second, rpcErr := jsonrpc.New(jsonrpc.Config{
		Server: server, HTTP: web, Dial: p.dial, Getenv: p.getenv, Transfer: o.TransferSettings, Env: o.Env, Folder: folder, Tell: tell,
		Success: o.SuccessStates, Failure: o.FailureStates,
	})
	switch protocol {
	case protocolV1:
		tell(event.ProtocolChosen{Protocol: protocol})
		return first, err
	case protocolRPC:
		tell(event.ProtocolChosen{Protocol: protocol})
		return second, rpcErr
	}
	return &either{now: first, next: second, names: []string{protocolV1, protocolRPC}, tell: tell}, cmp.Or(err, rpcErr) // of two about the same input, one
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
		if err := folder.IsFree(string(item), item == upgrade.Filestore); err != nil {
			return nil, errors.Join(fmt.Errorf("download-path: %w", err), folder.Close())
		}
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
