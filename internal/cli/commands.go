package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/api"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/handle"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/sandbox"
	"odoo-upgrade-action/internal/transfer"
	"odoo-upgrade-action/internal/upgrade"
)

// order is what a command that talks to the platform was told to do.
type order struct {
	name string
	do   func(job.Job, context.Context, job.Plan) job.Ending
	platformFlags
	transportFlags
	requestFlags
	addressFlags
	waitFlags
	stateFlags
	downloadFlags
	outputs, summary string

	opened  handle.Handle      // what the input handle holds
	keys    *transfer.HostKeys // SSH host keys of the platform
	learned bool               // one that the handle does not hold
}

func (c *runCommand) run(p *program) int {
	return p.carryOut(order{name: "run", do: job.Job.Run, platformFlags: c.platformFlags, transportFlags: c.transportFlags, requestFlags: c.requestFlags,
		addressFlags: c.addressFlags, waitFlags: c.waitFlags, stateFlags: c.stateFlags, downloadFlags: c.downloadFlags, outputs: c.Outputs, summary: c.Summary})
}

func (c *startCommand) run(p *program) int {
	return p.carryOut(order{name: "start", do: job.Job.Start, platformFlags: c.platformFlags, transportFlags: c.transportFlags, requestFlags: c.requestFlags,
		addressFlags: c.addressFlags, stateFlags: c.stateFlags, outputs: c.Outputs, summary: c.Summary})
}

func (c *waitCommand) run(p *program) int {
	return p.carryOut(order{name: "wait", do: job.Job.Wait, platformFlags: c.platformFlags, addressFlags: c.addressFlags,
		waitFlags: c.waitFlags, stateFlags: c.stateFlags, outputs: c.Outputs, summary: c.localFlags.Summary})
}

func (c *statusCommand) run(p *program) int {
	return p.carryOut(order{name: "status", do: job.Job.Status, platformFlags: c.platformFlags, addressFlags: c.addressFlags,
		stateFlags: c.stateFlags, outputs: c.Outputs, summary: c.localFlags.Summary})
}

func (c *downloadCommand) run(p *program) int {
	return p.carryOut(order{name: "download", do: job.Job.Download, platformFlags: c.platformFlags, transportFlags: c.transportFlags, addressFlags: c.addressFlags,
		stateFlags: c.stateFlags, downloadFlags: c.downloadFlags, outputs: c.Outputs, summary: c.localFlags.Summary})
}

// mayCreate tells whether the command makes a request where none is named.
func (o order) mayCreate() bool { return o.name == "run" || o.name == "start" }

// carryOut does what the order says and tells how it ended.
func (p *program) carryOut(o order) int {
	if err := p.keep(o.outputs, o.summary); err != nil {
		return p.invalid(err)
	}
	plan, err := p.plan(&o)
	told := report.New(p.runner, plan)
	told.Seal = func(t upgrade.Ticket, d dump.Info) (string, error) { return o.seal(t, d) }
	var ending job.Ending
	if err == nil {
		err = p.runner.CheckOutputs()
	}
	if err == nil {
		ending, err = p.do(&o, plan, told)
	}
	if err != nil {
		ending = job.Ending{Result: job.InvalidInput, Err: err, Ticket: plan.Ticket}
	}
	why := explain(ending, o.name, &o)
	if why.Fine && told.Lost() {
		ending.Result, why.Fine, why.Title = job.Failure, false, "Outputs lost"
		why.Text += " But the outputs could not be written: the steps that follow know nothing of it."
	}
	why.Code = o.goOn(why.GoOn, ending, told.Handle(), p.step)
	told.Finish(ending, why)
	switch {
	case why.Fine && told.Lost(): // the last of them
		return exitStatus(job.Failure)
	case why.Fine:
		return 0
	}
	return exitStatus(ending.Result)
}

