package rsync

import (
	"errors"

	"golang.org/x/sys/unix"
)

// sync puts files on disk: of several, all of their file system at once.
func (r *receiver) sync(waiting []arrival) error {
	if len(waiting) == 1 {
		return r.syncEach(waiting)
	}
	folder, err := r.Root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(folder.Fd())), folder.Close())
}
