package dump

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
		_, _ = fmt.Fprintf(digest, "%q %d %d %d\n", f.name, f.info.Size(), f.info.ModTime().UnixNano(), changeTime(f.info).UnixNano())
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
	if err := i.folderContent(ctx, files); err != nil {
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
func (i *Info) folderContent(ctx context.Context, files []folderFile) error {
	toc, err := os.Open(filepath.Join(i.Path, tocFile))
	if err != nil {
		return err
	}
	defer toc.Close()
	s := &source{File: toc, ctx: ctx}
	a, err := readHead(struct{ io.Reader }{s})
	if err != nil {
		return err
	}
	i.takeHead(a)
	if a.format != formatTar { // which is what -Fd writes, too
		return fmt.Errorf("a folder of format %d", a.format)
	}
	var f facts
	contents, err := a.readTOC(&f)
	if err != nil {
		return err
	}
	there := map[string]string{} // names with their extension, by names without
	for _, file := range files {
		bare := file.name
		if at := strings.Index(bare, ".dat"); at >= 0 {
			bare = bare[:at+len(".dat")]
		}
		there[bare] = file.name
	}
	for _, e := range contents.files {
		if there[e] == "" && e != blobsFile {
			return truncated("without %s, one of the files that its toc.dat names", e)
		}
	}
	for _, e := range contents.wanted {
		if err := i.folderTable(ctx, there[e.file], e, &f); err != nil {
			return err
		}
	}
	i.odd(&f)
	return i.take(&f)
}

// folderTable reads the rows of a table.
func (i *Info) folderTable(ctx context.Context, name string, e dataEntry, f *facts) error {
	file, err := os.Open(filepath.Join(i.Path, name))
	if err != nil {
		return err
	}
	defer file.Close()
	s := &source{File: file, ctx: ctx}
	switch filepath.Ext(name) {
	case ".gz":
		members, err := newMembers(s)
		if err != nil {
			return cutGzip(err)
		}
		return cutGzip(readRows(members, "none", e.statement, f))
	case ".lz4":
		return readRows(s, "lz4", e.statement, f)
	case ".zst":
		return readRows(s, "zstd", e.statement, f)
	}
	return readRows(s, "none", e.statement, f)
}

// folderDigest is a digest over the names and contents of the files: the SHA-256 of the
// lines that sha256sum writes for them, by name.
func folderDigest(ctx context.Context, path string, files []folderFile) (string, error) {
	all := sha256.New()
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
		_, _ = fmt.Fprintf(all, "%s  ./%s\n", hex.EncodeToString(one.Sum(nil)), f.name)
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}
