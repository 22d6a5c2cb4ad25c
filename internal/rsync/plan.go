package rsync

import (
	"fmt"
	"path"
)

// plan decides what to receive, and creates the folders. Nothing is changed here before
// all of the list was checked.
func (r *receiver) plan() error {
	r.single = len(r.list) == 1 && r.list[0].isFile()
	if err := r.measure(); err != nil {
		return err
	}
	if err := r.prepare(); err != nil {
		return err
	}
	for i, e := range r.list {
		switch {
		case e.name == "." && e.isFolder():
		case !r.isWanted(i):
			r.result.Skipped++
		case e.isFolder():
			if err := r.Root.MkdirAll(r.name(i), 0o700); err != nil {
				return err
			}
			r.result.Folders = append(r.result.Folders, e.name)
		default:
			r.wanted = append(r.wanted, i)
		}
	}
	return r.skipComplete()
}

// measure sums up the sizes of all files, and checks that what is missing fits.
func (r *receiver) measure() error {
	needs := int64(0)
	for i, e := range r.list {
		if !e.isFile() || !r.isWanted(i) {
			continue
		}
		if e.size > maxTotal-r.total {
			return violation("more than %d bytes in all", int64(maxTotal))
		}
		r.total += e.size
		needs += max(0, e.size-r.stored(i))
	}
	if r.MaxBytes > 0 && needs > r.MaxBytes {
		return &TooLargeError{needs, r.MaxBytes}
	}
	return nil
}

// isWanted reports whether an entry is a file or a folder that can be written here.
func (r *receiver) isWanted(i int) bool {
	e := r.list[i]
	repeated := i > 0 && r.list[i-1].name == e.name
	return !repeated && e.name != "." && isSafe(e.name) && (e.isFile() || e.isFolder())
}

// stored is how many bytes of a file are here, complete or partial.
func (r *receiver) stored(i int) int64 {
	name := r.name(i)
	if r.isComplete(r.list[i], name) {
		return r.list[i].size
	}
	info, err := r.Root.Lstat(r.partial(name))
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// prepare removes what is in the way of a file, or of a folder.
func (r *receiver) prepare() error {
	if r.Name == "" || len(r.list) == 0 {
		return nil
	}
	info, err := r.Root.Lstat(r.Name)
	if err == nil && info.IsDir() == r.single {
		if err := r.Root.RemoveAll(r.Name); err != nil {
			return err
		}
	}
	if r.single {
		return nil
	}
	return r.Root.MkdirAll(r.Name, 0o700)
}

// TooLargeError says that more would be received than is allowed. Nothing was.
type TooLargeError struct{ Needs, Allowed int64 } // bytes

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d bytes would arrive, and only %d are allowed", e.Needs, e.Allowed)
}

// skipComplete records the files that are here already.
func (r *receiver) skipComplete() error {
	wanted := r.wanted[:0]
	for _, i := range r.wanted {
		e, name := r.list[i], r.name(i)
		if !r.isComplete(e, name) {
			wanted = append(wanted, i)
			continue
		}
		done := Received{Name: e.name, Size: e.size}
		if r.Digest {
			sum, err := r.sha256Of(name)
			if err != nil {
				return err
			}
			done.SHA256 = sum
		}
		r.report(e.size)
		r.result.Files = append(r.result.Files, done)
	}
	r.wanted = wanted
	return nil
}

// name is what file i is called here.
func (r *receiver) name(i int) string {
	if r.single && r.Name != "" {
		return r.Name
	}
	return path.Join(r.Name, r.list[i].name)
}

// partial is what a file is called until it is complete.
func (r *receiver) partial(name string) string {
	if r.InPlace {
		return name
	}
	return path.Join(path.Dir(name), "."+path.Base(name)+".part")
}

// isComplete reports whether a file is here already, by its size and time.
func (r *receiver) isComplete(e entry, name string) bool {
	info, err := r.Root.Lstat(name)
	return err == nil && info.Mode().IsRegular() && info.Size() == e.size && info.ModTime().Unix() == e.modTime
}
