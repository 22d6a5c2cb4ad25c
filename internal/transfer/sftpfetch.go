package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"odoo-upgrade-action/internal/sftp"
	"odoo-upgrade-action/internal/upgrade"
)

// Fetch downloads the upgraded database into the folder, like Downloader.Fetch.
// "The difference is that you'll only be able to download the migrated database."
func (s *SFTP) Fetch(ctx context.Context, t upgrade.Ticket, folder *Folder, item upgrade.Item, progress func(done, total int64)) (_ upgrade.Artifact, err error) {
	pool, name, err := s.open(ctx, t)
	if err != nil {
		return upgrade.Artifact{}, err
	}
	defer pool.Close()
	there, name, info, err := find(pool, name)
	if err != nil {
		return upgrade.Artifact{}, transferError(ctx, err)
	}
	part, err := openPart(ctx, folder, item, upgrade.Secret("sftp:"+t.ID+":"+t.Key.Reveal()+":"+name))
	if err != nil {
		return upgrade.Artifact{}, err
	}
	defer func() { part.end(ctx, err) }()
	if err := part.beginAt(fmt.Sprintf("%d@%d", info.Size, info.Modified), info.Size); err != nil {
		return upgrade.Artifact{}, err
	}
	if err := s.sameTail(ctx, there, part); err != nil {
		return upgrade.Artifact{}, err
	}
	if part.size > 0 {
		s.Tell(fmt.Sprintf("The first %d of %d bytes are here: going on there.", part.size, info.Size))
	}
	var disk error
	err = there.Get(part.size, info.Size, func(b []byte) error {
		disk = part.write(b)
		progress(part.size, info.Size)
		return disk
	})
	if disk != nil {
		return upgrade.Artifact{}, disk
	}
	if err != nil {
		return upgrade.Artifact{}, transferError(ctx, err)
	}
	return part.land()
}

// sameTail empties the part if its end is not what the server has there.
func (s *SFTP) sameTail(ctx context.Context, there *sftp.File, part *part) error {
	own, err := part.tail()
	if err != nil || len(own) == 0 {
		return err
	}
	var theirs []byte
	err = there.Get(part.size-int64(len(own)), part.size, func(b []byte) error {
		theirs = append(theirs, b...)
		return nil
	})
	if err != nil {
		return transferError(ctx, err)
	}
	if bytes.Equal(own, theirs) {
		return nil
	}
	s.Tell("What was fetched before is of another file: it is fetched from its first byte on.")
	return part.reset()
}

// find tells of the file of that name, or of the one that is there in its place:
// the platform has been seen to name a dump that was sent as db.tar.gz
// upgraded_db.zip.
func find(pool *sftp.Pool, name string) (*sftp.File, string, sftp.Info, error) {
	file, info, err := pool.Open(name, sftp.Read)
	if sftp.HasCode(err, sftp.CodeNoSuchFile) {
		names, listErr := pool.List()
		if listErr != nil {
			return nil, "", info, errors.Join(err, listErr)
		}
		if name, err = upgradedAmong(names); err == nil {
			file, info, err = pool.Open(name, sftp.Read)
		}
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
		return "", fmt.Errorf("the SFTP server shows %d files named upgraded_…: there has to be one", len(found))
	}
	return found[0], nil
}
