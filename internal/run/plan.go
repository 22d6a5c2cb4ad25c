// Package run carries out one plan: Make checks what a command was given, Do connects the
// platform and has a job do the work, and Resume says how a later job continues the request. It knows no flags, and words nothing but errors.
package run

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/handle"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/upgrade"
)

// DefaultServer is the vendor's platform.
const DefaultServer = "https://upgrade.odoo.com"

// Inputs are what a command that talks to the platform was given. What the command does not
// have is zero.
type Inputs struct {
	Command  job.Command
	Server   string // address, "" for the handle's or the default
	Protocol string
	Transfer dial.TransferSettings

	CACertificate    string // PEM
	Success, Failure []string

	// The request to continue, and secrets.
	Contract, Handle, HandleSecret, RequestID, RequestKey string

	// A new request.
	Email          string
	Target         upgrade.Target
	Aim            upgrade.Aim
	Dump, Filename string
	Preflight      job.Strictness
	Timezone       string
	SkipTest       bool
	Env            []string

	Timeout, PollInterval time.Duration
	Continue              bool // after the timeout: the platform keeps working, and that is fine

	Download     []upgrade.Item
	DownloadPath string
	Check        job.Strictness

	Compare   bool // the upgraded database with the dump that was sent
	FailOn    []compare.Area
	Inventory string // path of the dump's, from an earlier job
}

// Surroundings are what a plan depends on apart from the inputs.
type Surroundings struct {
	Workspace string          // folder that relative paths are in, "" for the current one
	Event     string          // of the workflow
	Specs     []platform.Spec // of the back ends, in the order in which they are tried
	Getenv    func(string) string
	Dial      dial.Dialer // in place of the network, in tests; nil otherwise
	Version   string      // of this program
}

// Plan is what the inputs amount to. It is carried out once.
type Plan struct {
	Inputs
	around Surroundings
	plan   job.Plan
	server string        // address of the platform, as users give it
	opened handle.Handle // what the input handle holds, zero without one
	handle string        // that was handed out last
}

// Make checks the inputs against each other. Its errors are the user's to fix; the Plan says
// even then what the inputs name.
func Make(o Inputs, s Surroundings) (*Plan, error) {
	o, wrong := o.clean()
	p := &Plan{Inputs: o, around: s, server: o.Server}
	p.plan = job.Plan{
		Request: upgrade.Request{
			Contract: upgrade.Secret(o.Contract), Email: o.Email, Target: o.Target, Aim: o.Aim, Filename: o.Filename, Timezone: o.Timezone,
		},
		Preflight: o.Preflight, Check: o.Check, SkipTest: o.SkipTest, Timeout: o.Timeout, PollInterval: o.PollInterval, Items: o.Download, Dump: InFolder(s.Workspace, o.Dump),
		Compare: o.Compare, FailOn: o.FailOn,
	}
	if wrong == nil {
		wrong = checkPath(o.Dump, p.plan.Dump)
	}
	if wrong != nil {
		return p, wrong
	}
	if err := p.reference(); err != nil {
		return p, err
	}
	if p.server == "" {
		p.server = DefaultServer
	}
	if o.Command.Downloads && !o.Command.Creates && len(o.Download) == 0 {
		return p, fmt.Errorf("without anything in {download}, the command %s has nothing to do", o.Command.Name)
	}
	if err := p.readInventory(); err != nil {
		return p, err
	}
	if strings.HasPrefix(s.Event, "pull_request") && o.Command.Creates {
		p.plan.PullRequest = s.Event
	}
	if err := p.plan.MayUpgrade(p.Aim); err != nil || p.plan.Ticket.ID != "" {
		return p, err
	}
	return p, p.checkNew(p.required())
}

// InFolder returns where a path is that users gave.
func InFolder(folder, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// checkNew returns an error if no request can be created with the inputs.
func (p *Plan) checkNew(required []string) error {
	if !p.Command.Creates {
		return advice.New(p.Command.Name+" needs an existing request", "Set {handle}, or {request-id} and {request-key}.")
	}
	if p.plan.Request.Filename == "" && p.Dump != "" {
		p.plan.Request.Filename = filepath.Base(p.Dump)
	}
	asked := p.plan.Request
	asked.Filename = "any" // it follows from dump
	missing := asked.Missing(required)
	if p.Dump != "" {
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == "dump" })
	}
	if len(missing) > 0 {
		text := "required inputs are missing: {" + strings.Join(missing, "}, {") + "}"
		if missing[0] == "contract" {
			return advice.New(
				text,
				"If {contract} comes from a secret, check that it is set: workflows on pull requests from forks get no secrets.",
			)
		}
		return errors.New(text)
	}
	return nil
}

