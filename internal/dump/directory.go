package dump

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// folderFile is a file of a dump in directory format.
type folderFile struct {
	name string
	info fs.FileInfo
}

// maxFolderFiles limits how many files a dump in directory format can have.
const maxFolderFiles = 1_000_000

// listFolder returns the files of a folder by name, and the sum of their sizes.
// Directory format has no folders and no links inside.
func listFolder(path string) (files []folderFile, size int64, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, 0, err
	}
	if len(entries) > maxFolderFiles {
		return nil, 0, fmt.Errorf("%s has more than %d files", path, maxFolderFiles)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return nil, 0, err
		}
		if !info.Mode().IsRegular() {
			return nil, 0, fmt.Errorf("%s is not a file: a dump in directory format has nothing but files", filepath.Join(path, entry.Name()))
		}
		files = append(files, folderFile{entry.Name(), info})
		size += info.Size()
	}
	return files, size, nil
}

// fingerprint tells a folder from one in which a file was changed.
func fingerprint(files []folderFile) string {
	digest := sha256.New()
	for _, f := range files {
		_, _ = fmt.Fprintf(digest, "%q %d %d\n", f.name, f.info.Size(), f.info.ModTime().UnixNano())
	}
	return hex.EncodeToString(digest.Sum(nil))
}

// inspectFolder inspects what pg_dump -Fd writes: toc.dat, and a file for each table.
func inspectFolder(ctx context.Context, i *Info, o Options) error {
	files, size, err := listFolder(i.Path)
	if err != nil {
		return err
	}
	i.Kind, i.Size, i.fingerprint = Directory, size, fingerprint(files)
	if err := i.folderContent(ctx, files, o); err != nil {
		s := &source{ctx: ctx}
		if err := i.note(s, err); err != nil {
			return err
		}
	}
	if err := i.diagnoseFolder(ctx); err != nil {
		return err
	}
	if o.Digest {
		i.SHA256, err = folderDigest(ctx, i.Path, files)
	}
	return err
}

// diagnoseFolder looks for what damaged toc.dat.
func (i *Info) diagnoseFolder(ctx context.Context) error {
	if !i.damaged {
		return nil
	}
	toc, err := os.Open(filepath.Join(i.Path, tocFile))
	if err != nil {
		return err
	}
	defer toc.Close()
	stat, err := toc.Stat()
	if err != nil {
		return err
	}
	return i.diagnose(&source{File: toc, ctx: ctx, size: stat.Size()})
}

// folderContent reads toc.dat and the tables that say something.
func (i *Info) folderContent(ctx context.Context, files []folderFile, o Options) error {
	toc, err := os.Open(filepath.Join(i.Path, tocFile))
	if err != nil {
		return err
	}
	defer toc.Close()
	there := fileNames(files)
	if err := i.checkBlobs(ctx, there); err != nil { // first: they are read whatever toc.dat is
		return err
	}
	s := &source{File: toc, ctx: ctx}
	a, err := readHead(struct{ io.Reader }{s})
	if version, ok := errors.AsType[*unknownVersionError](err); ok && version.isOld() {
		return fmt.Errorf("%v in a folder", version) // which no pg_dump wrote: it is to get around the checks
	}
	if err != nil {
		return err
	}
	a.folder = true
	i.takeHead(a)
	if a.format != formatTar { // which is what -Fd writes, too
		return fmt.Errorf("a folder of format %d", a.format)
	}
	var f facts
	contents, err := a.readTOC(&f)
	if err != nil {
		return err
	}
	for _, e := range contents.files {
		if listName.MatchString(e) {
			if !there[e] {
				return truncated("without %s, the list of its large objects", e)
			}
			continue
		}
		name, err := there.data(e)
		if err == nil {
			err = i.checkFile(ctx, name, o)
		}
		if err != nil {
			return err
		}
	}
	for _, e := range contents.wanted {
		name, err := there.data(e.file)
		if err == nil {
			err = i.folderTable(ctx, name, e, &f)
		}
		if err != nil {
			return err
		}
	}
	i.odd(&f)
	return i.take(&f)
}

// checkFile checks the file of a table: all of it if the folder is read whole, else its
// end, as far as that can be told.
func (i *Info) checkFile(ctx context.Context, name string, o Options) error {
	file, err := os.Open(filepath.Join(i.Path, name))
	if err != nil {
		return err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	if stat.Size() == 0 {
		return truncated("in %s, which is empty", name)
	}
	compressed := filepath.Ext(name) != ".dat"
	if compressed && !o.Digest {
		return nil
	}
	var end [len(dataEnd)]byte
	if !compressed {
		_, err = file.ReadAt(end[:], max(0, stat.Size()-int64(len(end))))
	} else {
		err = lastBytes(&source{File: file, ctx: ctx}, name, end[:])
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err != nil || !isDataEnd(end[:]) {
		return truncated("in %s", name)
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
		members, err := newMembers(in)
		return members, func() {}, err
	case ".lz4":
		return decompress(in, "lz4")
	case ".zst":
		return decompress(in, "zstd")
	}
	return decompress(in, "none")
}

// folderTable reads the rows of a table.
func (i *Info) folderTable(ctx context.Context, name string, e dataEntry, f *facts) error {
	file, err := os.Open(filepath.Join(i.Path, name))
	if err != nil {
		return err
	}
	defer file.Close()
	plain, done, err := decompressFile(&source{File: file, ctx: ctx}, name)
	if err == nil {
		defer done()
		err = readRows(plain, "none", e.statement, f)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return truncated("in %s", name)
	}
	return err
}

// folderDigest reads the files, and returns FolderDigest of them.
func folderDigest(ctx context.Context, path string, files []folderFile) (string, error) {
	digests := map[string]string{}
	for _, f := range files {
		file, err := os.Open(filepath.Join(path, f.name))
		if err != nil {
			return "", err
		}
		one := sha256.New()
		_, err = io.CopyBuffer(struct{ io.Writer }{one}, struct{ io.Reader }{&source{File: file, ctx: ctx}}, make([]byte, 256<<10))
		if err := errors.Join(err, file.Close()); err != nil {
			return "", err
		}
		digests[f.name] = hex.EncodeToString(one.Sum(nil))
	}
	return FolderDigest(digests), nil
}

// FolderDigest is a digest over the names and contents of a folder's files: the SHA-256 of
// a line for each, by name, as sha256sum writes it. digests has the SHA-256 of each file,
// by its name with slashes.
func FolderDigest(digests map[string]string) string {
	all := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		_, _ = fmt.Fprintf(all, "%s  ./%s\n", digests[name], name)
	}
	return hex.EncodeToString(all.Sum(nil))
}
