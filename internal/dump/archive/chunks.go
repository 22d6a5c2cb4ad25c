package archive

import (
	"errors"
	"fmt"
	"io"
)

// The type byte before an entry's data.
const (
	blockData  = 1
	blockBlobs = 3
)

// readBlock reads the data of one entry, which begins here: it returns the
// entry's id, and hands the chunks to the reader that open returns for it, or
// passes over them where that is nil.
func (a *archive) readBlock(open func(id int) func(io.Reader) error) error {
	kind, err := a.byte()
	if err != nil {
		return err
	}
	id, err := a.int()
	if err != nil {
		return err
	}
	switch kind {
	case blockData:
		chunks := &chunks{archive: a}
		if read := open(id); read != nil {
			if err := read(chunks); err != nil {
				return err
			}
		}
		return chunks.skipRest()
	case blockBlobs:
		return a.skipBlobs()
	}
	return fmt.Errorf("a block of type %d after %d bytes", kind, a.at)
}

// skipBlobs passes over large objects, each an oid and chunks, until oid 0. Where nothing can be
// skipped without reading it, they are decompressed.
func (a *archive) skipBlobs() error {
	for {
		oid, err := a.int()
		if err != nil || oid == 0 {
			return err
		}
		blob := &chunks{archive: a}
		if err := blob.next(); err != nil {
			return err
		}
		if a.seek == nil && !blob.over {
			if err := decompressTo(io.Discard, blob, a.Compression); err != nil && !errors.Is(err, errUnread) {
				return err
			}
		}
		if err := blob.skipRest(); err != nil {
			return err
		}
	}
}

// chunks is an entry's data: chunks of a length and as many bytes, until 0.
type chunks struct {
	*archive
	left int // of the chunk at hand
	over bool
}

// next begins the next chunk, unless there is some of this one left.
func (c *chunks) next() error {
	if c.left > 0 || c.over {
		return nil
	}
	length, err := c.int()
	if err != nil {
		return err
	}
	if length < 0 || length > maxChunk {
		return fmt.Errorf("a chunk of %d bytes after %d bytes", length, c.at)
	}
	c.left, c.over = length, length == 0
	return nil
}

// Read implements io.Reader over the chunks' bytes.
func (c *chunks) Read(p []byte) (int, error) {
	if err := c.next(); err != nil {
		return 0, err
	}
	if c.over {
		return 0, io.EOF
	}
	n, err := c.in.Read(p[:min(len(p), c.left)])
	c.at += int64(n)
	c.left -= n
	if err != nil {
		err = c.cut(err)
	}
	return n, err
}

// skipRest skips what was not read.
func (c *chunks) skipRest() error {
	for {
		if err := c.next(); err != nil || c.over {
			return err
		}
		if err := c.skip(int64(c.left)); err != nil {
			return err
		}
		c.left = 0
	}
}
