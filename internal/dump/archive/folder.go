package archive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
)

// folder is what pg_dump -Fd writes: toc.dat, and a file for each table.
type folder struct {
	*archive
	ctx   context.Context
	path  string
	names names
	blobs map[string]bool // files of large objects that a list names

	mu      sync.Mutex
	digests map[string]string // SHA-256 of the files that were read, nil if they are not wanted
}

// names are those of a folder's files.
type names map[string]bool

// compressions are the endings that a file of data may have, in the order in which
// pg_restore tries them.
var compressions = []string{"", ".gz", ".lz4", ".zst"}

// data returns the one file that pg_restore would read for a name in toc.dat. Of two,
// versions of it choose in different ways.
func (n names) data(name string) (string, error) {
	bare, found := strings.TrimSuffix(name, ".gz"), ""
	for _, ending := range compressions {
		switch {
		case !n[bare+ending]:
		case found != "":
			return "", fmt.Errorf("%s and %s, of which only one can be the data", found, bare+ending)
		default:
			found = bare + ending
		}
	}
	if found == "" {
		return "", stream.Truncated("without %s, one of the files that its toc.dat names", name)
	}
	return found, nil
}

// checkBlobs checks every list of large objects that is here, whether toc.dat names it or
// not, and that the files in it are.
func (f *folder) checkBlobs() error {
	for _, name := range slices.Sorted(maps.Keys(f.names)) {
		if !strings.HasPrefix(name, "blobs") {
			continue
		}
		if strings.Contains(name, ".toc.") { // pg_dump never compresses them, and pg_restore would read them
			return fmt.Errorf("%.60q, a list of large objects that is compressed", name)
		}
		if filepath.Ext(name) != ".toc" {
			continue
		}
		if err := f.listedBlobs(name); err != nil {
			return err
		}
	}
	return nil
}

// listedBlob is a line of such a list: programs that restore open the file that it names,
// wherever that is, and separate the two in ways of their own.
var listedBlob = regexp.MustCompile(`^[0-9]{1,10} blob_[0-9]{1,10}\.dat$`)

// listedBlobs returns an error if a file of large objects is not here that a list names.
func (f *folder) listedBlobs(list string) error {
	file, err := f.open(list)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(struct{ io.Reader }{file})
	for lines.Scan() {
		if !listedBlob.MatchString(lines.Text()) {
			return fmt.Errorf("in %s a line that pg_dump does not write: %.60q", list, lines.Text())
		}
		_, name, _ := strings.Cut(lines.Text(), " ")
		found, err := f.names.data(name)
		if err != nil {
			return stream.Truncated("without %.100q, the file of a large object", name)
		}
		f.blobs[found] = true
	}
	return lines.Err()
}

// checkFiles checks files, several at a time: what takes long is to decompress them.
func (f *folder) checkFiles(files []string) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, name := range files {
		group.Go(func() error {
			if f.digests == nil {
				return f.checkFile(name, nil)
			}
			digest := sha256.New()
			err := f.checkFile(name, digest)
			if err != nil {
				return err
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.digests[name] = hex.EncodeToString(digest.Sum(nil))
			return nil
		})
	}
	return group.Wait()
}

// Folder reads what pg_dump -Fd writes to a folder: its table of contents, and all data to its end.
// names are those of its files. digests, unless nil, gets the SHA-256 of the files with data, in
// hexadecimal, by their names. With a walk, which may be nil, only the rows are read, of all tables.
func Folder(ctx context.Context, path string, names map[string]bool, digests map[string]string, walk *Walk, sink script.Sink) (Head, error) {
	f := &folder{ctx: ctx, path: path, names: names, blobs: map[string]bool{}, digests: digests}
	if err := f.checkBlobs(); err != nil { // first: they are read whatever toc.dat is
		return Head{}, err
	}
	toc, err := f.open(TOC)
	if err != nil {
		return Head{}, err
	}
	defer toc.Close()
	f.archive, err = readHead(struct{ io.Reader }{toc})
	if version, ok := errors.AsType[*UnknownVersionError](err); ok && version.IsOld() {
		return Head{}, fmt.Errorf("%v in a folder", version) // which no pg_dump wrote: it is to get around the checks
	}
	if err != nil {
		return Head{}, err
	}
	return f.Head, f.read(walk, sink)
}

func (f *folder) open(name string) (*stream.Source, error) {
	file, err := os.Open(filepath.Join(f.path, name))
	if err != nil {
		return nil, err
	}
	return &stream.Source{File: file, Ctx: f.ctx}, nil
}

