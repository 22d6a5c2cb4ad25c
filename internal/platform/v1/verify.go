package v1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"odoo-upgrade-action/internal/sftp"
)

// compare returns where the platform's file first differs from the dump between
// from and to; to if it does not.
func compare(there *sftp.File, file io.ReaderAt, from, to int64) (int64, error) {
	const step = 8 << 20 // what follows a difference is not read
	for from < to {
		end, at := min(to, from+step), from
		differs := int64(-1)
		err := there.Get(from, end, func(b []byte) error {
			own := make([]byte, len(b))
			if _, err := file.ReadAt(own, at); err != nil {
				return &sftp.SourceError{Err: err}
			}
			if i := firstDifference(own, b); i >= 0 && differs < 0 {
				differs = at + int64(i)
			}
			at += int64(len(b))
			return nil
		})
		if err != nil || differs >= 0 {
			return differs, err
		}
		from = end
	}
	return to, nil
}

// firstDifference returns the first index at which two slices of one length
// differ, -1 if they do not.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i
}

// verify compares the size, which must be equal, closes the file, and compares some
// blocks, if the server allows reading them. It does so only once everything is closed:
// some servers store a file only then, or read something else from one that is being
// written. After a difference the next try sends everything again.
func (s *overSFTP) verify(pool *sftp.Pool, there *shared, file io.ReaderAt, size int64) error {
	var info sftp.Info
	var unsettled, unknown error
	_ = together(func() error {
		unsettled = there.Settle()
		return nil
	}, func() error {
		info, unknown = there.Stat()
		return nil
	})
	switch {
	case unsettled != nil:
		return s.unstored(unsettled)
	case unknown != nil:
		return unknown
	case info.Size != size: // so a block may have been missing
		s.damaged()
		return fmt.Errorf("the platform's file has %d bytes after all %d were sent", info.Size, size)
	}
	if err := there.Close(); err != nil {
		return s.unstored(err)
	}
	reader, err := there.reading(pool)
	at := int64(-1)
	if err == nil {
		at, err = s.differs(reader, file, size)
		_ = reader.Close() // it has only been read
	}
	switch {
	case isUnreadable(err):
		return nil
	case err != nil:
		return err
	case at >= 0:
		s.damaged()
		return fmt.Errorf("the platform's file differs from the dump in the block at byte %d", at)
	}
	return nil
}

// unstored handles an error of closing the file: a server that says so then may not have
// stored what it acknowledged.
func (s *overSFTP) unstored(err error) error {
	if _, ok := errors.AsType[*sftp.StatusError](err); ok {
		s.damaged()
	}
	return err
}

// differs returns where the platform's file differs from the dump, -1 if it does not. It
// compares blocks of it; after a transfer that was seen to differ, all of it.
func (s *overSFTP) differs(there *sftp.File, file io.ReaderAt, size int64) (int64, error) {
	if !s.differed {
		return differingSample(there, file, size)
	}
	at, err := compare(there, file, 0, size)
	if at == size {
		at = -1
	}
	return at, err
}

// together does everything concurrently and returns what went wrong.
func together(work ...func() error) error {
	errs := make([]error, len(work))
	var all sync.WaitGroup
	for i, do := range work {
		all.Go(func() { errs[i] = do() })
	}
	all.Wait()
	var different []error // the same one from each says nothing more
	said := map[string]bool{}
	for _, err := range errs {
		if err != nil && !said[err.Error()] {
			said[err.Error()] = true
			different = append(different, err)
		}
	}
	return errors.Join(different...)
}

// Blocks that are read back of an upload: the first, the last and some between.
const (
	samples    = 16
	sampleSize = 32 << 10
)

// differingSample reads blocks of the platform's file back, all at once, and returns the
// offset of one that differs from the dump, -1 if none does.
func differingSample(there *sftp.File, file io.ReaderAt, size int64) (int64, error) {
	last := max(0, size-sampleSize)
	offsets := []int64{0, last}
	for range samples - len(offsets) {
		offsets = append(offsets, rand.Int64N(last+1))
	}
	var differs atomic.Int64
	differs.Store(-1)
	var reads []func() error
	for _, offset := range offsets {
		reads = append(reads, func() error {
			same, err := sameBlock(there, file, offset, min(sampleSize, size-offset))
			if err == nil && !same {
				differs.Store(offset)
			}
			return err
		})
	}
	err := together(reads...)
	return differs.Load(), err
}

func sameBlock(there *sftp.File, file io.ReaderAt, offset, size int64) (bool, error) {
	theirs, own := make([]byte, size), make([]byte, size)
	if err := there.ReadAt(theirs, offset); err != nil {
		return false, err
	}
	if _, err := file.ReadAt(own, offset); err != nil {
		return false, &sftp.SourceError{Err: err}
	}
	return bytes.Equal(theirs, own), nil
}
