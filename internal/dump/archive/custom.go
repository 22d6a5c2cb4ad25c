package archive

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Custom reads what pg_dump -Fc writes, of size bytes, -1 in a stream of unknown length, and
// returns what it says about itself and how many bytes are after its end. Where the archive says
// where its data is and in can seek, only the table of contents, the data that sink wants, and
// the end are read. With a walk, which may be nil, it is the data of all tables.
func Custom(in io.Reader, size int64, walk *Walk, sink script.Sink) (head Head, after int64, err error) {
	a, err := readHead(in)
	if err != nil {
		return head, 0, err
	}
	a.walk = walk
	if a.format != formatCustom {
		return a.Head, 0, fmt.Errorf("a custom archive of format %d", a.format)
	}
	toc, err := a.readTOC(sink)
	if err != nil {
		return a.Head, 0, err
	}
	if toc.located && walk != nil && walk.At != nil {
		return a.Head, 0, a.missing(a.readAll(toc, size), toc)
	}
	if toc.located && a.seek != nil {
		end, err := a.jump(toc, size)
		if err == nil && end < size && toc.data > 0 { // it may not be the end, but zeros in the place of a chunk's length
			err = a.blockAt(toc.last.offset, a.check)
		}
		return a.Head, size - end, a.missing(err, toc)
	}
	after, err = a.through(toc)
	return a.Head, after, a.missing(err, toc)
}

// missing adds to the error of a truncated archive how much of it is missing, where the
// table of contents tells: the last table's data begins there.
func (a *archive) missing(err error, toc contents) error {
	cut, ok := errors.AsType[*stream.TruncatedError](err)
	if !ok || !toc.located || toc.last.offset < a.at {
		return err
	}
	return stream.Truncated("%s: at least %d bytes are missing", cut.Where, toc.last.offset-a.at+1)
}

// reader returns what reads the rows of an entry.
func (a *archive) reader(e dataEntry) func(io.Reader) error {
	return func(in io.Reader) error { return a.readRows(in, a.Compression, e) }
}

// check returns what checks the rows of an entry that are not read.
func (a *archive) check(int) func(io.Reader) error {
	return func(in io.Reader) error {
		if err := verify(in, a.Compression); !errors.Is(err, errUnread) {
			return err
		}
		return nil
	}
}

// jump goes to the data that is wanted, and then to the last. It returns where
// the archive ends.
func (a *archive) jump(toc contents, size int64) (int64, error) {
	if toc.last.offset >= size {
		a.at = size
		return 0, stream.Truncated("after %d bytes", size)
	}
	tocEnd := a.at
	for _, e := range toc.wanted {
		if e.offset == 0 {
			continue // dumped without data
		}
		if err := a.entryAt(e); err != nil {
			return 0, err
		}
	}
	if toc.data == 0 {
		return tocEnd, nil
	}
	err := a.checkLast(toc.last.offset, size)
	return a.at, err
}

var cursors = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, archiveBytes) }}

// readAll reads the data that is wanted, of several tables at a time.
func (a *archive) readAll(toc contents, size int64) error {
	byOffset := slices.SortedFunc(slices.Values(toc.wanted), func(a, b dataEntry) int { return cmp.Compare(a.offset, b.offset) })
	for n, e := range byOffset {
		end := size
		if n+1 < len(byOffset) {
			end = byOffset[n+1].offset
		}
		byOffset[n].size = max(0, end-e.offset)
	}
	toc.wanted = byOffset
	return a.walk.each(toc.wanted, func(e dataEntry) error {
		if e.offset == 0 {
			return nil // dumped without data
		}
		in := io.NewSectionReader(a.walk.At, 0, size)
		one := *a
		buffered := cursors.Get().(*bufio.Reader)
		defer cursors.Put(buffered)
		buffered.Reset(in)
		one.cursor = &cursor{in: buffered, seek: in}
		return one.entryAt(e)
	})
}

func (a *archive) entryAt(e dataEntry) error {
	return a.blockAt(e.offset, func(id int) func(io.Reader) error {
		if id != e.id {
			return func(io.Reader) error { return fmt.Errorf("the data of table %d where that of %d should be", id, e.id) }
		}
		return a.reader(e)
	})
}

func (a *archive) blockAt(offset int64, open func(int) func(io.Reader) error) error {
	if err := a.from(offset); err != nil {
		return err
	}
	return a.readBlock(open)
}

