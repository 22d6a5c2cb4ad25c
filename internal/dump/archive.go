package dump

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
)

// Bounds of what an archive of pg_dump may claim about itself.
const (
	maxText      = 64 << 20 // of one string: a view or a function can be long
	maxEntries   = 10_000_000
	maxDepends   = 1_000_000
	maxChunk     = 1 << 30
	maxKeptText  = maxRow // of a string that is looked at
	archiveBytes = 64 << 10
	wantedTables = 2 // whose rows are read, once each
)

// cursor reads an archive forward. Where its source can seek, it seeks over
// what nobody wants.
type cursor struct {
	in   *bufio.Reader
	seek io.Seeker // nil for a stream
	at   int64     // bytes read or passed over
}

func newCursor(in io.Reader) *cursor {
	seek, _ := in.(io.Seeker)
	return &cursor{in: bufio.NewReaderSize(in, archiveBytes), seek: seek}
}

// from makes c go on at offset, from the start of a source that can seek.
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

// cut says where an archive ends that should go on.
func (c *cursor) cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return truncated("after %d bytes", c.at)
	}
	return err
}

// archive is the head of what pg_dump -Fc writes, and toc.dat of -Ft and -Fd
// (PostgreSQL, pg_backup_archiver.c).
type archive struct {
	*cursor
	version    int // 112 for 1.12
	intSize    int
	offsetSize int
	format     byte

	compression string
	database    string
	postgreSQL  string
	pgDump      string
	entries     int
}

// The format byte.
const (
	formatCustom = 1
	formatTar    = 3 // of directories as well
)

// The archive versions that are known: PostgreSQL 9.0 to 17.
const (
	oldestVersion = 112
	newestVersion = 116
)

// unknownVersionError says that an archive is of a pg_dump that is too old or too
// new to be looked into. It may be a good one.
type unknownVersionError struct{ major, minor byte }

func (e *unknownVersionError) Error() string {
	return fmt.Sprintf("its archive version, %d.%d, is not known", e.major, e.minor)
}

// dataEntry is an entry of the table of contents that has rows and a table that
// tells something, or the last one that has data at all.
type dataEntry struct {
	id        int
	statement string // COPY
	file      string // of a tar's or a directory's data
	hasData   bool
	offset    int64 // of a custom archive's data, 0 where the archive does not say
}

// readHead reads all before the table of contents.
func readHead(in io.Reader) (*archive, error) {
	a := &archive{cursor: newCursor(in)}
	var head [11]byte // PGDMP, major, minor, revision, int size, offset size, format
	for i := range head {
		b, err := a.byte()
		if err != nil {
			return nil, err
		}
		head[i] = b
	}
	a.version, a.intSize, a.offsetSize, a.format = int(head[5])*100+int(head[6]), int(head[8]), int(head[9]), head[10]
	switch {
	case string(head[:5]) != "PGDMP":
		return nil, errors.New("its table of contents is none of pg_dump's")
	case head[5] != 1 || head[6] > 30: // no pg_dump ever was or soon will be that
		return nil, fmt.Errorf("an archive version of %d.%d", head[5], head[6])
	case a.version < oldestVersion || a.version > newestVersion:
		return nil, &unknownVersionError{head[5], head[6]}
	case a.intSize != 4 && a.intSize != 8 || a.offsetSize < 4 || a.offsetSize > 8:
		return nil, fmt.Errorf("integers of %d and offsets of %d bytes", a.intSize, a.offsetSize)
	case a.format != formatCustom && a.format != formatTar:
		return nil, fmt.Errorf("format %d is not known", a.format)
	}
	return a, a.readRest()
}

func (a *archive) readRest() error {
	if err := a.readCompression(); err != nil {
		return err
	}
	for range 7 { // the time of the dump
		if _, err := a.int(); err != nil {
			return err
		}
	}
	for _, text := range []*string{&a.database, &a.postgreSQL, &a.pgDump} {
		value, err := a.text(200)
		if err != nil {
			return err
		}
		*text = value
	}
	entries, err := a.int()
	if err == nil && (entries < 0 || entries > maxEntries) {
		err = fmt.Errorf("a table of contents of %d entries", entries)
	}
	a.entries = entries
	return err
}

// readCompression reads the level or, since archive version 1.15, the algorithm.
func (a *archive) readCompression() error {
	if a.version < 115 {
		level, err := a.int()
		a.compression = "gzip"
		if level == 0 {
			a.compression = "none"
		}
		return err
	}
	algorithm, err := a.byte()
	if err != nil {
		return err
	}
	names := []string{"none", "gzip", "lz4", "zstd"}
	if int(algorithm) >= len(names) {
		return fmt.Errorf("compression %d is not known", algorithm)
	}
	a.compression = names[algorithm]
	return nil
}

// int reads a sign byte and intSize bytes, the lowest first.
func (a *archive) int() (int, error) {
	sign, err := a.byte()
	if err != nil {
		return 0, err
	}
	value, err := a.uint(a.intSize)
	if err != nil {
		return 0, err
	}
	if value > math.MaxInt32 || sign > 1 {
		return 0, fmt.Errorf("a number of %d with sign %d after %d bytes", value, sign, a.at)
	}
	if sign == 1 {
		return -int(value), nil
	}
	return int(value), nil
}

