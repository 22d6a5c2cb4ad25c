// Package dump recognises a database dump by its content, without restoring it
// and without trusting a byte of it.
package dump

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Kind is what a file is, told by its first bytes.
type Kind string

// The kinds that are told apart.
const (
	Custom  Kind = "custom"  // pg_dump -Fc
	Tar     Kind = "tar"     // pg_dump -Ft, or any other tar
	Zip     Kind = "zip"     // Odoo's own backup, or any other zip
	Gzip    Kind = "gzip"    // anything inside
	SQL     Kind = "sql"     // pg_dump -Fp
	HTML    Kind = "html"    // a page in place of a file
	Unknown Kind = "unknown" // none of these
)

// HeadSize is how many bytes Sniff looks at, at most.
const HeadSize = 4096

// Sniff tells what kind of file begins with head.
func Sniff(head []byte) Kind {
	switch {
	case bytes.HasPrefix(head, []byte("PGDMP")):
		return Custom
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return Zip
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return Gzip
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return Tar
	case bytes.Contains(head, []byte("-- PostgreSQL database")):
		return SQL
	case isHTML(head):
		return HTML
	}
	return Unknown
}

func isHTML(head []byte) bool {
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	return bytes.HasPrefix(text, []byte("<!doctype html")) || bytes.HasPrefix(text, []byte("<html"))
}

// Extension is how the name of a file of that kind usually ends.
func (k Kind) Extension() string {
	switch k {
	case Custom:
		return ".dump"
	case Tar:
		return ".tar"
	case Zip:
		return ".zip"
	case Gzip:
		return ".gz"
	case SQL:
		return ".sql"
	case HTML:
		return ".html"
	}
	return ".bin"
}

// Info is what is known of a dump.
type Info struct {
	Path    string // as it was given
	Name    string // its last element
	Size    int64  // in bytes
	ModTime time.Time
	Kind    Kind
	SHA256  string // of the whole file, in hexadecimal
}

// UnusableError says that a file exists but is no dump that could be sent.
type UnusableError struct {
	Path    string
	Problem string
	Advice  string // what to do instead
}

func (e *UnusableError) Error() string { return e.Path + " " + e.Problem + ": " + e.Advice }

// Inspect reads the file at path once. Its errors: *fs.PathError where the file
// cannot be read, *UnusableError where it can be read but not be sent, and
// ctx's cause.
func Inspect(ctx context.Context, path string) (Info, error) {
	file, info, err := open(path)
	if err != nil {
		return Info{}, err
	}
	defer file.Close()
	digest := sha256.New()
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Info{}, err
	}
	digest.Write(head[:n])
	read, err := io.Copy(digest, untilDone{ctx, file})
	if err != nil {
		return Info{}, err
	}
	info.Kind, info.SHA256 = Sniff(head[:n]), hex.EncodeToString(digest.Sum(nil))
	if int64(n)+read != info.Size {
		return Info{}, &UnusableError{path, "changed while it was read", "wait until the backup is complete"}
	}
	return info, info.Unchanged()
}

// open opens a regular file that is not empty.
func open(path string) (*os.File, Info, error) {
	stat, err := os.Stat(path) // before opening: a pipe would block
	switch {
	case err != nil:
		return nil, Info{}, err
	case stat.IsDir():
		return nil, Info{}, &UnusableError{path, "is a folder", "the platform takes one file; pg_dump -Fc makes one"}
	case !stat.Mode().IsRegular():
		return nil, Info{}, &UnusableError{path, "is no regular file", "write the dump to a file first"}
	case stat.Size() == 0:
		return nil, Info{}, &UnusableError{path, "is empty", "the step that makes the dump has failed; look at its log"}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, Info{}, err
	}
	return file, Info{Path: path, Name: filepath.Base(path), Size: stat.Size(), ModTime: stat.ModTime()}, nil
}

// Open opens the dump from its first byte, if it still is the file that was
// inspected.
func (i Info) Open() (*os.File, error) {
	if err := i.Unchanged(); err != nil {
		return nil, err
	}
	return os.Open(i.Path)
}

// Unchanged returns an *UnusableError if the file is not as it was when it was
// inspected.
func (i Info) Unchanged() error {
	stat, err := os.Stat(i.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (stat.Size() != i.Size || !stat.ModTime().Equal(i.ModTime)) {
		return &UnusableError{i.Path, "changed since it was inspected", "let the backup end before the upgrade starts"}
	}
	if err != nil {
		return fmt.Errorf("looking at the dump again: %w", err)
	}
	return nil
}

// untilDone ends a long read with its context.
type untilDone struct {
	ctx context.Context
	io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.Reader.Read(p)
}
