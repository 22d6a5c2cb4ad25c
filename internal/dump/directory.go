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

	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
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
			return nil, 0, fmt.Errorf(
				"%s is not a file: a dump in directory format has nothing but files",
				filepath.Join(path, entry.Name()),
			)
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
	var f facts
	var digests map[string]string
	if o.Digest {
		digests = map[string]string{}
	}
	err = i.readFolder(ctx, digests, nil, &f)
	missing := i.take(&f)
	if err == nil {
		i.odd(&f)
		err = missing
	}
	if err := i.note(&stream.Source{Ctx: ctx}, err); err != nil {
		return err
	}
	if err := i.diagnoseFolder(ctx); err != nil {
		return err
	}
	if !o.Digest {
		return nil
	}
	i.SHA256, err = folderDigest(ctx, i.Path, files, digests)
	return err
}

// readFolder reads what pg_dump -Fd writes. digests, unless nil, gets those of the files with data.
func (i *Info) readFolder(ctx context.Context, digests map[string]string, walk *archive.Walk, sink script.Sink) error {
	files, _, err := listFolder(i.Path)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, f := range files {
		names[f.name] = true
	}
	head, err := archive.Folder(ctx, i.Path, names, digests, walk, sink)
	return i.archived(head, 0, "", err)
}

// diagnoseFolder looks for what damaged toc.dat.
func (i *Info) diagnoseFolder(ctx context.Context) error {
	if !i.damaged {
		return nil
	}
	toc, err := os.Open(filepath.Join(i.Path, archive.TOC))
	if err != nil {
		return err
	}
	defer toc.Close()
	stat, err := toc.Stat()
	if err != nil {
		return err
	}
	return i.diagnose(&stream.Source{File: toc, Ctx: ctx, Size: stat.Size()})
}

// folderDigest reads the files whose digests are not known, and returns FolderDigest of all.
func folderDigest(ctx context.Context, path string, files []folderFile, known map[string]string) (string, error) {
	digests := map[string]string{}
	for _, f := range files {
		if digests[f.name] = known[f.name]; digests[f.name] != "" {
			continue
		}
		file, err := os.Open(filepath.Join(path, f.name))
		if err != nil {
			return "", err
		}
		one := sha256.New()
		_, err = io.CopyBuffer(struct{ io.Writer }{one}, struct{ io.Reader }{&stream.Source{File: file, Ctx: ctx}}, make([]byte, 256<<10))
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
