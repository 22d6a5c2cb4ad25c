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
)

// tar inspects what pg_dump -Ft writes. Its members lie in the order toc.dat,
// data, restore.sql.
func (i *Info) tar(in io.Reader, size int64) error {
	zeros := &zeroTail{in: in, want: tarEnd}
	members := tar.NewReader(zeros.reader())
	first, err := members.Next()
	if err != nil {
		return cutTar(err, "in its first member")
	}
	if path.Clean(first.Name) != tocFile {
		i.Kind = OtherTar
		i.refuse("is a tar, but none of pg_dump's", "make the dump with pg_dump -Fc")
		return nil
	}
	a, err := readHead(struct{ io.Reader }{members})
	if err != nil {
		return err
	}
	i.takeHead(a)
	if strings.HasPrefix(i.PgDump, "9.0") || strings.HasPrefix(i.PgDump, "9.1") || strings.HasPrefix(i.PgDump, "9.2") {
		zeros.want = tarEnd / 2 // those wrote one block
	}
	i.Compression = "none"
	var f facts
	toc, err := a.readTOC(&f)
	i.Odoo = toc.odoo
	if err != nil {
		return err
	}
	err = readMembers(members, toc, &f)
	i.setModules(&f)
	if err != nil {
		return err
	}
	ended, err := zeros.ends(size)
	if err == nil && !ended {
		err = truncated("before the two empty blocks that end a tar")
	}
	return err
}

// readMembers goes through all that follows toc.dat.
func readMembers(members *tar.Reader, toc contents, f *facts) error {
	wanted := map[string]dataEntry{}
	for _, e := range toc.wanted {
		wanted[e.file] = e
	}
	found, last := 0, ""
	for {
		member, err := members.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cutTar(err, "in one of its members")
		}
		last = path.Clean(member.Name)
		if path.Ext(last) == ".dat" {
			found++
		}
		if e, ok := wanted[last]; ok {
			if err := readRows(members, "none", e.statement, f); err != nil {
				return err
			}
		}
	}
	if last != restoreFile || found < toc.data {
		return truncated("with the data of %d of its %d tables", found, toc.data)
	}
	return nil
}

func cutTar(err error, where string) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return truncated("%s", where)
	}
	return fmt.Errorf("tar: %w", err)
}

// tarEnd is how many zero bytes end a tar. archive/tar takes a file that just
// stops between two members for a whole one.
const tarEnd = 1024

// zeroTail looks at how a tar ends.
type zeroTail struct {
	in     io.Reader
	stream *bufio.Reader // nil where in can seek
	zeros  int
	want   int
}

// reader is what archive/tar is to read: it seeks where it can.
func (z *zeroTail) reader() io.Reader {
	if _, ok := z.in.(io.ReaderAt); ok {
		return z.in
	}
	z.stream = bufio.NewReaderSize(z.in, archiveBytes)
	return struct{ io.Reader }{z}
}

// Read counts the zeros at the end of what has passed.
func (z *zeroTail) Read(p []byte) (int, error) {
	n, err := z.stream.Read(p)
	at := n
	for at > 0 && p[at-1] == 0 {
		at--
	}
	if at > 0 {
		z.zeros = 0
	}
	z.zeros += n - at
	return n, err
}

// ends tells whether the tar has its end, and nothing after it.
func (z *zeroTail) ends(size int64) (bool, error) {
	if z.stream != nil {
		_, err := io.Copy(io.Discard, struct{ io.Reader }{z})
		return z.zeros >= z.want, err
	}
	tail := make([]byte, z.want)
	if size < int64(z.want) {
		return false, nil
	}
	if _, err := z.in.(io.ReaderAt).ReadAt(tail, size-int64(z.want)); err != nil {
		return false, err
	}
	for _, b := range tail {
		if b != 0 {
			return false, nil
		}
	}
	return true, nil
}
