package run

import (
	"context"
	"errors"
	"io"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// Ticket is the reference of the request to continue, zero without one.
func (p *Plan) Ticket() upgrade.Ticket { return p.plan.Ticket }

// Do connects the packages, carries out the plan and tells what happens. Its error is about
// the inputs.
func (p *Plan) Do(ctx context.Context, told *report.Report) (job.Ending, error) {
	seal := &sealer{Plan: p, report: told}
	server, stop, err := p.serve(ctx)
	if err != nil {
		return job.Ending{}, err
	}
	defer stop()
	tell := told.Observe
	tell(event.Started{Version: p.around.Version, Command: p.Command.Name, Server: httpcall.Shown(p.server)})
	folder, err := p.openFolder(tell)
	if err != nil {
		return job.Ending{}, err
	}
	plan := p.plan
	if folder != nil {
		defer folder.Close()
		plan.Disk.Free, plan.Disk.Known = folder.Free()
	}
	back, err := p.connect(server, folder, seal)
	if err != nil {
		return job.Ending{}, err
	}
	if isUnencrypted(server) {
		tell(event.Unencrypted{})
	}
	if plan.Ticket.ID != "" {
		tell(event.Continuing{Ticket: plan.Ticket, Command: p.Command.Name})
		seal.Keep(platform.Reference{Ticket: plan.Ticket})
	}
	if p.Inventory != "" && !p.Command.Downloads {
		tell(event.Counted{Path: p.Inventory}) // for the job after this one
	}
	work := job.Job{Platform: back, Observe: tell, Keeper: seal}
	if folder != nil {
		work.Save = func(name, extension string, content []byte) (string, error) {
			return folder.Save(ctx, name, extension, content)
		}
	}
	if p.Command.Waits || p.Command.Downloads {
		work.SaveLog = func(t upgrade.Ticket, read func(io.Writer) error) (upgrade.Artifact, error) {
			return p.saveLog(ctx, folder, t, read)
		}
	}
	return work.Do(ctx, p.Command, plan), nil
}

// saveLog writes the log of a request into the folder of downloads, all of it or nothing, and
// without the key and the contract: the platform writes them into it.
func (p *Plan) saveLog(ctx context.Context, folder *workspace.Folder, t upgrade.Ticket, read func(io.Writer) error) (a upgrade.Artifact, err error) {
	if folder == nil { // nothing was to be downloaded
		if folder, err = workspace.Open(p.around.Workspace, p.DownloadPath); err != nil {
			return a, err
		}
		defer folder.Close()
	}
	part, err := folder.Begin(ctx, string(upgrade.Log), "")
	if err != nil {
		return a, err
	}
	defer func() { part.Close(ctx, err) }()
	if err = part.Start("", -1); err == nil {
		clean := newMasking(part, t.Key, p.plan.Request.Contract)
		err = errors.Join(read(clean), clean.flush())
	}
	if err != nil || part.Size() == 0 {
		return a, err
	}
	file, err := part.Commit(".txt")
	return upgrade.Artifact{Item: upgrade.Log, Path: file.Path, Location: file.Location, Size: file.Size, SHA256: file.SHA256}, err
}

// IsFine reports whether the command did what it was asked to do.
func (p *Plan) IsFine(e job.Ending) bool {
	return p.Command.IsFine(e) || e.Result == job.Timeout && p.Continue
}
