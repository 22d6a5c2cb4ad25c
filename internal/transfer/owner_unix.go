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

func (o owner) take(root *os.Root, name string) error {
	if o == nobody {
		return nil
	}
	return root.Lchown(name, o.uid, o.gid)
}
