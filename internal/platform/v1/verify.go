package v1

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/sftp"
)

// Steps in which a file is compared: what follows a difference in one is not read. They get
// larger where reading is fast.
const (
	firstStep = 8 << 20
	lastStep  = 128 << 20
	stepTime  = 2 * time.Second
)

// compare returns where the platform's file first differs from the dump between
// from and to; to if it does not. same, unless nil, is called with how far they are the same.
func compare(there *sftp.File, file io.ReaderAt, from, to int64, same func(at int64)) (int64, error) {
	for step := int64(firstStep); from < to; {
		end, at, began := min(to, from+step), from, time.Now()
		differs := int64(-1)
		err := there.Get(from, end, func(b []byte) error {
			own := make([]byte, len(b))
			if _, err := file.ReadAt(own, at); err != nil {
				return &sftp.SourceError{Err: err}
			}
			if i := firstDifference(own, b); i >= 0 && differs < 0 {
				differs = at + int64(i)
			}
			if at += int64(len(b)); same != nil && differs < 0 {
				same(at)
			}
			return nil
		})
		if err != nil || differs >= 0 {
			return differs, err
		}
		if from = end; time.Since(began) < stepTime {
			step = min(2*step, lastStep)
		}
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

// damagedError says that the platform has another file than the one that was sent.
type damagedError struct{ what string }

func (e *damagedError) Error() string { return e.what }

var errNotComparedAgain = &damagedError{
	"the platform's file differed from the dump once, and could not be read back, or not in time, to compare it again",
}

// verify compares the size, which must be equal, closes the file, and compares what the
// server allows to be read back. It does so only once everything is closed: some servers
// store a file only then, or read something else from one that is being written. After a
// difference the next try sends everything again.
func (s *overSFTP) verify(pool *sftp.Pool, there *shared, file io.ReaderAt, size int64) error {
	info, err := s.settled(pool, there)
	if err != nil {
		return err
	}
	if info.Size != size { // so a block may have been missing
		s.damaged()
		return &damagedError{fmt.Sprintf("the platform's file has %d bytes after all %d were sent", info.Size, size)}
	}
	reader, err := there.reading(pool)
	if _, refused := errors.AsType[*sftp.StatusError](err); refused { // by whatever code
		if s.wasRead {
			return errNotComparedAgain
		}
		s.Tell(event.ReadBack{Total: size, Over: true})
		return nil
	}
	at := int64(0)
	if err == nil {
		at, err = s.readBack(pool, reader, file, size)
		_ = reader.Close() // it has only been read
	}
	switch {
	case isUnreadable(err) && s.wasRead:
		return errNotComparedAgain
	case isUnreadable(err):
		s.Tell(event.ReadBack{Total: size, Over: true})
		return nil
	case err != nil:
		return err
	case at >= 0:
		s.wasRead = true
		s.damaged()
		return &damagedError{fmt.Sprintf("the platform's file differs from the dump in the block at byte %d", at)}
	}
	return nil
}

// settled closes the file, and returns what the server says about it.
func (s *overSFTP) settled(pool *sftp.Pool, there *shared) (info sftp.Info, err error) {
	if there.blind {
		if err := errors.Join(there.Settle(), there.Close()); err != nil {
			return info, s.unstored(err)
		}
		return pool.Stat(there.name)
	}
	var unsettled, unknown error
	_ = together(func() error {
		unsettled = there.Settle()
		return nil
	}, func() error {
		info, unknown = there.Stat()
		return nil
	})
	if unsettled != nil {
		return info, s.unstored(unsettled)
	}
	if unknown != nil {
		return info, unknown
	}
	if err := there.Close(); err != nil {
		return info, s.unstored(err)
	}
	return info, nil
}

// unstored handles an error of closing the file: a server that says so then may not have
// stored what it acknowledged.
func (s *overSFTP) unstored(err error) error {
	if _, ok := errors.AsType[*sftp.StatusError](err); ok {
		s.damaged()
	}
	return err
}

// leastReadBack is how long an upload may be read back that took less time to send.
const leastReadBack = 30 * time.Second

// errEnough ends the sessions when an upload has been read back for long enough.
var errEnough = errors.New("the upload was read back for long enough")

// readBack returns where the platform's file differs from the dump, -1 if it does not as far
// as it was compared: some blocks first, and then all of it, for as long as sending took.
// After a transfer that was seen to differ, all of it has to be compared in that time. The
// sessions may have ended then.
func (s *overSFTP) readBack(pool *sftp.Pool, there *sftp.File, file io.ReaderAt, size int64) (at int64, err error) {
	enough := time.AfterFunc(max(s.took, cmp.Or(s.least, leastReadBack)), func() { pool.End(errEnough) })
	defer enough.Stop()
	at = -1
	if !s.differed {
		at, err = differingSample(there, file, size)
	}
	same := int64(0)
	if err == nil && at < 0 {
		at, err = compare(there, file, 0, size, func(n int64) {
			same = n
			s.Tell(event.ReadBack{Bytes: n, Total: size})
		})
		if at == size {
			at = -1
		}
	}
	if errors.Is(err, errEnough) && s.differed {
		return 0, errNotComparedAgain
	}
	if err != nil && !errors.Is(err, errEnough) || at >= 0 {
		return at, err
	}
	s.Tell(event.ReadBack{Bytes: same, Total: size, Over: true})
	return -1, nil
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
