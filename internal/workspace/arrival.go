package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/retry"
)

// Arrival is what is arriving: a file or a folder with a hidden name, beside a note that says
// what it is a part of, until it is complete. While a run has it open, no other one can.
type Arrival struct {
	folder *Folder
	name   string   // that it will get, without its extension
	hidden string   // that it has meanwhile
	lock   *os.File // the note
	note   note
	done   bool // it has its name
}

// note is what must be the same for an arrival to be continued.
type note struct {
	URL       string `json:"url"`       // SHA-256 of where it comes from, which may hold a key
	Validator string `json:"validator"` // tells this file from others of the same source
	Total     int64  `json:"total"`     // bytes of the whole file
}

func (a *Arrival) noteName() string { return a.hidden + ".json" }

// arrive begins an arrival from source, or continues one. known says that there is a note of
// the same source, and noted that there was one at all.
func (f *Folder) arrive(name, suffix, source string, is func(fs.FileMode) bool) (a Arrival, known, noted bool, err error) {
	a = Arrival{folder: f, name: name, hidden: "." + name + suffix}
	if err := f.removeUnless(a.noteName(), fs.FileMode.IsRegular); err != nil {
		return a, false, false, err
	}
	if err := f.removeUnless(a.hidden, is); err != nil {
		return a, false, false, err
	}
	_, absent := f.root.Lstat(a.noteName())
	if a.lock, err = f.root.OpenFile(a.noteName(), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return a, false, false, err
	}
	defer func() {
		if err != nil {
			_ = a.lock.Close()
		}
	}()
	if err := a.own(); err != nil {
		return a, false, false, err
	}
	sum := sha256.Sum256([]byte(source))
	from := hex.EncodeToString(sum[:])
	text, err := io.ReadAll(a.lock)
	if err != nil {
		return a, false, false, err
	}
	if known = json.Unmarshal(text, &a.note) == nil && a.note.URL == from; !known {
		a.note = note{URL: from}
	}
	return a, known, absent == nil, nil
}

// own makes sure that no other run has the arrival, and that it still is one: another run may
// just have completed it.
func (a *Arrival) own() error {
	if err := lock(a.lock); err != nil {
		return advice.New(fmt.Sprintf("another run is downloading %s to the same folder", a.name), "Give each run its own {download-path}.")
	}
	opened, err := a.lock.Stat()
	if err != nil {
		return err
	}
	named, err := a.folder.root.Stat(a.noteName())
	if err != nil || !os.SameFile(opened, named) {
		return retry.Transient(fmt.Errorf("another run has just downloaded %s to the same folder", a.name))
	}
	return errors.Join(a.lock.Chmod(0o600), a.folder.owner.take(a.folder.root, a.noteName())) // it may be older than this run
}

// keepNote puts the note on disk, so that a later process can continue.
func (a *Arrival) keepNote() error {
	text, err := json.Marshal(a.note)
	if err == nil {
		err = a.lock.Truncate(0)
	}
	if err == nil {
		_, err = a.lock.WriteAt(text, 0)
	}
	return err
}

// remove removes what there is of it, and then the note.
func (a *Arrival) remove() error {
	return errors.Join(a.folder.root.RemoveAll(a.hidden), ignoreMissing(a.folder.root.Remove(a.noteName())))
}

// isWorthKeeping reports whether another try can continue after err, the error of a transfer:
// a broken network, or a lack of space. After any other error it would be continued to the same
// end.
func isWorthKeeping(ctx context.Context, err error) bool {
	_, full := errors.AsType[*NoSpaceError](err)
	return err == nil || full || retry.IsTransient(err) || ctx.Err() != nil
}
