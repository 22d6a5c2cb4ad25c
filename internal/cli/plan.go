package cli

import (
	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/run"
)

// options are the flags of a command that talks to the platform.
type options struct {
	command job.Command
	commonFlags
	dial.TransferSettings
	requestFlags
	waitFlags
	downloadFlags
	folderFlags
	compareFlags
	gateFlags
	local localFlags
}

func (c *runCommand) run(p *program) int {
	return p.carryOut("run", options{commonFlags: c.commonFlags, TransferSettings: c.TransferSettings, requestFlags: c.requestFlags,
		waitFlags: c.waitFlags, downloadFlags: c.downloadFlags, folderFlags: c.folderFlags, compareFlags: c.compareFlags, gateFlags: c.gateFlags, local: localFlags(c.keepFlags)})
}

func (c *startCommand) run(p *program) int {
	return p.carryOut(
		"start",
		options{
			commonFlags:      c.commonFlags,
			TransferSettings: c.TransferSettings,
			requestFlags:     c.requestFlags,
			folderFlags:      c.folderFlags,
			compareFlags:     c.compareFlags,
			local:            localFlags(c.keepFlags),
		},
	)
}

func (c *waitCommand) run(p *program) int {
	return p.carryOut("wait", options{commonFlags: c.commonFlags, waitFlags: c.waitFlags, folderFlags: c.folderFlags, gateFlags: gateFlags{inventoryFlags: c.inventoryFlags}, local: c.localFlags})
}

func (c *statusCommand) run(p *program) int {
	return p.carryOut("status", options{commonFlags: c.commonFlags, local: c.localFlags})
}

func (c *downloadCommand) run(p *program) int {
	return p.carryOut(
		"download",
		options{commonFlags: c.commonFlags, TransferSettings: c.TransferSettings, downloadFlags: c.downloadFlags, folderFlags: c.folderFlags, compareFlags: c.compareFlags, gateFlags: c.gateFlags, local: c.localFlags},
	)
}

// inputs are the options without the types that read them.
func (o options) inputs() run.Inputs {
	return run.Inputs{
		Command: o.command, Server: o.ServerURL, Protocol: string(o.Protocol), Transfer: o.TransferSettings, CACertificate: o.CACertificate,
		Success: o.SuccessStates, Failure: o.FailureStates,
		Contract: o.Contract, Handle: o.Handle, HandleSecret: o.HandleSecret, RequestID: o.RequestID, RequestKey: o.RequestKey,
		Email: o.Email, Target: o.Target.Target, Aim: o.Aim.Aim, Dump: o.Dump, Filename: o.Filename, Preflight: o.Preflight.Strictness,
		Timezone: string(
			o.Timezone,
		), SkipTest: o.SkipTest.on, Env: o.Env, Timeout: o.Timeout, PollInterval: o.PollInterval, Continue: o.OnTimeout.succeed,
		Download: o.Download, DownloadPath: o.DownloadPath, Check: o.Check.Strictness,
		Compare: o.Compare.on, FailOn: o.FailOn, Inventory: o.Inventory,
	}
}
