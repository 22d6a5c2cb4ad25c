package dump

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// tocFile is the table of contents in a tar or a folder of pg_dump's; the last
// member of a tar is the script that restores it.
const (
	tocFile     = "toc.dat"
	restoreFile = "restore.sql"
	blobsFile   = "blobs.toc" // of large objects; pg_dump 17 writes several, with numbers
)

// tarReader reads a tar from its first member on.
type tarReader struct {
	*tar.Reader
	tape     *tape
	end      int64 // of the last member, where the next one or the end begins
	extended bool  // it has headers or names that pg_restore does not know
}

// next returns the next member, or io.EOF where no more follow. Sparse members, which
// claim to be larger than the file, are not of pg_dump's.
func (r *tarReader) next() (*tar.Header, error) {
	h, err := r.Next()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("tar: %w", err)
	}
	sparse := h.Typeflag == tar.TypeGNUSparse
	for name := range h.PAXRecords {
		sparse = sparse || strings.HasPrefix(name, "GNU.sparse.")
	}
	if sparse {
		return nil, &refusal{fmt.Sprintf("is a tar with a sparse member, %s", quote([]byte(h.Name))), makeCustom}
	}
	if len(h.PAXRecords) > 0 || h.Typeflag != tar.TypeReg || h.Name != r.tape.name() {
		r.extended = true
	}
	r.end = r.tape.at
	if h.Typeflag == tar.TypeReg {
		r.end += (h.Size + tarBlock - 1) / tarBlock * tarBlock
	}
	return h, nil
}

// A tar has blocks of this size, and ends with two empty ones; those of pg_dump before
// version 9.3 with one. archive/tar takes a file that stops between two members for a
// complete one.
const (
	tarBlock = 512
	tarEnd   = 2 * tarBlock
)

// tar inspects what pg_dump -Ft writes. Its members lie in the order toc.dat,
// data in the order of toc.dat, restore.sql. pg_restore wants that order.
func (i *Info) tar(in io.Reader, size int64) error {
	tape := newTape(in)
	members := &tarReader{Reader: tar.NewReader(tape.reader()), tape: tape}
	first, err := members.next()
	if err != nil {
		return cutTar(err, "in its first member")
	}
	if first.Name != tocFile {
		return i.otherTar(first, members)
	}
	a, err := readHead(struct{ io.Reader }{members})
	if err != nil {
		return err
	}
	i.takeHead(a)
	i.Compression = "none"
	var f facts
	toc, err := a.readTOC(&f)
	if err != nil {
		return err
	}
	err = readMembers(members, toc, &f)
	missing := i.take(&f)
	if err != nil {
		return err
	}
	after, err := tape.rest(members.end, i.tarEnd(), size)
	if err != nil {
		return err
	}
	i.trailing(after, "tar")
	i.odd(&f)
	return missing
}

// tarEnd is how many bytes the end of the tar has at least.
func (i *Info) tarEnd() int64 {
	for _, old := range []string{"9.0", "9.1", "9.2"} {
		if strings.HasPrefix(i.PgDump, old) {
			return tarBlock
		}
	}
	return tarEnd
}

// readMembers reads all that follows toc.dat.
func readMembers(members *tarReader, toc contents, f *facts) error {
	wanted := map[string]dataEntry{}
	for _, e := range toc.wanted {
		wanted[e.file] = e
	}
	place := map[string]int{}
	for n, file := range toc.files {
		place[file] = n
	}
	found, last := 0, -1
	for {
		member, err := members.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cutTar(err, "in one of its members")
		}
		name := member.Name
		if listName.MatchString(name) {
			name = blobsFile
		}
		at, known := place[name]
		if known && at < last {
			return rewritten("its members are not in the order that pg_restore wants")
		}
		if known {
			found, last = found+1, at
		}
		if e, ok := wanted[member.Name]; ok {
			if err := readRows(members, "none", e.statement, f); err != nil {
				return err
			}
		}
	}
	if members.extended {
		return rewritten("it has extended headers (of pax or GNU tar), which pg_restore does not know")
	}
	if found < len(toc.files) {
		return truncated("with the data of %d of its %d tables", found, len(toc.files))
	}
	return nil
}

