package dump

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// custom inspects what pg_dump -Fc writes. Where the archive says where its
// data is and in can seek, it looks at the table of contents, at the data that
// tells something, and at the end.
func (i *Info) custom(in io.Reader, size int64) error {
	a, err := readHead(in)
	if err != nil {
		return err
	}
	i.takeHead(a)
	if a.format != formatCustom {
		return fmt.Errorf("a custom archive of format %d", a.format)
	}
	var f facts
	toc, err := a.readTOC(&f)
	i.Odoo = toc.odoo
	if err != nil {
		return err
	}
	if toc.located && a.seek != nil {
		err = a.jump(toc, &f, size)
	} else {
		err = a.walk(toc, &f)
	}
	i.setModules(&f)
	return err
}

func (i *Info) takeHead(a *archive) {
	i.Compression, i.Database, i.PostgreSQL, i.PgDump = a.compression, a.database, a.postgreSQL, a.pgDump
}

// reader returns what reads the rows of an entry.
func (a *archive) reader(e dataEntry, f *facts) func(io.Reader) error {
	return func(in io.Reader) error { return readRows(in, a.compression, e.statement, f) }
}

// jump goes to the data that tells something, and then to the last.
func (a *archive) jump(toc contents, f *facts, size int64) error {
	end := a.at
	for _, e := range toc.wanted {
		if e.offset == 0 {
			continue // dumped without data
		}
		if err := a.blockAt(e.offset, func(id int) func(io.Reader) error {
			if id != e.id {
				return func(io.Reader) error { return fmt.Errorf("the data of table %d where that of %d should be", id, e.id) }
			}
			return a.reader(e, f)
		}); err != nil {
			return err
		}
	}
	if toc.data > 0 {
		if err := a.checkLast(toc.last.offset, size); err != nil {
			return err
		}
		end = a.at
	}
	if end != size {
		return fmt.Errorf("%d bytes after its end", size-end)
	}
	return nil
}

func (a *archive) blockAt(offset int64, open func(int) func(io.Reader) error) error {
	if err := a.from(offset); err != nil {
		return err
	}
	return a.readBlock(open)
}

// walk goes through all the data, block by block, to the file's end.
func (a *archive) walk(toc contents, f *facts) error {
	wanted := map[int]dataEntry{}
	for _, e := range toc.wanted {
		wanted[e.id] = e
	}
	for n := range toc.data {
		if _, err := a.in.Peek(1); errors.Is(err, io.EOF) {
			return truncated("after %d bytes, with the data of %d of its %d tables", a.at, n, toc.data)
		}
		if err := a.readBlock(func(id int) func(io.Reader) error {
			if e, ok := wanted[id]; ok {
				delete(wanted, id)
				return a.reader(e, f)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	for _, e := range wanted {
		if e.hasData {
			return fmt.Errorf("no data of table %d", e.id)
		}
	}
	if _, err := a.in.Peek(1); err == nil {
		return fmt.Errorf("something after its end, %d bytes in", a.at)
	} else if !errors.Is(err, io.EOF) {
		return a.cut(err)
	}
	return nil
}

// readRows reads the rows of one table, packed as the archive says.
func readRows(in io.Reader, compression, statement string, f *facts) error {
	packed := &counter{in: in}
	unpacked, done, err := unpack(packed, compression)
	if err != nil {
		return fmt.Errorf("unpacking a table: %w", err)
	}
	defer done()
	s := script{copying: true, rows: f.rowsOf(statement, schema)}
	err = s.read(&guard{in: unpacked, packed: func() int64 { return packed.n }})
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		f.unread = true // packed with more memory than is to be spent here
		return nil
	}
	if err != nil {
		return fmt.Errorf("unpacking a table: %w", err)
	}
	if s.copying {
		return truncated("in the data of a table")
	}
	return nil
}

// unpack returns a reader of what is packed in; done lets go of it.
func unpack(in io.Reader, compression string) (_ io.Reader, done func(), err error) {
	done = func() {}
	switch compression {
	case "gzip":
		in, err = zlib.NewReader(in)
	case "lz4":
		in = lz4.NewReader(in)
	case "zstd":
		var z *zstd.Decoder
		z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		if err == nil {
			in, done = z, z.Close
		}
	}
	return in, done, err
}

// The last block is gone through if it is not larger than maxWalk; of a larger
// one the end is looked at, through a window of endWindow.
const (
	maxWalk   = 32 << 20
	endWindow = 1 << 20
	endHops   = 3
)

// checkLast checks that the block at offset, the last one, reaches the end of the
// file.
func (a *archive) checkLast(offset, size int64) error {
	if offset >= size {
		return truncated("after %d bytes: its last table begins at %d", size, offset)
	}
	if size-offset <= maxWalk {
		return a.blockAt(offset, func(int) func(io.Reader) error { return nil })
	}
	if err := a.from(size - endWindow); err != nil {
		return err
	}
	window := make([]byte, endWindow)
	n, err := io.ReadFull(a.in, window)
	a.at += int64(n)
	if err != nil {
		return a.cut(err)
	}
	switch ends, sure := a.chainEnds(window); {
	case !ends:
		return truncated("in its last table, %d bytes after that begins", size-offset)
	case !sure:
		// Large rows or large objects: gone through, by seeking over large chunks.
		return a.blockAt(offset, func(int) func(io.Reader) error { return nil })
	}
	return nil
}

// chainEnds tells whether the window ends with an empty chunk, as all data does,
// and whether that is sure: some place in it is the begin of a chunk from which
// chunk follows chunk up to that last one. Three in a row do not occur by accident in any
// data: each says where the next one is.
func (a *archive) chainEnds(window []byte) (ends, sure bool) {
	number := 1 + a.intSize
	end := len(window) - number // where the empty chunk has to be
	if length, ok := a.chunkAt(window, end); !ok || length != 0 {
		return false, false
	}
	for start := range end {
		at, hops := start, 0
		for at < end {
			length, ok := a.chunkAt(window, at)
			if !ok || length == 0 {
				break
			}
			at += number + length
			hops++
		}
		if at == end && hops >= endHops {
			return true, true
		}
	}
	return true, false
}

// chunkAt reads the length of a chunk at a place of b.
func (a *archive) chunkAt(b []byte, at int) (length int, ok bool) {
	if at+1+a.intSize > len(b) || b[at] != 0 {
		return 0, false
	}
	for i := a.intSize - 1; i >= 0; i-- {
		length = length<<8 | int(b[at+1+i])
		if length > maxChunk {
			return 0, false
		}
	}
	return length, true
}
