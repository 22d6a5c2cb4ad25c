// Package workspace writes files that are complete or not there at all: what
// arrives is a hidden partial file, beside a note that says what it is a part of,
// until it is whole. Nothing is written outside the folder, and what is written
// belongs to the workspace's owner.
//
// Open a Folder, begin a Partial in it, write to it, and Commit it; or Close it,
// which keeps what a later run can continue.
package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"odoo-upgrade-action/internal/advice"
)

// Folder is where downloads go. Nothing is written outside it, whatever symbolic
// links a checkout contains.
type Folder struct {
	root  *os.Root
	shown string // its path as users gave it
	owner owner
}

// Open opens the folder path, and creates it if needed. If workspace is not empty,
// path must be inside it, and files get the workspace's owner: a self-hosted runner
// cannot delete what belongs to root.
func Open(workspace, path string) (*Folder, error) {
	if workspace == "" {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, err
		}
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, err
		}
		return newFolder(root, path, noOwner)
	}
	base, err := os.OpenRoot(workspace)
	if err != nil {
		return nil, err
	}
	defer base.Close()
	who, err := ownerOf(base)
	if err != nil {
		return nil, err
	}
	relative := path
	if filepath.IsAbs(path) {
		if relative, err = filepath.Rel(workspace, path); err != nil {
			return nil, err
		}
	}
	if !filepath.IsLocal(relative) {
		return nil, fmt.Errorf("%s is outside the workspace, and what is written there is lost after the step", path)
	}
	if err := mkdirAll(base, relative, who); err != nil {
		return nil, err
	}
	root, err := base.OpenRoot(relative)
	if err != nil {
		return nil, err
	}
	return newFolder(root, relative, who)
}

// newFolder returns a Folder if files can be created in root, and closes root if
// not.
func newFolder(root *os.Root, shown string, who owner) (*Folder, error) {
	f := &Folder{root: root, shown: shown, owner: who}
	if err := f.writable(); err != nil {
		_ = root.Close()
		return nil, err
	}
	return f, nil
}

// writable returns an error if no file can be created in the folder.
func (f *Folder) writable() error {
	const name = ".odoo-upgrade.probe"
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_ = file.Close()
	if err := f.root.Remove(name); !errors.Is(err, fs.ErrNotExist) { // another run's, at the same time
		return err
	}
	return nil
}

// Named returns the paths of files called name with any extension.
func (f *Folder) Named(name string) []string {
	entries, _ := fs.ReadDir(f.root.FS(), ".")
	var paths []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), name+".") {
			paths = append(paths, f.Path(entry.Name()))
		}
	}
	return paths
}

// mkdirAll makes the folders of path one by one, so that only new ones get a
// new owner.
func mkdirAll(base *os.Root, path string, who owner) error {
	if parent := filepath.Dir(path); parent != "." {
		if err := mkdirAll(base, parent, who); err != nil {
			return err
		}
	}
	err := base.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return who.take(base, path)
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Path returns the path of a file in the folder as users know it.
func (f *Folder) Path(name string) string { return filepath.ToSlash(filepath.Join(f.shown, name)) }

// IsFree returns an error if a folder has the name that a download will get, and must not be
// replaced: better now than after hours. A folder is called name itself, a file, or a dump
// that is a folder, has an extension.
func (f *Folder) IsFree(name string, isFolder bool) error {
	if isFolder {
		return f.replaceable(name)
	}
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		extension, found := strings.CutPrefix(e.Name(), name+".")
		if !found || strings.Contains(strings.TrimPrefix(extension, "tar."), ".") {
			continue
		}
		if err := f.replaceable(e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// replaceable returns an error for a folder that is not a download, or was changed since: a
// download in its place would delete what is in it. A file that could be a download is
// replaced by a newer one.
func (f *Folder) replaceable(name string) error {
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		info, err = f.root.Stat(name)
	}
	isFile := err == nil && !info.IsDir()
	if isFile && path.Ext(name) != "" || f.isReceived(name) { // every file that is downloaded gets an extension
		return nil
	}
	what := "folder"
	if isFile {
		what = "file"
	}
	return inTheWay(
		fmt.Sprintf(
			"there is a %s %s that this program did not download, or that was changed since, and a download needs that name",
			what,
			f.Path(name),
		),
	)
}

// inTheWay says that the user has something where a download goes.
func inTheWay(text string) error {
	return advice.New(text, "Move it away, or set another {download-path}.")
}

// Location returns where a file in the folder is on this machine.
func (f *Folder) Location(name string) string { return filepath.Join(f.root.Name(), name) }
