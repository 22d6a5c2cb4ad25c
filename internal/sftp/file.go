package sftp

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/pkg/sftp"
)

// File is a file of the server, open on the pool's first session; a transfer opens
// it on the others.
type File struct {
	pool   *Pool
	name   string
	first  *sftp.File // of the pool's first session
	flags  int        // that it was opened with, and is on the other sessions
	blind  bool       // see OpenBlind
	strict bool

	mu      sync.Mutex
	leaving []func() error // waits for the end of each session's handle
}

// Open opens a file, with flags of package os, and returns what the server says about it.
func (p *Pool) Open(name string, flags int) (*File, Info, error) {
	file, info, err := p.first.openAndStat(name, flags)
	if err != nil && file != nil { // it is open, but its size is not known
		p.first.closing(file)
		return nil, Info{}, p.failed("reading the size of", name, err)
	}
	if err != nil {
		return nil, Info{}, p.failed("opening", name, err)
	}
	return &File{pool: p, name: name, first: file, flags: flags &^ (os.O_CREATE | os.O_TRUNC)}, info, nil
}

// OpenBlind opens a file of which the server says nothing while it is open. Only one
// session writes it, in order; if strict, each packet waits for the one before it, because
// the server may work on several at a time.
func (p *Pool) OpenBlind(name string, flags int, strict bool) (*File, error) {
	file, err := p.first.open(name, flags)
	if err != nil {
		return nil, p.failed("opening", name, err)
	}
	return &File{pool: p, name: name, first: file, flags: flags &^ (os.O_CREATE | os.O_TRUNC), blind: true, strict: strict}, nil
}

// Stat returns what the server says about a file by its name.
func (p *Pool) Stat(name string) (Info, error) {
	info, err := p.first.statName(name)
	return info, p.failed("reading the size of", name, err)
}

// Empty truncates a file.
func (p *Pool) Empty(name string) error {
	file, err := p.first.open(name, os.O_WRONLY|os.O_TRUNC)
	if err == nil {
		err = p.first.closing(file)()
	}
	return p.failed("emptying", name, err)
}

// failed says what failed, and with which file; nil for nil.
func (p *Pool) failed(doing, name string, err error) error {
	if err = p.cause(err); err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}

// List returns the names in the folder that a session starts in.
func (p *Pool) List() ([]string, error) {
	names, err := p.first.list()
	return names, p.failed("listing", "the folder", err)
}

// Stat returns what the server says about the file now.
func (f *File) Stat() (Info, error) {
	info, err := f.pool.first.stat(f.first)
	if _, refused := errors.AsType[*StatusError](err); refused { // a server may only know names
		info, err = f.pool.first.statName(f.name)
	}
	return info, f.pool.failed("reading the size of", f.name, err)
}

// ReadAt reads the bytes from offset on until b is full.
func (f *File) ReadAt(b []byte, offset int64) error {
	return f.pool.failed("reading", f.name, f.pool.first.readFull(f.first, offset, b))
}

func (f *File) leave(wait func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaving = append(f.leaving, wait)
}

// Close closes the file, and Settle waits until the server has closed the handles that
// a transfer opened on other sessions. Their errors count: a server that buffers what
// is written may report only then that it could not store it.
func (f *File) Close() error {
	return f.pool.failed("closing", f.name, f.pool.first.closing(f.first)())
}

// Settle is described at Close.
func (f *File) Settle() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var first error // the others' say no more
	for _, wait := range f.leaving {
		first = cmp.Or(first, wait())
	}
	f.leaving = nil
	return f.pool.failed("closing", f.name, first)
}
