package archive

import (
	"bufio"
	"errors"
	"io"
	"math"

	"odoo-upgrade-action/internal/dump/stream"
)

// cursor reads an archive forward. Where its source can seek, it seeks over what is
// not needed.
type cursor struct {
	in   *bufio.Reader
	seek io.Seeker // nil for a stream
	at   int64     // bytes read or passed over
}

func newCursor(in io.Reader) *cursor {
	seek, _ := in.(io.Seeker)
	return &cursor{in: bufio.NewReaderSize(in, archiveBytes), seek: seek}
}

// from makes c continue at offset, from the start of a source that can seek.
func (c *cursor) from(offset int64) error {
	if _, err := c.seek.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	c.in.Reset(c.seek.(io.Reader))
	c.at = offset
	return nil
}

func (c *cursor) byte() (byte, error) {
	b, err := c.in.ReadByte()
	if err != nil {
		return 0, c.cut(err)
	}
	c.at++
	return b, nil
}

// skip passes over n bytes. Past the end of a source that can seek is where the
// next read fails.
func (c *cursor) skip(n int64) error {
	if c.seek != nil && n > int64(c.in.Buffered())+archiveBytes {
		return c.from(c.at + n)
	}
	for n > 0 {
		done, err := c.in.Discard(int(min(n, math.MaxInt32)))
		c.at, n = c.at+int64(done), n-int64(done)
		if err != nil {
			return c.cut(err)
		}
	}
	return nil
}

// end returns where a source that has just ended does: a seek may have gone further.
func (c *cursor) end() int64 {
	if c.seek == nil {
		return c.at
	}
	end, err := c.seek.Seek(0, io.SeekEnd)
	if err != nil || end > c.at {
		return c.at
	}
	c.at = end
	return end
}

// cut says where an archive ends too early.
func (c *cursor) cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return stream.Truncated("after %d bytes", c.end())
	}
	return err
}
