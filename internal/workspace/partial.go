package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/dustin/go-humanize"
)

// HeadSize is how many of a file's first bytes a Partial remembers.
const HeadSize = 4096

// Partial is a file that is arriving.
type Partial struct {
	Arrival
	file   *os.File
	size   int64
	digest hash.Hash
	head   []byte
}

// File is a file that is complete.
type File struct {
	Path     string // as users know it, with slashes
	Location string // on this machine
	Size     int64  // in bytes
	SHA256   string // in hexadecimal
}

// Begin opens what there is of a file, or begins it. name is the file's name
// without its extension, source what it comes from; it is kept as a digest only.
func (f *Folder) Begin(ctx context.Context, name, source string) (_ *Partial, err error) {
	if err := f.IsFree(name, false); err != nil {
		return nil, err
	}
	arrival, known, _, err := f.arrive(name, ".part", source, fs.FileMode.IsRegular)
	if err != nil {
		return nil, err
	}
	p := &Partial{Arrival: arrival, digest: sha256.New()}
	defer func() {
		if err != nil {
			p.Close(ctx, err)
		}
	}()
	p.file, err = f.root.OpenFile(p.hidden, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(p.file.Chmod(0o600), f.owner.take(f.root, p.hidden)); err != nil { // it may be older than this run
		return nil, err
	}
	if !known || p.note.Validator == "" {
		return p, p.Truncate()
	}
	return p, p.recall(ctx)
}

// recall takes the digest of what an earlier try left.
func (p *Partial) recall(ctx context.Context) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := p.file.Read(buffer)
		p.passed(buffer[:n])
		if err == io.EOF {
			break
		}
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
	if p.size > p.note.Total {
		return p.Truncate()
	}
	return nil
}

// passed notes bytes that are in the file.
func (p *Partial) passed(b []byte) {
	p.digest.Write(b)
	p.head = append(p.head, b[:min(len(b), HeadSize-len(p.head))]...)
	p.size += int64(len(b))
}

// Size returns how many bytes there are so far.
func (p *Partial) Size() int64 { return p.size }

// Total returns how many bytes the whole file has, as far as the last Start says.
func (p *Partial) Total() int64 { return p.note.Total }

// Validator returns what the last Start was given.
func (p *Partial) Validator() string { return p.note.Validator }

// Head returns the first bytes, HeadSize at most.
func (p *Partial) Head() []byte { return p.head }

// Tail returns the last bytes that there are so far, n at most.
func (p *Partial) Tail(n int64) ([]byte, error) {
	b := make([]byte, min(p.size, n))
	_, err := p.file.ReadAt(b, p.size-int64(len(b)))
	return b, err
}

// Truncate empties the file.
func (p *Partial) Truncate() error {
	p.size, p.head = 0, nil
	p.digest.Reset()
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// Start empties the file, for one of total bytes, -1 if that is not known.
// validator tells the file from others of the same source; with an empty one, or
// without a total, nothing of it can be continued after a cut. Start returns a
// *NoSpaceError if the disk is too small.
func (p *Partial) Start(validator string, total int64) error {
	if err := p.Truncate(); err != nil {
		return err
	}
	if err := p.Fits(total); err != nil {
		return err
	}
	p.note.Validator, p.note.Total = validator, total
	if total < 0 || validator == "" {
		return p.Forget()
	}
	return p.keepNote()
}

// Resume continues what there is if it is a part of the file with that validator
// and total, and starts the file if not.
func (p *Partial) Resume(validator string, total int64) error {
	if p.size == 0 || p.note.Validator != validator || p.note.Total != total {
		return p.Start(validator, total)
	}
	return p.Fits(total)
}

// NoSpaceError says that a file does not fit on the disk. Nothing more of it was
// written, and what there was of it stays for another try.
type NoSpaceError struct{ Needs, Free int64 } // bytes

func (e *NoSpaceError) Error() string {
	return fmt.Sprintf("%s more are needed, and the disk has %s free",
		humanize.IBytes(uint64(e.Needs)), humanize.IBytes(uint64(e.Free)))
}

// Advice implements advice.Adviser.
func (e *NoSpaceError) Advice() string {
	return "Free some space, or set {download-path} to a folder on a larger disk."
}

// Fits returns a *NoSpaceError if the disk cannot take the rest of a file of total
// bytes: better now than after hours.
func (p *Partial) Fits(total int64) error {
	needs := total - p.size
	free, known := p.folder.Free()
	if !known || needs <= free {
		return nil
	}
	return &NoSpaceError{needs, free}
}

// Forget makes the next try start at byte 0.
func (p *Partial) Forget() error {
	p.note.Validator = ""
	return p.keepNote()
}

// Write appends to the file.
func (p *Partial) Write(b []byte) (int, error) {
	if p.note.Validator == "" && (p.size+int64(len(b)))/reserve > p.size/reserve { // it may have no end
		if free, known := p.folder.Free(); known && free < reserve {
			return 0, &NoSpaceError{reserve, free}
		}
	}
	n, err := p.file.Write(b)
	p.passed(b[:n])
	return n, err
}

// reserve is how much of the disk a file of unknown size leaves free, in bytes.
const reserve = 256 << 20

// Commit gives the complete file its name, extension included, once it is safely
// on disk.
func (p *Partial) Commit(extension string) (File, error) {
	if err := p.file.Sync(); err != nil {
		return File{}, err
	}
	name := p.name + extension
	p.done = true // complete, whatever it is called
	if err := p.folder.root.Rename(p.hidden, name); err != nil {
		return File{}, fmt.Errorf("%s is complete, but cannot get its name: %w", p.folder.Path(p.hidden), err)
	}
	if err := p.remove(); err != nil {
		return File{}, err
	}
	return File{
		Path:     p.folder.Path(name),
		Location: p.folder.Location(name),
		Size:     p.size,
		SHA256:   hex.EncodeToString(p.digest.Sum(nil)),
	}, nil
}

// Save writes a small file, and returns its path as users know it. name is the file's
// name without its extension.
func (f *Folder) Save(ctx context.Context, name, extension string, content []byte) (path string, err error) {
	p, err := f.Begin(ctx, name, "")
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", f.Path(name+extension), err)
	}
	defer func() { p.Close(ctx, err) }()
	if err = p.Start("", -1); err == nil {
		_, err = p.Write(content)
	}
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", f.Path(name+extension), err)
	}
	file, err := p.Commit(extension)
	return file.Path, err
}

// Close closes the file after err, the error of its transfer. It keeps what another try can
// continue, and nothing else.
func (p *Partial) Close(ctx context.Context, err error) {
	defer p.lock.Close()
	if p.file != nil {
		_ = p.file.Close()
	}
	if !p.done && (!isWorthKeeping(ctx, err) || p.size == 0 || p.note.Validator == "") {
		_ = p.remove()
	}
}
