//go:build unix

package workspace

import (
	"os"
	"syscall"
)

// owner is who files are given to.
type owner struct{ uid, gid int }

// noOwner leaves files to the user that runs the program.
var noOwner = owner{-1, -1}

// ownerOf returns the owner of a folder, or noOwner without root's rights, which
// are needed to give files away.
func ownerOf(root *os.Root) (owner, error) {
	info, err := root.Stat(".")
	if err != nil {
		return noOwner, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return noOwner, nil
	}
	return owner{int(stat.Uid), int(stat.Gid)}, nil
}

// Free returns how many bytes can still be written to the folder; ok is false if
// that is not known.
func (f *Folder) Free() (bytes int64, ok bool) {
	dir, err := f.root.Open(".")
	if err != nil {
		return 0, false
	}
	defer dir.Close()
	var stat syscall.Statfs_t
	if syscall.Fstatfs(int(dir.Fd()), &stat) != nil {
		return 0, false
	}
	return int64(stat.Bavail) * int64(stat.Bsize), true
}

// isAlone reports whether a file has one name only: what is written to it does not show up
// elsewhere.
func isAlone(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || stat.Nlink <= 1
}

// lock keeps other processes, and other openings in this one, from locking the
// file. It ends when the file is closed.
func lock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

func (o owner) take(root *os.Root, name string) error {
	if o == noOwner {
		return nil
	}
	return root.Lchown(name, o.uid, o.gid)
}
