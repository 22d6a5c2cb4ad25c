package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"odoo-upgrade-action/internal/dump/stream"
)

// How the rows of COPY end, and those of INSERT, of which an empty table has the end alone.
const (
	copyEnd   = "\\.\n\n\n"
	insertEnd = ";\n\n\n"
	emptyEnd  = "\n\n"
)

// rowsCheck is a writer that checks rows which are not read: they have no zero bytes, which a
// crash or a broken copy leaves, and an end.
type rowsCheck struct {
	last  [len(copyEnd)]byte
	size  int64
	zeros bool
}

func (c *rowsCheck) Write(b []byte) (int, error) {
	c.zeros = c.zeros || bytes.IndexByte(b, 0) >= 0
	c.size += int64(len(b))
	if n := len(b); n >= len(c.last) {
		copy(c.last[:], b[n-len(c.last):])
	} else {
		copy(c.last[:], c.last[n:])
		copy(c.last[len(c.last)-n:], b)
	}
	return len(b), nil
}

// err returns what is wrong with the rows.
func (c *rowsCheck) err() error {
	end := string(c.last[:])
	switch {
	case c.zeros:
		return errors.New("zero bytes in the data of a table")
	case end == copyEnd, strings.HasSuffix(end, insertEnd), c.size == int64(len(emptyEnd)) && strings.HasSuffix(end, emptyEnd):
		return nil
	}
	return stream.Truncated("in the data of a table")
}

// verify reads the data of a table to its end, compressed as the archive says, and checks it.
func verify(in io.Reader, compression string) error {
	var rows rowsCheck
	if err := decompressTo(&rows, in, compression); err != nil {
		return err
	}
	return rows.err()
}

// decompressTo decompresses to out. What was compressed with too much memory is passed over.
func decompressTo(out io.Writer, in io.Reader, compression string) error {
	compressed := &stream.Counter{In: in}
	plain, done, err := decompress(compressed, compression)
	if err == nil {
		defer done()
		_, err = io.CopyBuffer(struct{ io.Writer }{out}, &stream.Guard{In: plain, From: compressed}, make([]byte, 64<<10))
	}
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		_, err = io.Copy(io.Discard, in)
		return errors.Join(errUnread, err)
	}
	if err != nil {
		return fmt.Errorf("decompressing a table: %w", err)
	}
	return nil
}

// errUnread says that data was not read, because that takes too much memory.
var errUnread = errors.New("compressed with too much memory")
