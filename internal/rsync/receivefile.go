package rsync

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

// ErrChanged says that a file is not the one in the list: its size differs.
var ErrChanged = errors.New("it changed while it was sent")

// receiveFile receives one file, of which the sums in head were sent. It reports whether
// the file arrived as the sender's digest says.
func (r *receiver) receiveFile(i int, head sumHead) (intact bool, err error) {
	e, name := r.list[i], r.name(i)
	echo, err := r.recvHead()
	if err != nil {
		return false, err
	}
	if echo != head {
		return false, violation("other blocks than those of %s", e.name)
	}
	file, err := r.open(r.partial(name))
	if err != nil {
		return false, err
	}
	if r.free == nil {
		r.free = newBuffers()
	}
	s := newSink(file, r.sums.file(), r.Digest, r.free)
	err = r.tokens(s, e, head)
	err = errors.Join(err, s.close())
	if err == nil {
		intact, err = r.settle(s, e, name)
	}
	err = errors.Join(err, file.Close())
	if err == nil && intact {
		err = r.complete(s, e, name)
	} else if !r.InPlace && (!r.Keep || err == nil) {
		err = errors.Join(err, r.Root.Remove(r.partial(name)))
	}
	if err != nil {
		err = fmt.Errorf("receiving %s: %w", e.name, err)
	}
	return intact, err
}

// open opens a file to write to. Something else with its name, like a link, is removed
// first.
func (r *receiver) open(name string) (*os.File, error) {
	info, err := r.Root.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		if err := r.Root.RemoveAll(name); err != nil {
			return nil, err
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return r.Root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}

// tokens reads a file's tokens: data, and references to blocks that are here.
func (r *receiver) tokens(s *sink, e entry, head sumHead) error {
	for {
		token, err := r.int()
		if err != nil || token == 0 {
			return err
		}
		n := int64(token)
		if token < 0 {
			block := int(-(int64(token) + 1))
			if block >= head.count {
				return violation("block %d of %d", block, head.count)
			}
			n = int64(head.size(block))
			s.reuse(int64(block)*int64(head.length), int(n))
		} else if err := s.fill(r.in, int(token)); err != nil {
			return err
		}
		if s.size > e.size {
			return ErrChanged
		}
		r.report(n)
	}
}

// settle compares the digest, and cuts off what was behind the file's end.
func (r *receiver) settle(s *sink, e entry, name string) (intact bool, err error) {
	sum, err := r.bytes(r.sums.size)
	if err != nil {
		return false, err
	}
	if s.size != e.size {
		return false, ErrChanged
	}
	if string(s.sum.Sum(nil)) != string(sum) {
		r.report(-s.size)
		return false, nil
	}
	return true, s.file.Truncate(s.size)
}

// complete gives a file its time, and its name once it is on disk, and records it.
func (r *receiver) complete(s *sink, e entry, name string) error {
	partial := r.partial(name)
	if err := r.Root.Chtimes(partial, e.modified(), e.modified()); err != nil {
		return err
	}
	done := Received{Name: e.name, Size: e.size}
	if s.digest != nil {
		done.SHA256 = hex.EncodeToString(s.digest.Sum(nil))
	}
	r.result.Files = append(r.result.Files, done)
	if r.InPlace {
		return nil
	}
	return r.arrived(arrival{partial, name, e.size})
}

// sink writes a file, and takes its digests, while the caller reads from the network.
type sink struct {
	file   *os.File
	sum    hash.Hash // rsync's
	digest hash.Hash // SHA-256, nil if it is not wanted
	size   int64     // bytes that were passed to it

	buffer []byte // what is not passed on yet
	work   chan task
	free   chan []byte
	over   chan error
}

// task is data to append, or a block that is here: n bytes at from.
type task struct {
	data []byte
	from int64
	n    int
}

func newSink(file *os.File, sum hash.Hash, digest bool, free chan []byte) *sink {
	s := &sink{file: file, sum: sum, work: make(chan task, aheadBlocks), free: free, over: make(chan error, 1)}
	if digest {
		s.digest = sha256.New()
	}
	s.buffer = (<-s.free)[:0]
	go func() { s.over <- s.run() }()
	return s
}

// fill appends n bytes from in.
func (s *sink) fill(in io.Reader, n int) error {
	if n > maxLiteral {
		return violation("%d bytes at once", n)
	}
	for n > 0 {
		if len(s.buffer) == cap(s.buffer) {
			s.pass()
		}
		have := len(s.buffer)
		part := min(n, cap(s.buffer)-have)
		s.buffer = s.buffer[:have+part]
		if _, err := io.ReadFull(in, s.buffer[have:]); err != nil {
			s.buffer = s.buffer[:have]
			return unexpected(err)
		}
		n -= part
		s.size += int64(part)
	}
	return nil
}

// pass hands the buffer over to be written.
func (s *sink) pass() {
	if len(s.buffer) > 0 {
		s.work <- task{data: s.buffer}
		s.buffer = (<-s.free)[:0]
	}
}

// reuse appends a block that is here: a sender refers to any one that is the same. If it is
// overwritten by now, the sum of the file says so, and all of it is sent again.
func (s *sink) reuse(from int64, n int) {
	s.pass()
	s.work <- task{from: from, n: n}
	s.size += int64(n)
}

// close writes what is left and returns the first error.
func (s *sink) close() error {
	s.pass()
	close(s.work)
	err := <-s.over
	s.free <- s.buffer
	return err
}

// run does the work until the channel is closed. After an error it only discards it.
func (s *sink) run() (err error) {
	at := int64(0)
	var block []byte
	for t := range s.work {
		data := t.data
		if err == nil && data == nil {
			if cap(block) < t.n {
				block = make([]byte, t.n)
			}
			data = block[:t.n]
			if _, err = s.file.ReadAt(data, t.from); err == io.EOF {
				err = errors.New("the partial file is shorter than it was")
			}
		}
		if err == nil && (t.data != nil || t.from != at) {
			_, err = s.file.WriteAt(data, at)
		}
		at += int64(len(data))
		_, _ = s.sum.Write(data)
		if s.digest != nil {
			_, _ = s.digest.Write(data)
		}
		if t.data != nil {
			s.free <- t.data
		}
	}
	return err
}

// sha256Of returns the SHA-256 of a file that is here, in hexadecimal, and reports its bytes
// meanwhile: a large one takes minutes.
func (r *receiver) sha256Of(name string) (string, error) {
	file, err := r.Root.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	digest := sha256.New()
	for {
		n, err := io.CopyN(digest, file, 256<<20)
		r.report(n)
		switch err {
		case nil:
		case io.EOF:
			return hex.EncodeToString(digest.Sum(nil)), nil
		default:
			return "", err
		}
	}
}