// read reads all behind the head.
func (f *folder) read(walk *Walk, sink script.Sink) error {
	f.archive.folder, f.archive.walk = true, walk
	if f.format != formatTar { // which is what -Fd writes, too
		return fmt.Errorf("a folder of format %d", f.format)
	}
	contents, err := f.readTOC(sink)
	if err != nil {
		return err
	}
	var files []string
	for _, e := range contents.files {
		if listName.MatchString(e) {
			if !f.names[e] {
				return stream.Truncated("without %s, the list of its large objects", e)
			}
			continue
		}
		name, err := f.names.data(e)
		if err != nil {
			return err
		}
		files = append(files, name)
	}
	for name := range f.names {
		if strings.HasPrefix(name, "blob_") && !f.blobs[name] {
			return fmt.Errorf("%.60q, a large object that no list names", name)
		}
	}
	if walk != nil {
		return walk.each(f.measured(contents.wanted), f.table)
	}
	if err := f.checkFiles(slices.AppendSeq(files, maps.Keys(f.blobs))); err != nil {
		return err
	}
	for _, e := range contents.wanted {
		if err := f.table(e); err != nil {
			return err
		}
	}
	return nil
}

// measured fills in the sizes of entries.
func (f *folder) measured(wanted []dataEntry) []dataEntry {
	for n, e := range wanted {
		name, err := f.names.data(e.file)
		if err != nil {
			continue // which reading it says
		}
		if info, err := os.Stat(filepath.Join(f.path, name)); err == nil {
			wanted[n].size = info.Size()
		}
	}
	return wanted
}

// checkFile reads the file of a table, or of a large object, to its end. Its bytes go to digest,
// too, unless that is nil.
func (f *folder) checkFile(name string, digest hash.Hash) error {
	file, err := f.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	var in io.Reader = struct{ io.Reader }{file}
	if digest != nil {
		in = io.TeeReader(in, digest)
	}
	var rows rowsCheck
	after, err := readFile(&rows, in, name)
	switch {
	case f.ctx.Err() != nil:
		return context.Cause(f.ctx)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return stream.Truncated("in %s", name)
	case errors.Is(err, zstd.ErrWindowSizeExceeded): // compressed with more memory than is to be spent here
		_, err := io.Copy(io.Discard, in)
		return err
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case after > 0:
		return fmt.Errorf("%s: %d bytes after its end", name, after)
	case strings.HasPrefix(name, "blob_"): // whose content may be anything
		return nil
	}
	if err := rows.err(); errors.As(err, new(*stream.TruncatedError)) {
		return stream.Truncated("in %s", name)
	} else if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readFile decompresses a file to out, and returns how many bytes are after its end.
func readFile(out io.Writer, in io.Reader, name string) (after int64, err error) {
	buffered := bufio.NewReader(in)
	if _, err := buffered.Peek(1); err != nil {
		if isEmptyBlob := strings.HasPrefix(name, "blob_") && filepath.Ext(name) == ".dat"; isEmptyBlob && err == io.EOF {
			return 0, nil
		}
		return 0, err
	}
	compressed := &stream.Counter{In: buffered}
	plain, done, err := decompressFile(compressed, name)
	if err == nil {
		defer done()
		_, err = io.CopyBuffer(struct{ io.Writer }{out}, &stream.Guard{In: plain, From: compressed}, make([]byte, 64<<10))
	}
	if err != nil {
		return 0, err
	}
	if members, ok := plain.(*stream.Members); ok {
		after = members.Padding
	}
	rest, err := io.Copy(io.Discard, buffered)
	return after + rest, err
}

// decompressFile returns a reader of a folder's file, compressed as its name says.
func decompressFile(in io.Reader, name string) (_ io.Reader, done func(), err error) {
	switch filepath.Ext(name) {
	case ".gz":
		members, err := stream.NewMembers(in)
		return members, func() {}, err
	case ".lz4":
		return decompress(in, "lz4")
	case ".zst":
		return decompress(in, "zstd")
	}
	return decompress(in, "none")
}

// table reads the rows of a table.
func (f *folder) table(e dataEntry) error {
	name, err := f.names.data(e.file)
	if err != nil {
		return err
	}
	file, err := f.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, done, err := decompressFile(file, name)
	if err == nil {
		defer done()
		err = f.readRows(plain, "none", e)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return stream.Truncated("in %s", name)
	}
	return err
}
