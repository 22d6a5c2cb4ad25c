// Package dump recognizes a database dump by its content, without restoring it and
// without trusting a byte of it: lengths, counts and ratios are limited, and memory does
// not grow with the file.
//
// Inspect returns all that is known of a file as an Info. Sniff needs only its first
// bytes, and tells less.
package dump

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Info is what is known of a dump. What could not be found out is zero.
type Info struct {
	Path    string // as it was given
	Name    string // its last element
	Size    int64  // in bytes
	ModTime time.Time
	SHA256  string // of the whole file, in hexadecimal; "" where it was not read whole

	Kind        Kind
	Wrapped     bool   // in gzip
	Compression string // of the data inside: none, gzip, lz4, zstd, or deflate in a zip
	Database    string // name of the database
	PostgreSQL  string // version of the server, as it says itself
	PgDump      string // version of pg_dump

	Opaque      bool     // could not be inspected, complete or not: what follows is not known
	Odoo        bool     // has Odoo's tables
	Series      string   // Odoo's, like 16.0 or 10.saas~15
	Modules     []Module // installed ones, by name
	Filestore   bool     // has the attachments' files
	Neutralized bool     // mails and schedules are switched off
	UUID        string   // of the database

	Problem  *UnusableError // why it cannot be sent, nil if it can
	Warnings []string       // what is odd in a dump that can be sent

	stat        fs.FileInfo // of the file that was inspected
	damaged     bool        // it ends early, or has what no dump has
	contract    string      // never shown: see ContractMatches
	fingerprint string      // of a folder's files
	others      []string    // modules that are not installed
}

// Form is what a dump is, with what it is wrapped in: a Kind, and .gz after it for one in
// gzip.
type Form string

// Form returns the dump's form.
func (i Info) Form() Form {
	if i.Wrapped && i.Kind != Gzip {
		return Form(i.Kind) + ".gz"
	}
	return Form(i.Kind)
}

// Module is an installed module of Odoo.
type Module struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Custom  bool   `json:"custom"` // does not seem to be the vendor's
}

// CustomCount returns how many of the installed modules do not seem to be the vendor's.
func (i Info) CustomCount() (n int) {
	for _, m := range i.Modules {
		if m.Custom {
			n++
		}
	}
	return n
}

// Match is how a dump's own contract compares with another one.
type Match int

// The ways in which contracts compare.
const (
	NoContract Match = iota // the dump names none
	SameContract
	OtherContract
)

// ContractMatches compares the dump's own contract, which is never shown, with
// the one given.
func (i Info) ContractMatches(contract string) Match {
	switch {
	case i.contract == "":
		return NoContract
	case strings.EqualFold(strings.TrimSpace(i.contract), strings.TrimSpace(contract)):
		return SameContract
	}
	return OtherContract
}

// UnusableError says that a file exists but is not a dump that could be sent.
type UnusableError struct {
	Path    string
	Problem string
	Advice  string // what to do instead
}

func (e *UnusableError) Error() string { return e.Path + " " + e.Problem + ": " + e.Advice }

// refuse notes why the dump cannot be sent; the first reason counts.
func (i *Info) refuse(problem, advice string) {
	if i.Problem == nil {
		i.Problem = &UnusableError{i.Path, problem, advice}
	}
}

// warn notes what is odd.
func (i *Info) warn(format string, args ...any) {
	i.Warnings = append(i.Warnings, fmt.Sprintf(format, args...))
}

const createAgain = "create it again, and check that the backup step succeeded"

// broken notes why the dump cannot be sent: what it has or lacks, or that it ends early
// or has what no dump has.
func (i *Info) broken(err error) {
	if r, ok := errors.AsType[*refusal](err); ok {
		i.refuse(r.problem, r.advice)
		return
	}
	if version, ok := errors.AsType[*unknownVersionError](err); ok {
		i.Opaque = true
		i.warn("The dump could not be inspected: %v.", version)
		return
	}
	i.damaged = i.Problem == nil
	if cut, ok := errors.AsType[*truncatedError](err); ok {
		i.refuse("is truncated "+cut.where, createAgain)
		return
	}
	i.refuse("is corrupt ("+err.Error()+")", createAgain)
}

// trailing warns of bytes after the end of something, which a restore ignores.
func (i *Info) trailing(n int64, what string) {
	if n > 0 {
		i.warn("There are %d bytes after the end of the %s. A restore ignores them; find out which step added them.", n, what)
	}
}

// truncatedError says where a dump breaks off.
type truncatedError struct{ where string }

func (e *truncatedError) Error() string { return "truncated " + e.where }

func truncated(format string, args ...any) error {
	return &truncatedError{fmt.Sprintf(format, args...)}
}

// Open opens the dump from its first byte, if it still is the file that was
// inspected.
func (i Info) Open() (*os.File, error) {
	file, err := os.Open(i.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, i.changed()
	}
	if err != nil {
		return nil, err
	}
	if stat, err := file.Stat(); err != nil || !isSame(i.stat, stat) {
		return nil, errors.Join(i.changed(), file.Close())
	}
	return file, nil
}

// Unchanged returns an *UnusableError if the file is not as it was when it was
// inspected, or another one has its name.
func (i Info) Unchanged() error {
	if i.fingerprint != "" {
		return i.unchangedFolder()
	}
	stat, err := os.Stat(i.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !isSame(i.stat, stat) {
		return i.changed()
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
// that it had when it was inspected: then what was sent may be another dump. It needs an
// Info with a digest.
func (i Info) Verify(ctx context.Context) error {
	var digest string
	if i.fingerprint != "" {
		files, _, err := listFolder(i.Path)
		if err != nil {
			return err
		}
		if digest, err = folderDigest(ctx, i.Path, files); err != nil {
			return err
		}
	} else {
		file, err := i.Open()
		if err != nil {
			return err
		}
		defer file.Close()
		again := i
		if err := (&hashed{&source{File: file, ctx: ctx}, sha256.New()}).finish(&again); err != nil {
			return err
		}
		digest = again.SHA256
	}
	if digest != i.SHA256 {
		return i.changed()
	}
	return nil
}

func (i Info) changed() error {
	return &UnusableError{i.Path, "changed since it was inspected", "let the backup end before the upgrade starts"}
}

func (i Info) unchangedFolder() error {
	files, _, err := listFolder(i.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && fingerprint(files) != i.fingerprint {
		return i.changed()
	}
	if err != nil {
		return fmt.Errorf("checking the dump again: %w", err)
	}
	return nil
}

// take notes what the tables tell. It returns an error if a complete dump of Odoo has
// more.
func (i *Info) take(f *facts) error {
	i.Odoo = f.defined || f.dumped
	i.Series, i.Modules = f.series, f.modules
	slices.SortFunc(i.Modules, func(a, b Module) int { return strings.Compare(a.Name, b.Name) })
	i.others = f.others
	i.contract, i.UUID, i.Neutralized = f.contract, f.uuid, f.neutralized
	return f.check()
}

// odd warns of what is odd in a complete dump.
func (i *Info) odd(f *facts) {
	if f.unread {
		i.warn("The dump is compressed with a window of more than 8 MiB: its modules were not read.")
	}
	if f.defined && f.dumped && !f.keys {
		i.warn("The dump has no indexes and no constraints: it seems to be made without its section post-data.")
	}
}
