package v1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sftp"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// fetch downloads the upgraded database into the folder.
// "The difference is that you'll only be able to download the migrated database."
func (s *overSFTP) fetch(
	ctx context.Context,
	status upgrade.Status,
	item upgrade.Item,
	progress func(done, total int64),
) (f workspace.File, kept int64, err error) {
	pool, name, err := s.open(ctx, status.Ticket)
	if err != nil {
		return f, 0, err
	}
	defer pool.Close()
	there, name, info, err := find(pool, name)
	if err != nil {
		return f, 0, transferError(ctx, err)
	}
	part, err := s.Folder.Begin(ctx, string(item), "sftp:"+status.Ticket.ID+":"+status.Ticket.Key.Reveal()+":"+name)
	if err != nil {
		return f, 0, err
	}
	defer func() { part.Close(ctx, err) }()
	err = s.get(ctx, there, info, part, progress)
	s.learn(err)
	if err == nil {
		err = transferError(ctx, unchanged(pool, name, info, part))
	}
	if err != nil {
		return f, part.Size(), err
	}
	f, err = commit(part, item)
	return f, part.Size(), err
}

// get downloads what is missing of the file.
func (s *overSFTP) get(
	ctx context.Context,
	there *sftp.File,
	info sftp.Info,
	part *workspace.Partial,
	progress func(done, total int64),
) error {
	if err := part.Resume(fmt.Sprintf("%d@%d", info.Size, info.Modified), info.Size); err != nil {
		return err
	}
	if err := s.sameTail(ctx, there, part); err != nil {
		return err
	}
	if part.Size() > 0 {
		s.Tell(event.Resumed{Step: event.Download, Done: part.Size(), Total: info.Size})
	}
	var disk error
	err := there.Get(part.Size(), info.Size, func(b []byte) error {
		_, disk = part.Write(b)
		progress(part.Size(), info.Size)
		return disk
	})
	if disk != nil {
		return disk
	}
	return transferError(ctx, err)
}

// unchanged returns an error if the platform has another file by that name than the one
// that was opened, or if it has grown: what arrived may then be parts of two files.
func unchanged(pool *sftp.Pool, name string, opened sftp.Info, part *workspace.Partial) error {
	again, now, err := pool.Open(name, os.O_RDONLY)
	if err == nil {
		_ = again.Close()
	}
	if err != nil || now.Size == opened.Size && now.Modified == opened.Modified {
		return err
	}
	how := fmt.Sprintf("it had %d bytes, now it has %d", opened.Size, now.Size)
	if now.Size == opened.Size {
		how = "another one of the same size is in its place"
	}
	return errors.Join(
		part.Forget(),
		errors.New("the platform's file changed while it was downloaded: "+how),
	)
}

// sameTail empties the partial file if its end is not what the server has there.
func (s *overSFTP) sameTail(ctx context.Context, there *sftp.File, part *workspace.Partial) error {
	own, err := part.Tail(overlap)
	if err != nil || len(own) == 0 {
		return err
	}
	var theirs []byte
	err = there.Get(part.Size()-int64(len(own)), part.Size(), func(b []byte) error {
		theirs = append(theirs, b...)
		return nil
	})
	if err != nil {
		return transferError(ctx, err)
	}
	if bytes.Equal(own, theirs) {
		return nil
	}
	s.Tell(event.StartedOver{Step: event.Download})
	return part.Truncate()
}

// find opens the file with that name, or the one that is there in its place: for a
// dump that was sent as db.tar.gz, the platform was seen to offer upgraded_db.zip.
func find(pool *sftp.Pool, name string) (*sftp.File, string, sftp.Info, error) {
	file, info, err := pool.Open(name, os.O_RDONLY)
	if sftp.HasCode(err, sftp.CodeNoSuchFile) {
		names, listErr := pool.List()
		if listErr != nil {
			return nil, "", info, errors.Join(err, listErr)
		}
		other, none := upgradedAmong(names)
		if none != nil { // it may be put there a moment later
			return nil, "", info, retry.Transient(fmt.Errorf("%w; %w", err, none))
		}
		name = other
		file, info, err = pool.Open(name, os.O_RDONLY)
	}
	return file, name, info, err
}

// upgradedAmong picks the upgraded database out of a listing.
func upgradedAmong(names []string) (string, error) {
	var found []string
	for _, name := range names {
		if strings.HasPrefix(name, "upgraded_") {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("the SFTP server has %d files named upgraded_…, not one", len(found))
	}
	return found[0], nil
}
