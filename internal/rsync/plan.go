package rsync

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
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
		case !r.isAsked(e.name):
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
	return r.withinLimits()
}

// blockSize is what a file or a folder takes on a disk at least, in bytes.
const blockSize = 4 << 10

// withinLimits checks what will be here against the limits.
func (r *receiver) withinLimits() error {
	if r.Limits == (Limits{}) {
		return nil
	}
	bytes, entries, listed := int64(0), 0, map[string]int64{}
	for i, e := range r.list {
		if !r.isWanted(i) {
			continue
		}
		if depth := strings.Count(e.name, "/") + 1; r.Limits.Depth > 0 &&
			(depth > r.Limits.Depth || e.isFolder() && depth == r.Limits.Depth) {
			return fmt.Errorf("%w: %.100q is in a folder that is not allowed here", ErrLimit, e.name)
		}
		listed[r.name(i)] = max(e.size, blockSize)
		entries++
		if bytes += e.size; !r.single {
			bytes += max(0, blockSize-e.size)
		}
	}
	err := fs.WalkDir(r.Root.FS(), r.top(), func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist), r.single && r.Name != "": // a single file takes the place of all
			return fs.SkipAll
		case err != nil || name == r.top():
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size, known := listed[name]
		if !known {
			entries++
		}
		bytes += max(0, max(info.Size(), blockSize)-size) // of a listed one, until it is replaced
		return nil
	})
	switch {
	case err != nil:
		return err
	case r.Limits.Entries > 0 && entries > r.Limits.Entries:
		return fmt.Errorf("%w: %d files and folders, and only %d are allowed", ErrLimit, entries, r.Limits.Entries)
	case r.Limits.Bytes > 0 && bytes > r.Limits.Bytes:
		return &TooLargeError{bytes, r.Limits.Bytes}
	}
	return nil
}

// ErrLimit says that more would be here than Limits allow. Nothing was received.
var ErrLimit = errors.New("too many files")

// isWanted reports whether an entry is a file or a folder that can be written here.
func (r *receiver) isWanted(i int) bool {
	e := r.list[i]
	repeated := i > 0 && r.list[i-1].name == e.name
	return !repeated && e.name != "." && isSafe(e.name) && (e.isFile() || e.isFolder()) && r.isAsked(e.name)
}

// isAsked reports whether a name is that of Only, or in that folder.
func (r *receiver) isAsked(name string) bool {
	return r.Only == "" || name == r.Only || strings.HasPrefix(name, r.Only+"/")
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
	if !r.InPlace {
		if err := r.Root.MkdirAll(r.Partial, 0o700); err != nil {
			return err
		}
	}
	if len(r.list) == 0 {
		return nil
	}
	if r.Name == "" {
		return r.Root.MkdirAll(r.top(), 0o700)
	}
	info, err := r.Root.Lstat(r.top())
	if err == nil && info.IsDir() == r.single {
		if err := r.Root.RemoveAll(r.top()); err != nil {
			return err
		}
	}
	if r.single {
		return nil
	}
	return r.Root.MkdirAll(r.top(), 0o700)
}

// top is where everything arrives: a folder or, for a single file with a name of ours, that
// file.
func (r *receiver) top() string { return path.Join(".", r.Folder, r.Name) }

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
		} else {
			r.report(e.size)
		}
		r.result.Files = append(r.result.Files, done)
	}
	r.wanted = wanted
	return nil
}

// name is what file i is called here.
func (r *receiver) name(i int) string {
	if r.single && r.Name != "" {
		return r.top()
	}
	return path.Join(r.top(), r.list[i].name)
}

// partial is what a file is called until it is complete: a digest of its name, which has
// not too many characters, and belongs to one file alone.
func (r *receiver) partial(name string) string {
	if r.InPlace {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return path.Join(r.Partial, hex.EncodeToString(sum[:20]))
}

// isComplete reports whether a file is here already, by its size and time.
func (r *receiver) isComplete(e entry, name string) bool {
	info, err := r.Root.Lstat(name)
	return err == nil && info.Mode().IsRegular() && info.Size() == e.size && info.ModTime().Unix() == e.modTime
}
