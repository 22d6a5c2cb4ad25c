package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"odoo-upgrade-action/internal/retry"
)

// PartialFolder is a hidden folder in which files or a folder arrive, beside a note that
// says what they are a part of, until they are complete. What writes to it is up to the
// caller.
type PartialFolder struct {
	Root *os.Root // what arrives is in it

	folder *Folder
	name   string
	note   *os.File // locked while the folder is open
	done   bool
}

// Folders in a PartialFolder: of what has arrived, under the names that its sender gives it,
// and of what is arriving, under names of the receiver's.
const (
	Arrived  = "arrived"
	Arriving = "arriving"

	replaced = "replaced" // an earlier download, for a moment
)

func (p *PartialFolder) dirName() string  { return "." + p.name + ".part.d" }
func (p *PartialFolder) noteName() string { return "." + p.name + ".part.d.json" }

// BeginFolder opens what there is of an arrival from source, or begins it. name is what
// it will be called, without an extension. While a run has it open, no other one can.
func (f *Folder) BeginFolder(name, source string) (_ *PartialFolder, err error) {
	p := &PartialFolder{folder: f, name: name}
	if err := f.removeUnless(p.noteName(), fs.FileMode.IsRegular); err != nil {
		return nil, err
	}
	_, unnoted := f.root.Lstat(p.noteName())
	if p.note, err = f.root.OpenFile(p.noteName(), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.note.Close()
		}
	}()
	if err := lock(p.note); err != nil {
		return nil, busy(name)
	}
	if err := errors.Join(f.owner.take(f.root, p.noteName()), p.prepare(source, unnoted == nil)); err != nil {
		return nil, err
	}
	p.Root, err = f.root.OpenRoot(p.dirName())
	return p, err
}

// prepare leaves a folder that is empty, or holds a part of what comes from source. One
// without a note beside it is not ours.
func (p *PartialFolder) prepare(source string, noted bool) error {
	if info, err := p.folder.root.Lstat(p.dirName()); err == nil && info.IsDir() && !noted {
		return inTheWay(fmt.Sprintf("there is a folder %s, which this program did not create", p.folder.Path(p.dirName())))
	}
	sum := sha256.Sum256([]byte(source))
	from := hex.EncodeToString(sum[:])
	var n note
	text, err := p.folder.root.ReadFile(p.noteName())
	if err != nil || json.Unmarshal(text, &n) != nil || n.URL != from {
		if err := p.folder.root.RemoveAll(p.dirName()); err != nil {
			return err
		}
	}
	if err := p.folder.removeUnless(p.dirName(), fs.FileMode.IsDir); err != nil {
		return err
	}
	if err := p.folder.root.Mkdir(p.dirName(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if text, err = json.Marshal(note{URL: from}); err != nil {
		return err
	}
	return p.folder.root.WriteFile(p.noteName(), text, 0o600)
}

// removeUnless removes what has a name, unless it is what it should be: a link that a
// checkout contains must not be followed, and what is written to a file with a second name
// would show up there. A folder in the place of a file is not removed.
func (f *Folder) removeUnless(name string, is func(fs.FileMode) bool) error {
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && is(info.Mode()) && (info.IsDir() || isAlone(info)) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return inTheWay(fmt.Sprintf("there is a folder %s where this program has a file", f.Path(name)))
	}
	return f.root.Remove(name)
}

// Commit gives what arrived under a name its final name, extension included. An earlier
// download with that name is replaced. The File has no size and no digest.
func (p *PartialFolder) Commit(arrived, extension string) (File, error) {
	name := p.name + extension
	from := path.Join(p.dirName(), Arrived, arrived)
	if err := p.give(from); err != nil {
		return File{}, err
	}
	p.done = true // complete, whatever it is called
	if err := p.replace(from, name); err != nil {
		return File{}, fmt.Errorf("%s is complete, but cannot get its name: %w", p.folder.Path(from), err)
	}
	root := p.folder.root
	return File{Path: p.folder.Path(name), Location: p.folder.Location(name)}, errors.Join(root.RemoveAll(p.dirName()), root.Remove(p.noteName()))
}

// replace moves what arrived to its name. After an error, what had the name has it still.
func (p *PartialFolder) replace(from, name string) error {
	f, old := p.folder, path.Join(p.dirName(), replaced)
	if err := f.replaceable(name); err != nil {
		return err
	}
	info, err := f.root.Lstat(from)
	if err != nil {
		return err
	}
	if err := errors.Join(f.root.RemoveAll(old), ignoreMissing(f.root.Rename(name, old))); err != nil {
		return err
	}
	if info.IsDir() {
		err = f.receive(from, name)
	} else {
		err = f.dropReceipt(name)
	}
	if err == nil {
		err = f.root.Rename(from, name)
	}
	if err != nil {
		_ = f.root.Rename(old, name)
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// give gives a file or a folder, with everything in it, to the workspace's owner.
func (p *PartialFolder) give(name string) error {
	return fs.WalkDir(p.folder.root.FS(), name, func(at string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return p.folder.owner.take(p.folder.root, at)
	})
}

// Close closes the folder after err, the error of its transfer. What a broken network or a
// lack of space interrupted is kept for the next try; after any other error nothing is left.
func (p *PartialFolder) Close(ctx context.Context, err error) {
	_ = p.Root.Close()
	defer p.note.Close()
	_, full := errors.AsType[*NoSpaceError](err)
	if p.done || err == nil || full || retry.IsTransient(err) || ctx.Err() != nil {
		return
	}
	_ = p.folder.root.RemoveAll(p.dirName())
	_ = p.folder.root.Remove(p.noteName())
}
