//go:build unix

package transfer

import (
	"os"
	"syscall"
)

// owner is whom files are given to.
type owner struct{ uid, gid int }

// nobody leaves files to whoever runs the program.
var nobody = owner{-1, -1}

// ownerOf returns the owner of a folder, or nobody for whoever is not root and
// could not give anything away.
func ownerOf(root *os.Root) (owner, error) {
	info, err := root.Stat(".")
	if err != nil {
		return nobody, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nobody, nil
	}
	return owner{int(stat.Uid), int(stat.Gid)}, nil
}

// Free returns how many bytes may still be written to the folder, -1 where
// nobody knows.
func (f *Folder) Free() int64 {
	dir, err := f.root.Open(".")
	if err != nil {
		return -1
	}
	defer dir.Close()
	var stat syscall.Statfs_t
	if syscall.Fstatfs(int(dir.Fd()), &stat) != nil {
		return -1
	}
	return int64(stat.Bavail) * int64(stat.Bsize)
}

// lock keeps other processes, and other openings in this one, from locking the
// file. It ends when the file is closed.
func lock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

func (o owner) take(root *os.Root, name string) error {
	if o == nobody {
		return nil
	}
	return root.Lchown(name, o.uid, o.gid)
}
