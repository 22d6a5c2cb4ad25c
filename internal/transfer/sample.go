package transfer

import (
	"bytes"
	"io"
	"math/rand/v2"

	"odoo-upgrade-action/internal/sftp"
)

// Blocks that are read back of an upload: the first, the last and some between.
const (
	samples    = 16
	sampleSize = 32 << 10
)

// sample reads blocks of the platform's file back, all at once, and returns the
// offset of one that differs from the dump, -1 if none does.
func sample(session *sftp.Session, name string, file io.ReaderAt, size int64) (int64, error) {
	handle, err := session.Open(name, sftp.Read)
	if err != nil {
		return -1, err
	}
	last := max(0, size-sampleSize)
	offsets := []int64{0, last}
	for range samples - len(offsets) {
		offsets = append(offsets, rand.Int64N(last+1))
	}
	type result struct {
		at  int64
		err error
	}
	results := make(chan result, len(offsets))
	for _, offset := range offsets {
		go func() {
			same, err := sameBlock(session, handle, file, offset, min(sampleSize, size-offset))
			if same {
				offset = -1
			}
			results <- result{offset, err}
		}()
	}
	at := int64(-1)
	for range offsets {
		r := <-results
		if r.err != nil && err == nil {
			err = r.err
		}
		at = max(at, r.at)
	}
	if err != nil {
		return -1, err
	}
	return at, session.CloseHandle(handle)
}

func sameBlock(session *sftp.Session, handle string, file io.ReaderAt, offset, size int64) (bool, error) {
	there, own := make([]byte, size), make([]byte, size)
	if err := session.ReadAt(handle, offset, there); err != nil {
		return false, err
	}
	if _, err := file.ReadAt(own, offset); err != nil && err != io.EOF {
		return false, err
	}
	return bytes.Equal(there, own), nil
}