// do wires the rooms together and carries out the plan.
func (p *program) do(o *order, plan job.Plan, told *report.Report) (job.Ending, error) {
	server, stop, err := p.server(*o)
	if err != nil {
		return job.Ending{}, err
	}
	defer stop()
	platform, carrier, err := p.platform(o, server, plan.Items)
	if err != nil {
		return job.Ending{}, err
	}
	if carrier.Folder != nil {
		defer carrier.Folder.Close()
		plan.Room = carrier.Folder.Free()
	}
	p.runner.Info(fmt.Sprintf("odoo-upgrade %s: %s, %s", Version(), o.name, o.ServerURL))
	if inClear(server) {
		p.runner.Warning("Not encrypted", "server-url begins with http: contract, key and dump go over the network as anybody on the way can read them.")
	}
	if plan.Ticket.ID != "" {
		told.Ticket(plan.Ticket)
		p.runner.Info("Going on with request " + plan.Ticket.ID + ".")
	}
	return o.do(job.Job{Platform: platform, Observe: func(e job.Event) {
		told.Observe(e)
		p.resealed(o, told)
	}}, p.ctx, plan), nil
}

// resealed hands a new handle on as soon as the platform's SSH host key is known,
// which a later job has to meet again.
func (p *program) resealed(o *order, told *report.Report) {
	if key := o.keys.Trusted(); key != "" && key != o.opened.SSHHostKey {
		o.opened.SSHHostKey, o.learned = key, true
		told.Reseal()
	}
}

// plan checks the inputs against each other. Its errors are the user's to mend.
func (p *program) plan(o *order) (job.Plan, error) {
	for _, flag := range []*string{&o.Contract, &o.Email, &o.Handle, &o.HandleSecret, &o.RequestID, &o.RequestKey} {
		*flag = strings.TrimSpace(*flag) // as inputs and the environment are
	}
	plan := job.Plan{
		Preflight:    o.Preflight.Preflight,
		Room:         -1,
		SkipTest:     o.SkipTest.on,
		Timeout:      o.Timeout,
		PollInterval: o.PollInterval,
		States:       o.states(),
		Items:        o.Download,
		Dump:         p.inWorkspace(o.Dump),
	}
	plan.Request = upgrade.Request{
		Contract: upgrade.Secret(o.Contract), Email: o.Email, Target: o.Target.Target, Aim: o.Aim.Aim, Filename: o.Filename, Timezone: string(o.Timezone),
	}
	if err := p.ticket(o, &plan); err != nil {
		return plan, err
	}
	if o.name == "download" && len(plan.Items) == 0 {
		return plan, errors.New("download: none leaves the command download nothing to do")
	}
	if event := p.getenv("GITHUB_EVENT_NAME"); strings.HasPrefix(event, "pull_request") && o.mayCreate() {
		plan.PullRequest = event
	}
	if err := plan.MayUpgrade(o.Aim.Aim); err != nil || plan.Ticket.ID != "" {
		return plan, err
	}
	if plan.Request.Filename == "" && o.Dump != "" {
		plan.Request.Filename = filepath.Base(o.Dump)
	}
	o.Filename = plan.Request.Filename
	return plan, p.checkNew(o, plan)
}

