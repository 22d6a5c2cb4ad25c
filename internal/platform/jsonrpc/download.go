package jsonrpc

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/rsync"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// dumpNameShape is what a dump on the platform can be called: it becomes a word of a
// command.
var dumpNameShape = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$`)

// remoteName is what an item is called on the platform.
func remoteName(item upgrade.Item, dumpName string) (string, error) {
	switch item {
	case upgrade.Filestore:
		return "filestore", nil
	case upgrade.Notes:
		return "upgrade-report.html", nil
	case upgrade.Log:
		return "upgrade.log", nil
	}
	if !dumpNameShape.MatchString(dumpName) {
		return "", fmt.Errorf("the platform calls the upgraded database %.100q, which cannot be a file's name", dumpName)
	}
	return dumpName, nil
}

// Fetch downloads an item once, a file or a folder. What a cut left here is resumed.
func (p *transfers) Fetch(
	ctx context.Context,
	s upgrade.Status,
	item upgrade.Item,
	progress func(done, total int64),
) (a upgrade.Artifact, kept int64, err error) {
	if err := p.use(s.Ticket); err != nil {
		return a, 0, err
	}
	l, dumpName, err := p.startTransfer(ctx, "download")
	if err != nil {
		return a, 0, err
	}
	defer l.close()
	name, err := remoteName(item, dumpName)
	if err != nil {
		return a, 0, err
	}
	part, err := p.Folder.BeginFolder(string(item), "rsync:"+s.Ticket.ID+":"+s.Ticket.Key.Reveal()+":"+name)
	if err != nil {
		return a, 0, err
	}
	defer func() { part.Close(ctx, err) }()
	result, err := p.pull(l, name, dumpName, part, progress)
	if err != nil {
		return a, result.Kept, err
	}
	a, err = arrived(part, item, name, result)
	if err != nil {
		return a, result.Kept, err
	}
	p.stop(ctx)
	return a, result.Kept, nil
}

// command is one by which a server is asked for a download. A strict one accepts only the
// last, or the last two.
type command int

const (
	ownCommand     command = iota // ours, which is the fastest
	scriptsOptions                // the exact options of the vendor's script, for one item
	scriptsLine                   // its whole line, with the names of all items
)

// arguments returns the command's arguments, for an item with a name on the platform.
func (c command) arguments(root, name, dumpName string) (rsync.Protocol, []string) {
	switch c {
	case ownCommand:
		return rsync.Protocol30, rsync.PullArgs(rsync.Protocol30, root+"/"+name)
	case scriptsOptions:
		return rsync.Protocol27, rsync.PullArgs(rsync.Protocol27, root+"/"+name)
	}
	var paths []string
	for _, item := range []upgrade.Item{upgrade.UpgradedDump, upgrade.Filestore, upgrade.Notes, upgrade.Log} {
		if name, err := remoteName(item, dumpName); err == nil {
			paths = append(paths, root+"/"+name)
		}
	}
	return rsync.Protocol27, rsync.PullArgs(rsync.Protocol27, paths...)
}

// pull receives a file or a folder. If the server refuses our command, it repeats with those
// of the vendor's script, which are slower.
func (p *transfers) pull(
	l *line,
	name, dumpName string,
	part *workspace.PartialFolder,
	progress func(done, total int64),
) (result rsync.Result, err error) {
	target := rsync.Target{
		Root: part.Root, Folder: workspace.Arrived, Partial: workspace.Arriving, Only: name, Keep: true, Digest: true,
		Compared: l.compared,
		Progress: func(done, total int64) {
			l.watch.Feed()
			progress(done, total)
		},
	}
	if free, known := p.Folder.Free(); known {
		target.MaxBytes = max(1, free)
	}
	for {
		version, arguments := p.command.arguments(p.root, name, dumpName)
		err = l.rsync(arguments, func(c rsync.Connection) (messages string, err error) {
			result, messages, err = rsync.Pull(l.ctx, c, version, target)
			return messages, err
		})
		if !isCommandRefused(err) || p.command == scriptsLine {
			break
		}
		p.command++ // also in the next try: this connection may be over
	}
	if large, ok := errors.AsType[*rsync.TooLargeError](err); ok {
		return result, &workspace.NoSpaceError{Needs: large.Needs, Free: large.Allowed}
	}
	if errors.Is(err, rsync.ErrChanged) {
		err = retry.Transient(err)
	}
	return result, transferError(err)
}

// arrived gives what arrived its name here.
func arrived(part *workspace.PartialFolder, item upgrade.Item, name string, result rsync.Result) (a upgrade.Artifact, err error) {
	a.Item = item
	if result.Skipped > 0 {
		return a, fmt.Errorf(
			"%d links, devices or unsafe names in %s cannot be stored here, so it would not be complete",
			result.Skipped,
			name,
		)
	}
	digests, folder := map[string]string{}, len(result.Folders) > 0
	for _, f := range result.Files {
		top, rest, inFolder := strings.Cut(f.Name, "/")
		if top != name {
			return a, fmt.Errorf("the platform sent %.100q in the place of %s", f.Name, name)
		}
		a.Size += f.Size
		if a.SHA256 = f.SHA256; inFolder {
			folder = true
			digests[rest] = f.SHA256
		}
	}
	if len(result.Files) == 0 {
		return a, &upgrade.MissingError{Item: item}
	}
	extension := ""
	switch {
	case folder && item == upgrade.UpgradedDump:
		if digests["toc.dat"] == "" {
			return a, errors.New("the folder that arrived is not a dump: it has no toc.dat")
		}
		extension = dump.Directory.Extension()
	case !folder:
		kind, err := sniff(part, name)
		if err != nil {
			return a, err
		}
		if item == upgrade.UpgradedDump && (kind == dump.Empty || kind == dump.HTML) {
			return a, fmt.Errorf("what arrived is not a database (%s)", kind)
		}
		extension = kind.Extension()
	}
	if folder {
		a.SHA256 = dump.FolderDigest(digests)
	}
	f, err := part.Commit(path.Base(name), extension)
	a.Path, a.Location = f.Path, f.Location
	return a, err
}

// sniff returns what kind of file arrived.
func sniff(part *workspace.PartialFolder, name string) (dump.Kind, error) {
	file, err := part.Root.Open(path.Join(workspace.Arrived, name))
	if err != nil {
		return "", err
	}
	defer file.Close()
	return dump.SniffReader(file)
}
