package run

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

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/platform/auto"
	"odoo-upgrade-action/internal/sandbox"
	"odoo-upgrade-action/internal/sandbox/service"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// Auto is the protocol that the platform has, of several.
const Auto = "auto"

// required returns the inputs that a new request needs.
func (p *Plan) required() []string {
	list := p.around.Specs
	spec := list[max(0, slices.IndexFunc(list, func(s platform.Spec) bool { return s.Name == p.Protocol || p.Protocol == Auto && p.needs(s) == "" }))]
	if len(spec.Takes) == 0 {
		return spec.Requires
	}
	return append(slices.Clone(spec.Requires), "dump")
}

// chooseProtocol returns the back ends that the request may have: the one of a request that
// exists, or those that have all inputs of a new one. None is an error.
func (p *Plan) chooseProtocol(tell func(event.Event)) ([]platform.Spec, error) {
	protocol := p.Protocol
	if p.Handle != "" {
		own := cmp.Or(p.opened.Protocol, "v1") // as in the first handles
		if protocol != Auto && protocol != own {
			return nil, advice.New(
				fmt.Sprintf("the handle is for a request with protocol %s, but {protocol} is %s", own, protocol),
				"Remove {protocol}.",
			)
		}
		protocol = own
	}
	var fit []platform.Spec
	var lacking []string
	var ruledOut []event.RuledOut
	for _, s := range p.around.Specs {
		switch lacks := p.lacks(s); {
		case lacks != "" && s.Name == protocol:
			return nil, advice.New(
				fmt.Sprintf("%s is not possible with protocol %s", lacks, protocol),
				"Remove it, or set another {protocol}.",
			)
		case lacks != "":
			lacking = append(lacking, lacks)
		case protocol == Auto && p.needs(s) != "":
			ruledOut = append(ruledOut, event.RuledOut{Protocol: s.Name, Input: p.needs(s)})
		case protocol == Auto || s.Name == protocol:
			fit = append(fit, s)
		}
	}
	switch {
	case len(fit) == 0 && len(ruledOut) > 0:
		return nil, advice.New(
			fmt.Sprintf("{%s} is missing, and %s is not possible without it", ruledOut[0].Input, lacking[0]),
			"Set {"+ruledOut[0].Input+"}.",
		)
	case len(fit) == 0 && len(lacking) < 2:
		return nil, fmt.Errorf("the protocol %q is not known here: the handle may be that of a newer version of this program", protocol)
	case len(fit) == 0:
		return nil, fmt.Errorf("%s are not possible together: no protocol has them all", strings.Join(lacking, " and "))
	}
	for _, e := range ruledOut {
		tell(e)
	}
	return fit, nil
}

// needs returns an input that a back end, unlike others, needs for a new request, and that is
// missing; "" for none. Where the protocol is open, the others are left.
func (p *Plan) needs(s platform.Spec) string {
	if p.plan.Ticket.ID != "" {
		return ""
	}
	for _, name := range p.plan.Request.Missing(s.Requires) {
		if slices.ContainsFunc(p.around.Specs, func(other platform.Spec) bool { return !slices.Contains(other.Requires, name) }) {
			return name
		}
	}
	return ""
}

// lacks returns the first input that a back end does not have, "" if it has all.
func (p *Plan) lacks(s platform.Spec) string {
	for _, item := range p.Download {
		if !slices.Contains(s.Offers, item) {
			return "download: " + string(item)
		}
	}
	for _, input := range []struct {
		name  string
		given bool
	}{{"skip-test", p.SkipTest}, {"timezone", p.Timezone != ""}, {"env", len(p.Env) > 0}} {
		if input.given && !slices.Contains(s.Inputs, input.name) {
			return input.name
		}
	}
	if folder, err := os.Stat(p.plan.Dump); p.plan.Dump != "" && err == nil && folder.IsDir() &&
		!slices.Contains(s.Takes, dump.Form{Kind: dump.Directory}) {
		return "a folder as dump"
	}
	return ""
}

// connect returns the platform that the inputs name. folder is nil if nothing is to be
// downloaded.
func (p *Plan) connect(server string, folder *workspace.Folder, seal *sealer) (platform.Platform, error) {
	fit, err := p.chooseProtocol(seal.report.Observe)
	if err != nil {
		return nil, err
	}
	if err := dial.CheckProxies(p.around.Getenv); err != nil {
		return nil, err
	}
	web, err := dial.HTTP([]byte(p.CACertificate))
	if err != nil {
		return nil, err
	}
	if p.around.Dial != nil {
		web.DialContext = p.around.Dial
	}
	return auto.New(platform.Config{
		Server: server, HTTP: web, Dial: p.around.Dial, Getenv: p.around.Getenv, Transfer: p.Transfer, Env: p.Env, Folder: folder, Tell: seal.report.Observe, Keeper: seal,
		Success: p.Success, Failure: p.Failure,
		HostKey: p.opened.SSHHostKey, DumpSize: p.opened.DumpSize, SameDump: p.RequestID == "" && (p.Handle == "" || p.opened.DumpSHA256 != ""),
	}, fit...)
}

// openFolder opens the folder for downloads and what is compared, nil if there are none: before a request
// is created, because hours later would be a bad time to find out that it cannot be
// written.
func (p *Plan) openFolder(tell func(event.Event)) (*workspace.Folder, error) {
	if len(p.plan.Items) == 0 && !(p.Compare && p.Command.Creates) {
		return nil, nil
	}
	folder, err := workspace.Open(p.around.Workspace, p.DownloadPath)
	if err != nil {
		return nil, fmt.Errorf("opening {download-path}: %w", err)
	}
	for _, item := range p.plan.Items {
		if err := folder.IsFree(string(item), item == upgrade.Filestore); err != nil {
			return nil, errors.Join(fmt.Errorf("{download-path}: %w", err), folder.Close())
		}
		for _, path := range folder.Named(string(item)) {
			tell(event.Leftover{Path: path})
		}
	}
	return folder, nil
}

// serve returns the platform's address; for an embedded sandbox, which stop ends, that
// is its own.
func (p *Plan) serve(ctx context.Context) (address string, stop func(), err error) {
	config, embedded, err := sandbox.ParseAddress(p.server)
	if err != nil || !embedded {
		return p.server, func() {}, err
	}
	if !p.Command.Creates || !p.Command.Waits {
		return "", nil, advice.New(
			fmt.Sprintf("an embedded sandbox ends with the command, so %s would find nothing", p.Command.Name),
			"Use run, or start the command sandbox separately.",
		)
	}
	if config.Data, err = os.MkdirTemp("", "odoo-upgrade-sandbox-"); err != nil {
		return "", nil, err
	}
	address, end, err := service.Run(ctx, service.Config{Config: config})
	if err != nil {
		_ = os.RemoveAll(config.Data)
		return "", nil, err
	}
	return address, func() { end(); _ = os.RemoveAll(config.Data) }, nil
}

// isEmbedded reports whether the platform is a sandbox that ends with the command.
func (p *Plan) isEmbedded() bool {
	_, is, _ := sandbox.ParseAddress(p.server)
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
