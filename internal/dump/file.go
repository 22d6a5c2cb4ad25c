package dump

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"odoo-upgrade-action/internal/dump/stream"
)

// File is a dump's file, or its folder, as it was when it was inspected.
type File struct {
	Path    string // as it was given
	Name    string // its last element
	Size    int64  // in bytes
	ModTime time.Time
	SHA256  string // of the whole file, in hexadecimal; "" where it was not read whole

	stat        fs.FileInfo
	fingerprint string // of a folder's files
}

// Open opens the dump from its first byte, if it still is the file that was
// inspected.
func (f File) Open() (*os.File, error) {
	file, err := os.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.changed()
	}
	if err != nil {
		return nil, err
	}
	if stat, err := file.Stat(); err != nil || !isSame(f.stat, stat) {
		return nil, errors.Join(f.changed(), file.Close())
	}
	return file, nil
}

// Unchanged returns an *UnusableError if the file is not as it was when it was
// inspected, or another one has its name.
func (f File) Unchanged() error {
	if f.fingerprint != "" {
		return f.unchangedFolder()
	}
	stat, err := os.Stat(f.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !isSame(f.stat, stat) {
		return f.changed()
	}
	if err != nil {
		return fmt.Errorf("checking the dump again: %w", err)
	}
	return nil
}

// isSame reports whether a file is as it was, as far as its attributes tell: what is
// written to the same file with its time set back is for Verify. (Its change time says too
// much: a link to the file changes it, too.)
func isSame(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

// Verify reads the dump again, and returns an *UnusableError if its SHA-256 is not the one
// that it had when it was inspected: then what was sent may be another dump. It needs a
// File with a digest.
func (f File) Verify(ctx context.Context) error {
	var digest string
	if f.fingerprint != "" {
		files, _, err := listFolder(f.Path)
		if err != nil {
			return err
		}
		if digest, err = folderDigest(ctx, f.Path, files, nil); err != nil {
			return err
		}
	} else {
		file, err := f.Open()
		if err != nil {
			return err
		}
		defer file.Close()
		if digest, err = (&hashed{&stream.Source{File: file, Ctx: ctx}, sha256.New()}).finish(); err != nil {
			return err
		}
	}
	if digest != f.SHA256 {
		return f.changed()
	}
	return nil
}

func (f File) changed() error {
	return &UnusableError{f.Path, "changed since it was inspected", "let the backup end before the upgrade starts"}
}

func (f File) unchangedFolder() error {
	files, _, err := listFolder(f.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && fingerprint(files) != f.fingerprint {
		return f.changed()
	}
	if err != nil {
		return fmt.Errorf("checking the dump again: %w", err)
	}
	return nil
}
