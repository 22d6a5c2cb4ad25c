package archive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
)

// folder is what pg_dump -Fd writes: toc.dat, and a file for each table.
type folder struct {
	*archive
	ctx   context.Context
	path  string
	names names
	whole bool // each file is to be read
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

// has reports whether a file of data is here.
func (n names) has(name string) bool {
	_, err := n.data(name)
	return err == nil
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
		if _, name, _ := strings.Cut(lines.Text(), " "); !f.names.has(name) {
			return stream.Truncated("without %.100q, the file of a large object", name)
		}
	}
	return lines.Err()
}

// Folder reads what pg_dump -Fd writes to a folder: its table of contents, and the data that sink
// wants. names are those of its files; whole wants each of them to be read to its end.
func Folder(ctx context.Context, path string, names map[string]bool, whole bool, sink script.Sink) (Head, error) {
	f := &folder{ctx: ctx, path: path, names: names, whole: whole}
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
	return f.Head, f.read(sink)
}

func (f *folder) open(name string) (*stream.Source, error) {
	file, err := os.Open(filepath.Join(f.path, name))
	if err != nil {
		return nil, err
	}
	return &stream.Source{File: file, Ctx: f.ctx}, nil
}

// read reads all behind the head.
func (f *folder) read(sink script.Sink) error {
	f.archive.folder = true
	if f.format != formatTar { // which is what -Fd writes, too
		return fmt.Errorf("a folder of format %d", f.format)
	}
	contents, err := f.readTOC(sink)
	if err != nil {
		return err
	}
	for _, e := range contents.files {
		if listName.MatchString(e) {
			if !f.names[e] {
				return stream.Truncated("without %s, the list of its large objects", e)
			}
			continue
		}
		name, err := f.names.data(e)
		if err == nil {
			err = f.checkFile(name)
		}
		if err != nil {
			return err
		}
	}
	for _, e := range contents.wanted {
		name, err := f.names.data(e.file)
		if err == nil {
			err = f.table(name, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkFile checks the file of a table: all of it if the folder is read whole, else its
// end, as far as that can be told.
func (f *folder) checkFile(name string) error {
	file, err := f.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	if stat.Size() == 0 {
		return stream.Truncated("in %s, which is empty", name)
	}
	compressed := filepath.Ext(name) != ".dat"
	if compressed && !f.whole {
		return nil
	}
	var end [len(dataEnd)]byte
	if !compressed {
		_, err = file.ReadAt(end[:], max(0, stat.Size()-int64(len(end))))
	} else {
		err = lastBytes(file, name, end[:])
	}
	if f.ctx.Err() != nil {
		return context.Cause(f.ctx)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err != nil || !isDataEnd(end[:]) {
		return stream.Truncated("in %s", name)
	}
	return nil
}

// dataEnd is how the rows of COPY end. Those of INSERT end with empty lines.
const dataEnd = "\\.\n\n\n"

func isDataEnd(end []byte) bool {
	return string(end) == dataEnd || strings.HasSuffix(string(end), ";\n\n\n")
}

// lastBytes reads a compressed file to its end, and keeps the last bytes.
func lastBytes(in io.Reader, name string, last []byte) error {
	plain, done, err := decompressFile(in, name)
	if err != nil {
		return err
	}
	defer done()
	buffer := make([]byte, 64<<10)
	for {
		n, err := plain.Read(buffer)
		if n >= len(last) {
			copy(last, buffer[n-len(last):n])
		} else if n > 0 {
			copy(last, last[n:])
			copy(last[len(last)-n:], buffer[:n])
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return io.EOF
		}
		if err != nil {
			return err
		}
	}
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
func (f *folder) table(name string, e dataEntry) error {
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