func (a *archive) uint(size int) (uint64, error) {
	var value uint64
	for i := range size {
		b, err := a.byte()
		if err != nil {
			return 0, err
		}
		value |= uint64(b) << (8 * i)
	}
	return value, nil
}

// text reads a string, but keeps nothing of one that is longer than keep. NULL
// is empty.
func (a *archive) text(keep int) (string, error) {
	text, _, err := a.nullable(keep)
	return text, err
}

func (a *archive) nullable(keep int) (text string, null bool, err error) {
	length, err := a.int()
	if err != nil || length < 0 {
		return "", true, err
	}
	if length > maxText {
		return "", false, fmt.Errorf("a text of %d bytes after %d bytes", length, a.at)
	}
	if length > keep {
		return "", false, a.skip(int64(length))
	}
	bytes := make([]byte, length)
	n, err := io.ReadFull(a.in, bytes)
	a.at += int64(n)
	if err != nil {
		return "", false, a.cut(err)
	}
	return string(bytes), false, nil
}

// contents is what matters of a table of contents.
type contents struct {
	wanted  []dataEntry // with rows that tell something
	last    dataEntry   // whose data lies last
	data    int         // entries with data
	located bool        // every one of them says where its data is
	odoo    bool        // Odoo's table of modules is there
}

// readTOC reads the table of contents, which is read through once.
func (a *archive) readTOC(f *facts) (contents, error) {
	c := contents{located: true}
	for range a.entries {
		if err := a.readEntry(&c, f); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (a *archive) readEntry(c *contents, f *facts) error {
	var e dataEntry
	var hadDumper int
	var tag, desc, namespace string
	var err error
	number := func(into *int) {
		if err == nil {
			var n int
			if n, err = a.int(); into != nil {
				*into = n
			}
		}
	}
	text := func(into *string, keep int) {
		if err == nil {
			var s string
			if s, err = a.text(keep); into != nil {
				*into = s
			}
		}
	}
	number(&e.id)
	number(&hadDumper)
	text(nil, 0) // tableoid
	text(nil, 0) // oid
	text(&tag, 200)
	text(&desc, 200)
	number(nil)  // section
	text(nil, 0) // definition
	text(nil, 0) // drop statement
	text(&e.statement, maxKeptText)
	text(&namespace, 200)
	text(nil, 0) // tablespace
	if a.version >= 114 {
		text(nil, 0) // table access method
	}
	if a.version >= 116 {
		number(nil) // relkind
	}
	text(nil, 0) // owner
	text(nil, 0) // with oids
	if err == nil {
		err = a.skipDepends()
	}
	if err == nil {
		err = a.readPlace(c, &e, hadDumper != 0)
	}
	if err != nil {
		return err
	}
	if desc == "TABLE" && namespace == schema && tag == moduleTable {
		c.odoo = true
	}
	if hadDumper != 0 && f.rowsOf(e.statement, namespace) != nil {
		c.wanted = append(c.wanted, e)
		if len(c.wanted) > wantedTables {
			return errors.New("the same table again and again")
		}
	}
	return nil
}

// skipDepends reads the entry's dependencies, which end with NULL.
func (a *archive) skipDepends() error {
	for range maxDepends {
		_, null, err := a.nullable(0)
		if err != nil || null {
			return err
		}
	}
	return fmt.Errorf("an entry with more than %d dependencies", maxDepends)
}

// The flag before an offset (K_OFFSET_… in pg_backup_archiver.h).
const (
	offsetUnset = 1 // the archive was written to a pipe
	offsetSet   = 2
	offsetNone  = 3 // there is no data
)

// readPlace reads where the entry's data is.
func (a *archive) readPlace(c *contents, e *dataEntry, hasData bool) error {
	if a.format != formatCustom {
		file, err := a.text(200)
		e.file = file
		if hasData && file != "" {
			c.data++
		}
		return err
	}
	flag, err := a.byte()
	if err != nil {
		return err
	}
	offset, err := a.uint(a.offsetSize)
	if err != nil {
		return err
	}
	if flag < offsetUnset || flag > offsetNone {
		return fmt.Errorf("flag %d before an offset", flag)
	}
	if !hasData || flag == offsetNone {
		return nil
	}
	c.data++
	e.hasData = true
	if flag == offsetUnset {
		c.located = false
		return nil
	}
	if offset > math.MaxInt64/2 {
		return fmt.Errorf("data at offset %d", offset)
	}
	e.offset = int64(offset)
	if e.offset >= c.last.offset {
		c.last = *e
		c.last.statement = ""
	}
	return nil
}

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

// skipBlobs passes over large objects, each an oid and chunks, until oid 0.
func (a *archive) skipBlobs() error {
	for {
		oid, err := a.int()
		if err != nil || oid == 0 {
			return err
		}
		if err := (&chunks{archive: a}).skipRest(); err != nil {
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

// skipRest passes over what nobody has read.
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
