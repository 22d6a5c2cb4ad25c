package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/retry"
)

// HeadSize is how many of a file's first bytes a Partial remembers.
const HeadSize = 4096

// Partial is a file that is arriving: hidden, beside a note that says what it is a
// part of, until it is complete.
type Partial struct {
	folder *Folder
	name   string
	file   *os.File
	size   int64
	digest hash.Hash
	head   []byte
	note   note
	done   bool // it has its name
}

// note is what must be the same for a partial file to be continued.
type note struct {
	URL       string `json:"url"`       // SHA-256 of where it comes from, which may hold a key
	Validator string `json:"validator"` // tells this file from others of the same source
	Total     int64  `json:"total"`     // bytes of the whole file
}

// File is a file that is complete.
type File struct {
	Path     string // as users know it, with slashes
	Location string // on this machine
	Size     int64  // in bytes
	SHA256   string // in hexadecimal
}

func (p *Partial) partName() string { return "." + p.name + ".part" }
func (p *Partial) noteName() string { return "." + p.name + ".part.json" }

// Begin opens what there is of a file, or begins it. name is the file's name
// without its extension, source what it comes from; it is kept as a digest only.
// While a run has it open, no other one can.
func (f *Folder) Begin(ctx context.Context, name, source string) (_ *Partial, err error) {
	p := &Partial{folder: f, name: name, digest: sha256.New()}
	for _, own := range []string{p.partName(), p.noteName()} {
		if err := f.removeUnless(own, fs.FileMode.IsRegular); err != nil {
			return nil, err
		}
	}
	if err := f.IsFree(name, false); err != nil {
		return nil, err
	}
	p.file, err = f.root.OpenFile(p.partName(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := p.own(); err != nil {
		_ = p.file.Close() // another run has it
		return nil, err
	}
	defer func() {
		if err != nil {
			p.Close(ctx, err)
		}
	}()
	if err := p.file.Chmod(0o600); err != nil { // it may be older than this run
		return nil, err
	}
	if err := f.owner.take(f.root, p.partName()); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(source))
	from := hex.EncodeToString(sum[:])
	text, readErr := f.root.ReadFile(p.noteName())
	if readErr != nil || json.Unmarshal(text, &p.note) != nil || p.note.URL != from || p.note.Validator == "" {
		p.note = note{URL: from}
		return p, p.Truncate()
	}
	return p, p.recall(ctx)
}

// own makes sure that no other run writes the partial file, and that it still is
// one: another run may just have completed it.
func (p *Partial) own() error {
	if err := lock(p.file); err != nil {
		return busy(p.name)
	}
	opened, err := p.file.Stat()
	if err != nil {
		return err
	}
	named, err := p.folder.root.Stat(p.partName())
	if err != nil || !os.SameFile(opened, named) {
		return retry.Transient(fmt.Errorf("another run has just downloaded %s to the same folder", p.name))
	}
	return nil
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
		p.note.Validator = ""
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

// busy says that another process has the lock of a download.
func busy(name string) error {
	return advice.New(fmt.Sprintf("another run is downloading %s to the same folder", name), "Give each run its own {download-path}.")
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

// keepNote puts the note on disk, so that a later process can continue.
func (p *Partial) keepNote() error {
	text, err := json.Marshal(p.note)
	if err != nil {
		return err
	}
	if err := p.folder.root.WriteFile(p.noteName(), text, 0o600); err != nil {
		return err
	}
	return p.folder.owner.take(p.folder.root, p.noteName())
}

// Forget removes the note, so that the next try starts at byte 0.
func (p *Partial) Forget() error {
	err := p.folder.root.Remove(p.noteName())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
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
	if err := p.folder.root.Rename(p.partName(), name); err != nil {
		return File{}, fmt.Errorf("%s is complete, but cannot get its name: %w", p.folder.Path(p.partName()), err)
	}
	if err := p.Forget(); err != nil {
		return File{}, err
	}
	return File{Path: p.folder.Path(name), Location: p.folder.Location(name), Size: p.size, SHA256: hex.EncodeToString(p.digest.Sum(nil))}, nil
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

// Close closes the file after err, the error of its transfer. What a broken
// network or a lack of space interrupted is kept for the next try, if that can
// continue it. After any other error nothing is left of it: that would only be
// continued to the same end.
func (p *Partial) Close(ctx context.Context, err error) {
	_ = p.file.Close()
	if p.done {
		return
	}
	_, full := errors.AsType[*NoSpaceError](err)
	failed := err != nil && !full && !retry.IsTransient(err) && ctx.Err() == nil
	if failed || p.size == 0 || p.note.Validator == "" {
		_ = p.folder.root.Remove(p.partName())
		_ = p.Forget()
	}
}
