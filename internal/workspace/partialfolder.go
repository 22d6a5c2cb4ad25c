package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// PartialFolder is a folder in which files or a folder arrive. What writes to it is up to the
// caller.
type PartialFolder struct {
	Arrival
	Root *os.Root // what arrives is in it
}

// Folders in a PartialFolder: of what has arrived, under the names that its sender gives it,
// and of what is arriving, under names of the receiver's.
const (
	Arrived  = "arrived"
	Arriving = "arriving"

	replaced = "replaced" // an earlier download, for a moment
)

// BeginFolder opens what there is of an arrival from source, or begins it. name is what
// it will be called, without an extension.
func (f *Folder) BeginFolder(name, source string) (_ *PartialFolder, err error) {
	arrival, known, noted, err := f.arrive(name, ".part.d", source, fs.FileMode.IsDir)
	if err != nil {
		return nil, err
	}
	p := &PartialFolder{Arrival: arrival}
	defer func() {
		if err != nil {
			_ = p.lock.Close()
		}
	}()
	if err := p.prepare(known, noted); err != nil {
		return nil, err
	}
	p.Root, err = f.root.OpenRoot(p.hidden)
	return p, err
}

// prepare leaves a folder that is empty, or holds a part of what comes from the same source. One
// without a note beside it is not ours.
func (p *PartialFolder) prepare(known, noted bool) error {
	root := p.folder.root
	if info, err := root.Lstat(p.hidden); err == nil && info.IsDir() && !noted {
		return inTheWay(fmt.Sprintf("there is a folder %s, which this program did not create", p.folder.Path(p.hidden)))
	}
	if !known {
		if err := root.RemoveAll(p.hidden); err != nil {
			return err
		}
	}
	if err := root.Mkdir(p.hidden, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return p.keepNote()
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
	from := path.Join(p.hidden, Arrived, arrived)
	if err := p.give(from); err != nil {
		return File{}, err
	}
	p.done = true // complete, whatever it is called
	if err := p.replace(from, name); err != nil {
		return File{}, fmt.Errorf("%s is complete, but cannot get its name: %w", p.folder.Path(from), err)
	}
	return File{Path: p.folder.Path(name), Location: p.folder.Location(name)}, p.remove()
}

// replace moves what arrived to its name. After an error, what had the name has it still.
func (p *PartialFolder) replace(from, name string) error {
	f, old := p.folder, path.Join(p.hidden, replaced)
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

// Close closes the folder after err, the error of its transfer. It keeps what another try can
// continue, and nothing else.
func (p *PartialFolder) Close(ctx context.Context, err error) {
	defer p.lock.Close()
	_ = p.Root.Close()
	if !p.done && !isWorthKeeping(ctx, err) {
		_ = p.remove()
	}
}
