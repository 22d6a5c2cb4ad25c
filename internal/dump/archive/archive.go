// Package archive reads what pg_dump writes in its own formats: one file (-Fc), a tar (-Ft), and a
// folder (-Fd). The format is that of PostgreSQL's pg_backup_archiver.c, archive versions 1.12 to
// 1.16, which are those of PostgreSQL 9.0 to 18.
//
// Custom, Folder, and NewTar with its methods Next and Read each read one to its end, and call a
// script.Sink for what they find. Each returns the Head, what the archive says about itself, even
// with an error. An error is a *stream.TruncatedError that says where the archive breaks off, a
// *stream.Refusal, an *UnknownVersionError, an error of reading, or says what is corrupt.
//
// An archive is a stranger's: lengths, counts and ratios are bounded before memory is taken for
// them, and a name is never opened that pg_dump does not write.
package archive

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"odoo-upgrade-action/internal/dump/script"
)

// Bounds of what an archive of pg_dump may claim about itself.
const (
	maxText      = 64 << 20  // of one string: a view or a function can be long
	maxLabel     = 1 << 10   // of a name, a version or a kind of entry
	maxEntries   = 1_000_000 // pg_restore takes half a KiB of memory for each
	maxDepends   = 1_000_000
	maxChunk     = 1 << 30
	maxTag       = 256 << 10 // of what an entry is about: a function has its arguments' types in it
	maxCopyText  = 1 << 20   // of COPY, with the names of all columns
	archiveBytes = 64 << 10
)

// archive is the head of what pg_dump -Fc writes, and toc.dat of -Ft and -Fd
// (PostgreSQL, pg_backup_archiver.c).
type archive struct {
	*cursor
	version    int // 112 for 1.12
	intSize    int
	offsetSize int
	format     byte
	folder     bool // it is toc.dat of a folder, not of a tar

	Head
	entries int
	sink    script.Sink
	walk    *Walk // nil where the rows of most tables are not wanted
}

// Walk asks for the rows of all tables, of several at a time where the archive says where they
// are.
type Walk struct {
	At    io.ReaderAt             // the archive, nil in a stream
	First func(script.Table) bool // tables to read before all others
}

// InStream returns what w is inside of something that is read as a stream.
func (w *Walk) InStream() *Walk {
	if w == nil {
		return nil
	}
	return &Walk{First: w.First}
}

// queues returns the entries to read first, and the others.
func (w *Walk) queues(wanted []dataEntry) [][]dataEntry {
	queues := make([][]dataEntry, 2)
	for _, e := range wanted {
		n := 1
		if w.First != nil && w.First(e.copied.Table) {
			n = 0
		}
		queues[n] = append(queues[n], e)
	}
	return queues
}

// each calls read for all entries that are wanted, of which several are read at a time, the largest
// first. One that has more than half of all data is decompressed ahead of its parser: nothing else
// keeps the other processors busy.
func (w *Walk) each(wanted []dataEntry, read func(dataEntry) error) error {
	total := int64(0)
	for _, e := range wanted {
		total += e.size
	}
	for n := range wanted {
		wanted[n].ahead = wanted[n].size > total/2
	}
	slices.SortStableFunc(wanted, func(a, b dataEntry) int { return cmp.Compare(b.size, a.size) })
	for _, queue := range w.queues(wanted) {
		var group errgroup.Group
		group.SetLimit(runtime.GOMAXPROCS(0))
		for _, e := range queue {
			group.Go(func() error { return read(e) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// Head is what an archive says about itself.
type Head struct {
	Compression string // of the data: none, gzip, lz4 or zstd
	Database    string // its name
	PostgreSQL  string // version of the server
	PgDump      string // version of pg_dump
}

// The format byte.
const (
	formatCustom = 1
	formatTar    = 3 // of directories as well
)

// The archive versions that are known: PostgreSQL 9.0 to 18, of which the last three write 1.16.
const (
	oldestVersion = 112
	newestVersion = 116
)

// UnknownVersionError says that an archive is of a pg_dump that is too old or too
// new to be inspected. It may be a good one.
type UnknownVersionError struct{ major, minor byte }

func (e *UnknownVersionError) Error() string {
	return fmt.Sprintf("its archive version, %d.%d, is not known", e.major, e.minor)
}

// IsOld reports whether it is older than those that are known.
func (e *UnknownVersionError) IsOld() bool { return int(e.major)*100+int(e.minor) < oldestVersion }

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
		return nil, &UnknownVersionError{head[5], head[6]}
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
	for _, text := range []*string{&a.Database, &a.PostgreSQL, &a.PgDump} {
		value, err := a.text(maxLabel)
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
		a.Compression = "gzip"
		if level == 0 {
			a.Compression = "none"
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
	a.Compression = names[algorithm]
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

// text reads a string of most bytes at most; NULL is empty. A longer one is an error: to a
// check that took it for an empty one, it would say what it does not say to pg_restore.
func (a *archive) text(most int) (string, error) {
	text, _, err := a.nullable(most)
	return text, err
}

// skipText reads a string that is not needed, and reports whether it is NULL.
func (a *archive) skipText() (null bool, err error) { return a.scanText(func([]byte) {}) }

// scanText passes a string on in pieces, and reports whether it is NULL.
func (a *archive) scanText(pass func(piece []byte)) (null bool, err error) {
	length, err := a.length(maxText)
	if err != nil || length < 0 {
		return true, err
	}
	for length > 0 {
		part, err := a.in.Peek(min(length, archiveBytes))
		if len(part) == 0 {
			return false, a.cut(err)
		}
		if bytes.IndexByte(part, 0) >= 0 {
			return false, errZeroInText
		}
		pass(part)
		n, _ := a.in.Discard(len(part))
		a.at, length = a.at+int64(n), length-n
	}
	return false, nil
}

// errZeroInText says that a text has a byte 0: programs written in C end a text there, and
// would read another one than this package does.
var errZeroInText = errors.New("a text with a zero byte in its table of contents")

func (a *archive) nullable(most int) (text string, null bool, err error) {
	length, err := a.length(most)
	if err != nil || length < 0 {
		return "", true, err
	}
	content := make([]byte, length)
	n, err := io.ReadFull(a.in, content)
	a.at += int64(n)
	if err != nil {
		return "", false, a.cut(err)
	}
	if bytes.IndexByte(content, 0) >= 0 {
		return "", false, errZeroInText
	}
	return string(content), false, nil
}

// length reads the length of a string, -1 of NULL.
func (a *archive) length(most int) (int, error) {
	length, err := a.int()
	if err == nil && length > most {
		err = fmt.Errorf("a text of %d bytes after %d bytes, where pg_dump writes %d at most", length, a.at, most)
	}
	return length, err
}