// through goes through all the data, block by block, and checks what is not wanted. It returns how many bytes there are
// after the archive's end.
func (a *archive) through(toc contents) (after int64, err error) {
	wanted := map[int]dataEntry{}
	for _, e := range toc.wanted {
		e.ahead = a.walk != nil
		wanted[e.id] = e
	}
	for n := range toc.data {
		if _, err := a.in.Peek(1); errors.Is(err, io.EOF) {
			return 0, stream.Truncated("after %d bytes, with the data of %d of its %d tables", a.at, n, toc.data)
		}
		if err := a.readBlock(func(id int) func(io.Reader) error {
			if e, ok := wanted[id]; ok {
				delete(wanted, id)
				return a.reader(e)
			}
			return a.check(id)
		}); err != nil {
			return 0, err
		}
	}
	for _, e := range wanted {
		if e.hasData {
			return 0, fmt.Errorf("no data of table %d", e.id)
		}
	}
	return io.Copy(io.Discard, struct{ io.Reader }{a.in})
}

// readRows reads the rows of one table, compressed as the archive says. Where that takes more
// memory than is to be spent here, the sink is told so.
func (a *archive) readRows(in io.Reader, compression string, e dataEntry) error {
	compressed := &stream.Counter{In: in}
	plain, done, err := decompress(compressed, compression)
	if err != nil {
		return fmt.Errorf("decompressing a table: %w", err)
	}
	defer done()
	guarded := &decompressing{&stream.Guard{In: plain, From: compressed}, nil}
	rows := io.Reader(guarded)
	if e.ahead {
		ahead := stream.Ahead(guarded)
		defer ahead.Close()
		rows = ahead
	}
	if e.rows != nil {
		err = script.ReadRows(rows, e.copied, e.rows)
	} else {
		err = script.ReadInserts(rows, e.copied.Table, e.columns, a.sink)
	}
	if errors.Is(guarded.err, zstd.ErrWindowSizeExceeded) {
		a.sink.Unread(e.copied.Table)
		return nil
	}
	if guarded.err != nil {
		return fmt.Errorf("decompressing a table: %w", guarded.err)
	}
	return err
}

// decompressing keeps the error of what is decompressed.
type decompressing struct {
	in  io.Reader
	err error
}

func (d *decompressing) Read(b []byte) (int, error) {
	n, err := d.in.Read(b)
	if err != io.EOF {
		d.err = err
	}
	return n, err
}

// inflaters are used again: each takes some 40 KiB, and an archive has hundreds of small tables.
var inflaters sync.Pool

// decompress returns a reader of what is compressed in; done releases it.
func decompress(in io.Reader, compression string) (_ io.Reader, done func(), err error) {
	done = func() {}
	switch compression {
	case "gzip":
		if pooled, ok := inflaters.Get().(io.ReadCloser); ok {
			err = pooled.(zlib.Resetter).Reset(in, nil)
			return pooled, func() { inflaters.Put(pooled) }, err
		}
		var z io.ReadCloser
		if z, err = zlib.NewReader(in); err == nil {
			in, done = z, func() { inflaters.Put(z) }
		}
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
// one the end is read, a window of endWindow.
const (
	maxWalk   = 32 << 20
	endWindow = 1 << 20
	endHops   = 3
)

// checkLast checks that the block at offset, the last one, reaches the end of the
// file.
func (a *archive) checkLast(offset, size int64) error {
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
	if a.chainEnds(window) {
		return nil
	}
	// It is truncated, there is something after its end, or it has large rows or large
	// objects: read through, by seeking over large chunks.
	return a.blockAt(offset, func(int) func(io.Reader) error { return nil })
}

// chainEnds reports whether the window surely ends with an empty chunk, as all
// data does: some place in it is the begin of a chunk from which chunk follows chunk up
// to that last one. Three in a row do not occur by accident in any data: each says where
// the next one is.
func (a *archive) chainEnds(window []byte) bool {
	number := 1 + a.intSize
	end := len(window) - number // where the empty chunk has to be
	if length, ok := a.chunkAt(window, end); !ok || length != 0 {
		return false
	}
	hops := make([]uint8, end+1) // from each place to the last chunk, 0 where it is not reached
	for at := end - 1; at >= 0; at-- {
		length, ok := a.chunkAt(window, at)
		next := at + number + length
		if !ok || length == 0 || next > end || next < end && hops[next] == 0 {
			continue
		}
		if hops[at] = hops[next] + 1; hops[at] >= endHops {
			return true
		}
	}
	return false
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