// reference sets the request to continue, if there is one, and what its handle says.
func (p *Plan) reference() error {
	if n := len(p.Contract); n > 0 && n < actions.MinMask {
		return advice.New("{contract} is too short to be one, and to be masked", "Use one like M123456-abcdef.")
	}
	if n := len(p.HandleSecret); n > 0 && n < actions.MinMask {
		return advice.New("{handle-secret} is too short to be masked, and handles are public", "Use a long random one.")
	}
	if err := p.exposed(); err != nil {
		return err
	}
	switch {
	case p.Handle != "" && p.RequestID+p.RequestKey != "":
		return advice.New("{handle} replaces {request-id} and {request-key}", "Give one or the other.")
	case p.Handle != "":
		return p.openHandle()
	case (p.RequestID == "") != (p.RequestKey == ""):
		return errors.New("{request-id} and {request-key} belong together, but one of them is missing")
	}
	p.plan.Ticket = upgrade.Ticket{ID: p.RequestID, Key: upgrade.Secret(p.RequestKey)}
	return nil
}

// exposed returns an error for a secret that is a part of what has to be shown: it would be
// masked there, and what is left of a path or a handle is useless.
func (p *Plan) exposed() error {
	own := []string{handle.Prefix, DefaultServer}
	for _, s := range p.around.Specs {
		own = append(own, s.Name)
	}
	for _, result := range job.Results() {
		own = append(own, string(result))
	}
	for _, secret := range []struct{ name, value string }{{"contract", p.Contract}, {"handle-secret", p.HandleSecret}, {"request-key", p.RequestKey}} {
		if secret.value == "" || secret.value == "-" {
			continue
		}
		if strings.Contains(strings.Join(own, " "), secret.value) {
			return advice.New(
				fmt.Sprintf("{%s} is a part of words that every run shows, like %s, and would be masked there", secret.name, handle.Prefix),
				"Use a long random secret.",
			)
		}
		for _, shown := range []struct{ name, value string }{{"download-path", p.DownloadPath}, {"filename", p.Filename}, {"dump", p.Dump}, {"request-id", p.RequestID}} {
			if strings.Contains(shown.value, secret.value) {
				return advice.New(
					fmt.Sprintf(
						"{%s} contains the value of {%s}, which is a secret: outputs and log would show it, or be useless where it is masked",
						shown.name,
						secret.name,
					),
					"Choose another name.",
				)
			}
		}
	}
	return nil
}

// secret is what a handle is sealed with, "" if there is nothing.
func (o Inputs) secret() string {
	if o.HandleSecret != "" {
		return o.HandleSecret
	}
	return o.Contract
}

// contradiction returns an error for an input that says something else than the handle:
// the request was created with what the handle says. The aim's default says nothing.
func (p *Plan) contradiction(h handle.Handle) error {
	aim := string(p.Aim)
	if p.Aim == upgrade.Test {
		aim = ""
	}
	for _, input := range []struct{ name, given, handle string }{
		{"email", p.Email, h.Email}, {"target", p.Target.String(), h.Target}, {"aim", aim, string(h.Aim)}, {"filename", p.Filename, h.Filename},
	} {
		if input.given != "" && input.handle != "" && input.given != input.handle {
			return advice.New(
				fmt.Sprintf("the handle is for a request with %s %s, but {%s} is %s", input.name, input.handle, input.name, input.given),
				"Remove {"+input.name+"}, or create a new request without {handle}.",
			)
		}
	}
	return nil
}

// openHandle takes the request's reference out of the handle.
func (p *Plan) openHandle() error {
	if p.secret() == "" {
		return advice.New("a handle needs the secret that it was sealed with", "Set {handle-secret}, or {contract}.")
	}
	h, err := handle.Open(p.Handle, p.secret())
	if err != nil {
		return err
	}
	if p.server == "" {
		p.server = h.Server
	}
	if strings.TrimRight(p.server, "/") != strings.TrimRight(h.Server, "/") {
		return advice.New(
			fmt.Sprintf("the handle is for a request on %s, but {server-url} is %s", h.Server, httpcall.Shown(p.server)),
			"Remove {server-url}, or use the handle of a request there.",
		)
	}
	if err := p.contradiction(h); err != nil {
		return err
	}
	p.opened = h
	p.plan.Ticket, p.plan.DumpSHA256, p.Aim = h.Ticket, h.DumpSHA256, h.Aim
	p.plan.Request.Target, _ = upgrade.ParseSeries(h.Target)
	return nil
}
