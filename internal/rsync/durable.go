package rsync

import (
	"errors"
	"path"
)

// A file gets its name once it is on disk: after a crash, one of the right size and time
// counts as complete. To wait for the disk after each of thousands of small files would take
// most of the time, so they wait together.

// How many files, or bytes, wait at most.
const (
	syncFiles = 1000
	syncBytes = 64 << 20
)

// arrival is a complete file that waits for its name.
type arrival struct {
	partial, name string
	size          int64
}

// arrived has a complete file wait for its name.
func (r *receiver) arrived(a arrival) error {
	r.unsynced = append(r.unsynced, a)
	bytes := int64(0)
	for _, waiting := range r.unsynced {
		bytes += waiting.size
	}
	if len(r.unsynced) < syncFiles && bytes < syncBytes {
		return nil
	}
	return r.settleAll()
}

// settleAll puts the files that wait on disk, and gives them their names.
func (r *receiver) settleAll() error {
	waiting := r.unsynced
	r.unsynced = nil
	if len(waiting) == 0 {
		return nil
	}
	if err := r.sync(waiting); err != nil {
		return err
	}
	for _, a := range waiting {
		if err := r.Root.MkdirAll(path.Dir(a.name), 0o700); err != nil {
			return err
		}
		if err := r.Root.Rename(a.partial, a.name); err != nil {
			return err
		}
	}
	return nil
}

// syncEach puts files on disk, one by one.
func (r *receiver) syncEach(waiting []arrival) error {
	for _, a := range waiting {
		file, err := r.Root.Open(a.partial)
		if err != nil {
			return err
		}
		if err := errors.Join(file.Sync(), file.Close()); err != nil {
			return err
		}
	}
	return nil
}