// checkNew returns an error if no request can be made with the plan.
func (p *program) checkNew(o *order, plan job.Plan) error {
	if !o.mayCreate() {
		return errors.New("missing: handle, or request-id and request-key: " + o.name + " goes on with a request that exists")
	}
	asked := plan.Request
	asked.Filename = "any" // nobody has to give one
	missing := asked.Missing()
	if o.Dump == "" {
		missing = append(missing, "dump")
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

// ticket returns the address of the request to go on with, zero if there is
// none, and takes over what a handle knows of it.
func (p *program) ticket(o *order, plan *job.Plan) error {
	if o.RequestKey == "-" && !p.step {
		line, _, err := bufio.NewReaderSize(p.stdin, 4096).ReadLine()
		if err != nil {
			return fmt.Errorf("reading request-key from standard input: %w", err)
		}
		o.RequestKey = strings.TrimSpace(string(line))
	}
	for _, secret := range []string{o.RequestKey, o.Contract, o.HandleSecret} {
		p.runner.Mask(secret)
	}
	if n := len(o.Contract); n > 0 && n < actions.MinMask {
		return errors.New("contract is too short to be one, and to be masked: give one like M123456-abcdef")
	}
	if n := len(o.HandleSecret); n > 0 && n < actions.MinMask {
		return errors.New("handle-secret is too short to be masked, and handles are shown: give a long random one")
	}
	switch {
	case o.Handle != "" && o.RequestID+o.RequestKey != "":
		return errors.New("handle stands in place of request-id and request-key: give one or the other")
	case o.Handle != "":
		return p.openHandle(o, plan)
	case (o.RequestID == "") != (o.RequestKey == ""):
		return errors.New("request-id and request-key go together, but one of them is missing")
	}
	plan.Ticket = upgrade.Ticket{ID: o.RequestID, Key: upgrade.Secret(o.RequestKey)}
	return nil
}

// embedded tells whether the platform is a sandbox that ends with the command.
func (o order) embedded() bool {
	_, is, _ := sandbox.ParseAddress(o.ServerURL)
	return is
}

func (o order) states() upgrade.States {
	return upgrade.States{Success: o.SuccessStates, Failure: o.FailureStates}
}

// secret is what a handle is sealed under, "" where there is nothing.
func (o order) secret() string {
	if o.HandleSecret != "" {
		return o.HandleSecret
	}
	return o.Contract
}

// openHandle takes the request's address out of the handle.
func (p *program) openHandle(o *order, plan *job.Plan) error {
	if o.secret() == "" {
		return errors.New("a handle needs what it was sealed under: give handle-secret, or contract")
	}
	h, err := handle.Open(o.Handle, o.secret())
	if err != nil {
		return err
	}
	p.runner.Mask(h.Ticket.Key.Reveal())
	if o.ServerURL == defaultServer {
		o.ServerURL = h.Server // not set by anybody, so the handle's is meant
	}
	if strings.TrimRight(o.ServerURL, "/") != strings.TrimRight(h.Server, "/") {
		return fmt.Errorf("the handle is of a request to %s, but server-url is %s", h.Server, o.ServerURL)
	}
	o.opened = h
	plan.Ticket, plan.DumpSHA256, o.Aim.Aim = h.Ticket, h.DumpSHA256, h.Aim
	plan.Request.Target, _ = upgrade.ParseSeries(h.Target)
	return nil
}

// seal returns the handle of a request: the one that was given, or a new one. It is "" where nothing could be sealed
// under, and for an embedded sandbox, whose requests end with the command.
func (o *order) seal(t upgrade.Ticket, d dump.Info) (string, error) {
	if o.Handle != "" && !o.learned {
		return o.Handle, nil
	}
	if o.secret() == "" || o.embedded() {
		return "", nil
	}
	h := o.opened
	if o.Handle == "" {
		h = handle.Handle{Server: o.ServerURL, Ticket: t, Filename: o.Filename, Aim: o.Aim.Aim, Target: o.Target.String(), SSHHostKey: o.opened.SSHHostKey}
	}
	if o.Handle == "" && o.RequestID == "" { // else nobody knows what dump the request was made for
		h.DumpSHA256, h.DumpSize = d.SHA256, d.Size
	}
	return handle.Seal(h, o.secret())
}

// goOn is what to write to go on with a request by a command, YAML in a step, ""
// without one.
func (o order) goOn(command string, e job.Ending, sealed string, step bool) string {
	id := e.Ticket.ID
	if command == "" || id == "" || o.embedded() { // its requests end with the command
		return ""
	}
	flag, input := "", "" // what else is to be given
	more := func(name, value string) {
		flag, input = flag+" --"+name+" "+inShell(value), input+"\n  "+name+": "+inYAML(value)
	}
	if sealed == "" && o.ServerURL != defaultServer { // a handle knows it
		more("server-url", o.ServerURL)
	}
	switch {
	case command == "run" && upgrade.IsDraft(e.Status.State) && !e.Asked:
		more("dump", cmp.Or(o.Dump, "DUMP"))
	case command == "download" && e.Result == job.UpgradeFailed:
		more("download", "notes")
	}
	switch {
	case !step && sealed == "":
		return fmt.Sprintf("odoo-upgrade %s --request-id %s --request-key -%s # reads the key; it is in the outputs file", command, id, flag)
	case !step:
		return fmt.Sprintf("odoo-upgrade %s --handle %s%s # and the contract or handle-secret as here", command, sealed, flag)
	case sealed == "":
		return fmt.Sprintf(`with:
  command: %s
  request-id: %s
  request-key: ${{ steps.STEP.outputs.request-key }} # STEP: the id of this step, in the same job%s`, command, id, input)
	}
	secret := "contract: ${{ secrets.ODOO_CONTRACT }}"
	if o.HandleSecret != "" {
		secret = "handle-secret: ${{ secrets.ODOO_HANDLE_SECRET }}"
	}
	return fmt.Sprintf("with:\n  command: %s\n  %s # the same as here\n  handle: %s%s", command, secret, sealed, input)
}

// plainWord is what neither a shell nor YAML reads anything into.
var plainWord = regexp.MustCompile(`^[\w./]([\w./+:-]*[\w/])?$`)

func inShell(text string) string { return quoted(text, `'\''`) }

func inYAML(text string) string { return quoted(text, "''") }

// quoted puts text between single quotes if it needs them, with quote for one inside.
func quoted(text, quote string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", quote) + "'"
}

// inWorkspace returns where a path that a user gave is.
func (p *program) inWorkspace(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(p.workspace(), path)
}

// server returns the platform's address; stop ends an embedded one.
func (p *program) server(o order) (address string, stop func(), err error) {
	config, embedded, err := sandbox.ParseAddress(o.ServerURL)
	if err != nil || !embedded {
		return o.ServerURL, func() {}, err
	}
	if o.name != "run" {
		return "", nil, fmt.Errorf("an embedded sandbox ends with the command, so %s would find nothing: use run, or the command sandbox beside it", o.name)
	}
	if config.Data, err = os.MkdirTemp("", "odoo-upgrade-sandbox-"); err != nil {
		return "", nil, err
	}
	address, end, err := sandbox.Run(p.ctx, config)
	if err != nil {
		_ = os.RemoveAll(config.Data)
		return "", nil, err
	}
	return address, func() { end(); _ = os.RemoveAll(config.Data) }, nil
}

// inClear tells whether an address is of another network, and unencrypted.
func inClear(server string) bool {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return ip == nil && strings.Contains(host, ".") || ip != nil && !ip.IsLoopback() && !ip.IsPrivate()
}

// platform connects what a job needs.
func (p *program) platform(o *order, server string, wanted []upgrade.Item) (_ job.Platform, _ *transfer.Carrier, err error) {
	web, err := transfer.NewTransport([]byte(o.CACertificate))
	if err != nil {
		return job.Platform{}, nil, fmt.Errorf("ca-certificate: %w", err)
	}
	if p.dial != nil {
		web.DialContext = p.dial
	}
	client, err := api.New(server, web)
	if err != nil {
		return job.Platform{}, nil, err
	}
	downloader, err := transfer.NewDownloader(server, web)
	if err != nil {
		return job.Platform{}, nil, err
	}
	overSSH, err := p.sftp(o, client)
	if err != nil {
		return job.Platform{}, nil, err
	}
	carrier := &transfer.Carrier{
		Transport: o.Transport.Transport, HTTPS: transfer.HTTPS{API: client}, Downloads: downloader, SFTP: overSSH,
		Size: o.opened.DumpSize, Tell: p.runner.Info,
	}
	if len(wanted) > 0 {
		// Before a request is made: hours later would be a bad time to find out.
		if carrier.Folder, err = transfer.OpenFolder(p.workspace(), o.DownloadPath); err != nil {
			return job.Platform{}, nil, fmt.Errorf("opening download-path: %w", err)
		}
		for _, name := range carrier.Folder.Holding(wanted) {
			p.runner.Info(name + " is there from an earlier run; what comes now replaces it, or lies beside it under another ending.")
		}
	}
	return job.Platform{Requests: client, Processing: client, Uploader: carrier, Fetcher: carrier}, carrier, nil
}

// sftp connects what SFTP needs.
func (p *program) sftp(o *order, access transfer.Access) (_ *transfer.SFTP, err error) {
	s := &transfer.SFTP{API: access, Streams: int(o.Streams), Tell: p.runner.Info, Ours: o.RequestID == "" && (o.Handle == "" || o.opened.DumpSHA256 != "")}
	if s.Keys, err = transfer.NewHostKeys(o.SSHKnownHosts, o.opened.SSHHostKey); err != nil {
		return nil, fmt.Errorf("ssh-known-hosts: %w", err)
	}
	o.keys = s.Keys
	if o.SSHPrivateKey != "" {
		if s.Key, err = transfer.ParseKey(o.SSHPrivateKey); err != nil {
			return nil, fmt.Errorf("ssh-private-key: %w", err)
		}
	}
	if s.Dial = p.dial; s.Dial == nil {
		s.Dial, err = transfer.NewDialer(p.getenv)
	}
	if t := o.Transport.Transport; t == "" || t == transfer.OverHTTPS {
		err = nil // nothing will be dialled
	}
	return s, err
}
