package archive

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
)

// TOC is the table of contents in a tar or a folder of pg_dump's.
const (
	TOC       = "toc.dat"
	blobsFile = "blobs.toc" // of large objects; pg_dump 17 writes several, with numbers
)

// Tar reads a tar from its first member on: Next returns what that is, and Read reads the rest if it is
// TOC.
type Tar struct {
	members  *tar.Reader
	tape     *tape
	end      int64 // of the last member, where the next one or the end begins
	extended bool  // it has headers or names that pg_restore does not know
}

// Next returns the next member, or io.EOF where no more follow. Sparse members, which
// claim to be larger than the file, are not of pg_dump's.
func (r *Tar) Next() (*tar.Header, error) {
	h, err := r.members.Next()
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
		return nil, stream.Refuse(fmt.Sprintf("is a tar with a sparse member, %s", stream.Quote([]byte(h.Name))), stream.MakeCustom)
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

// Content returns what reads the member that Next returned.
func (r *Tar) Content() io.Reader { return r.members }

// NewTar returns a Tar.
func NewTar(in io.Reader) *Tar {
	tape := newTape(in)
	return &Tar{members: tar.NewReader(tape.reader()), tape: tape}
}

// Read reads what pg_dump -Ft writes, of size bytes, -1 in a stream of unknown length, from TOC
// on, whose header was read. It returns what the dump says about itself, and how many bytes are
// after its end. The members lie in the order TOC, data in the order of TOC, the script that
// restores it. pg_restore wants that order.
func (r *Tar) Read(size int64, walk *Walk, sink script.Sink) (head Head, after int64, err error) {
	a, err := readHead(struct{ io.Reader }{r.members})
	if err != nil {
		return head, 0, err
	}
	a.walk = walk
	a.Compression = "none"
	toc, err := a.readTOC(sink)
	if err == nil {
		err = a.readMembers(r, toc)
	}
	if err == nil {
		after, err = r.tape.rest(r.end, a.tarEnd(), size)
	}
	return a.Head, after, err
}

// tarEnd is how many bytes the end of the tar has at least.
func (a *archive) tarEnd() int64 {
	for _, old := range []string{"9.0", "9.1", "9.2"} {
		if strings.HasPrefix(a.PgDump, old) {
			return tarBlock
		}
	}
	return tarEnd
}

// readMembers reads all that follows toc.dat.
func (a *archive) readMembers(members *Tar, toc contents) error {
	wanted := map[string]dataEntry{}
	for _, e := range toc.wanted {
		wanted[e.file] = e
	}
	place := map[string]int{}
	for n, file := range toc.files {
		place[file] = n
	}
	found, last := 0, -1
	script, file, disordered := false, false, false // restore.sql was seen, a folder's file, and one too late
	for {
		member, err := members.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cutTar(err)
		}
		name := member.Name
		script, file = script || path.Clean(name) == restoreFile, file || folderFile.MatchString(name)
		if listName.MatchString(name) {
			name = blobsFile
		}
		at, known := place[name]
		if known {
			disordered = disordered || at < last
			found, last = found+1, at
		}
		e, ok := wanted[member.Name]
		switch {
		case ok:
			err = a.readRows(members.members, "none", e)
		case known && members.tape.seek == nil && name != blobsFile:
			err = cutTar(verify(members.members, "none"))
		}
		if err != nil {
			return err
		}
	}
	if file && !script {
		return FolderInTar
	}
	if disordered {
		return Rewritten("its members are not in the order that pg_restore wants")
	}
	if members.extended {
		return Rewritten("it has extended headers (of pax or GNU tar), which pg_restore does not know")
	}
	if found < len(toc.files) {
		return stream.Truncated("with the data of %d of its %d tables", found, len(toc.files))
	}
	return nil
}

// restoreFile is the last member of a tar of pg_dump's.
const restoreFile = "restore.sql"

// folderFile is a file of pg_dump -Fd, in a tar that was made of the folder.
var folderFile = regexp.MustCompile(`^(?:\./)?[0-9]{1,20}\.dat(?:\.gz|\.lz4|\.zst)?$`)

// FolderInTar says what to do with a tar of a folder of pg_dump -Fd.
var FolderInTar = stream.Refuse("is a tar of a dump in directory format", "extract it, and send the folder with json-rpc; or "+stream.MakeCustom)

// Rewritten says what to do about a tar that pg_restore does not take, and why it does not.
func Rewritten(why string) *stream.Refusal {
	return stream.Refuse("is a tar of pg_dump's that another program has written again: "+why,
		"send the file that pg_dump -Ft wrote, or "+stream.MakeCustom)
}

func cutTar(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return stream.Truncated("in one of its members")
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
		return 0, stream.Truncated("before the two empty blocks that end a tar")
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
