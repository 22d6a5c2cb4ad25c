package transfer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"odoo-upgrade-action/internal/upgrade"
)

// Folder is where downloads land. Nothing is written outside it, whatever
// symbolic links a checkout brings along.
type Folder struct {
	root  *os.Root
	shown string // its path as users gave it
	owner owner
}

// OpenFolder opens, and where needed makes, the folder path. With workspace not
// empty, path has to lie in it and files get the workspace's owner: what a
// container leaves to root, a self-hosted runner cannot clean up.
func OpenFolder(workspace, path string) (*Folder, error) {
	if workspace == "" {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, err
		}
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, err
		}
		return open(root, path, nobody)
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
		return nil, fmt.Errorf("%s lies outside the workspace: what is written there is gone after the step", path)
	}
	if err := mkdirAll(base, relative, who); err != nil {
		return nil, err
	}
	root, err := base.OpenRoot(relative)
	if err != nil {
		return nil, err
	}
	return open(root, relative, who)
}

// open makes a Folder of an open one in which files can be made.
func open(root *os.Root, shown string, who owner) (*Folder, error) {
	f := &Folder{root: root, shown: shown, owner: who}
	if err := f.writable(); err != nil {
		_ = root.Close()
		return nil, err
	}
	return f, nil
}

// writable returns an error if no file can be made in the folder.
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

// Holding returns the paths of files of those items that are there already.
func (f *Folder) Holding(items []upgrade.Item) []string {
	entries, _ := fs.ReadDir(f.root.FS(), ".")
	var paths []string
	for _, entry := range entries {
		for _, item := range items {
			if strings.HasPrefix(entry.Name(), string(item)+".") {
				paths = append(paths, f.Path(entry.Name()))
			}
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

// Close lets go of the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Path returns the path of a file in the folder as users know it.
func (f *Folder) Path(name string) string { return filepath.ToSlash(filepath.Join(f.shown, name)) }

// WriteFile writes a small file, readable by its owner alone.
func (f *Folder) WriteFile(name string, data []byte) error {
	if err := f.root.WriteFile(name, data, 0o600); err != nil {
		return err
	}
	return f.owner.take(f.root, name)
}