func rewritten(why string) *refusal {
	return &refusal{"is a tar of pg_dump's that another program has written again: " + why,
		"send the file that pg_dump -Ft wrote, or " + makeCustom}
}

// maxMembers is how many members of another tar are read.
const maxMembers = 200

// otherTar says what a tar has that pg_dump did not write, or not like this.
func (i *Info) otherTar(first *tar.Header, members *tarReader) error {
	i.Kind = OtherTar
	var l layout
	for h, n := first, 0; n < maxMembers; n++ {
		if h.Typeflag == tar.TypeReg {
			l.add(h.Name)
		}
		var err error
		if h, err = members.next(); err != nil {
			if _, ok := errors.AsType[*refusal](err); ok {
				return err
			}
			break
		}
	}
	for _, name := range l.folders {
		if name == "." || name == "" {
			i.Kind = Tar
			return rewritten("toc.dat has to be its first member, by that very name")
		}
	}
	return l.refusal("tar", "extract it")
}

func cutTar(err error, where string) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return truncated("%s", where)
	}
	return err
}

// tape counts the bytes that archive/tar takes, which are whole blocks. It seeks where
// it can.
type tape struct {
	in     io.Reader
	seek   io.Seeker // nil for a stream
	at     int64
	stream *bufio.Reader
	last   [tarBlock]byte // read; after a header was read, that header
}

// name is the name in the header that was read last, as programs see it that know neither
// prefixes of names nor what other headers say of them.
func (t *tape) name() string {
	name, _, _ := strings.Cut(string(t.last[:100]), "\x00")
	return name
}

func newTape(in io.Reader) *tape {
	if seek, ok := in.(io.Seeker); ok {
		return &tape{in: in, seek: seek}
	}
	stream := bufio.NewReaderSize(in, archiveBytes)
	return &tape{in: stream, stream: stream}
}

// reader is what archive/tar is to read.
func (t *tape) reader() io.Reader {
	if t.seek != nil {
		return t
	}
	return struct{ io.Reader }{t}
}

func (t *tape) Read(p []byte) (int, error) {
	n, err := t.in.Read(p)
	t.at += int64(n)
	kept := copy(t.last[:], t.last[min(n, tarBlock):])
	copy(t.last[kept:], p[max(0, n-tarBlock):n])
	return n, err
}

// Seek implements io.Seeker.
func (t *tape) Seek(offset int64, whence int) (int64, error) {
	at, err := t.seek.Seek(offset, whence)
	if err == nil {
		t.at = at
	}
	return at, err
}

// rest reads what is after the last member: at least want zero bytes, which end the
// tar, any number of them that fill the last record, and bytes that do not belong to it,
// whose number it returns.
func (t *tape) rest(end, want, size int64) (after int64, err error) {
	zeros := t.at - end // archive/tar has read them
	buffer := make([]byte, archiveBytes)
	for after == 0 {
		n, err := t.in.Read(buffer)
		blank := n - len(trimZeros(buffer[:n]))
		zeros += int64(blank)
		after = int64(n - blank)
		t.at += int64(n)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if err != nil {
			break
		}
	}
	if zeros < want {
		return 0, truncated("before the two empty blocks that end a tar")
	}
	if after > 0 && size >= 0 {
		return after + size - t.at, nil
	}
	n, err := io.Copy(io.Discard, t.in)
	return after + n, err
}

// trimZeros returns b from its first byte on that is not zero.
func trimZeros(b []byte) []byte {
	for n, c := range b {
		if c != 0 {
			return b[n:]
		}
	}
	return nil
}

// ext returns the extension of a member's name, in lower case.
func ext(name string) string { return strings.ToLower(path.Ext(name)) }
