package transfer

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync/atomic"

	"odoo-upgrade-action/internal/sftp"
)

// Blocks that are read back of an upload: the first, the last and some between.
const (
	samples    = 16
	sampleSize = 32 << 10
)

// sample reads blocks of the platform's file back, all at once, and returns the
// offset of one that differs from the dump, -1 if none does.
func sample(there *shared, file io.ReaderAt, size int64) (int64, error) {
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

func sameBlock(there *shared, file io.ReaderAt, offset, size int64) (bool, error) {
	theirs, own := make([]byte, size), make([]byte, size)
	if err := there.ReadAt(theirs, offset); err != nil {
		return false, err
	}
	if _, err := file.ReadAt(own, offset); err != nil {
		return false, &sftp.SourceError{Err: err}
	}
	return bytes.Equal(theirs, own), nil
}
