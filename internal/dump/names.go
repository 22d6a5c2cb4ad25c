package dump

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// names are those of a folder's files.
type names map[string]bool

func fileNames(files []folderFile) names {
	there := names{}
	for _, f := range files {
		there[f.name] = true
	}
	return there
}

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
		return "", truncated("without %s, one of the files that its toc.dat names", name)
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
func (i *Info) checkBlobs(ctx context.Context, there names) error {
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if !strings.HasPrefix(name, "blobs") {
			continue
		}
		if strings.Contains(name, ".toc.") { // pg_dump never compresses them, and pg_restore would read them
			return fmt.Errorf("%.60q, a list of large objects that is compressed", name)
		}
		if filepath.Ext(name) != ".toc" {
			continue
		}
		if err := listedBlobs(ctx, filepath.Join(i.Path, name), there); err != nil {
			return err
		}
	}
	return nil
}

// listedBlob is a line of such a list: programs that restore open the file that it names,
// wherever that is, and separate the two in ways of their own.
var listedBlob = regexp.MustCompile(`^[0-9]{1,10} blob_[0-9]{1,10}\.dat$`)

// listedBlobs returns an error if a file of large objects is not here that a list names.
func listedBlobs(ctx context.Context, list string, there names) error {
	file, err := os.Open(list)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(struct{ io.Reader }{&source{File: file, ctx: ctx}})
	for lines.Scan() {
		if !listedBlob.MatchString(lines.Text()) {
			return fmt.Errorf("in %s a line that pg_dump does not write: %.60q", filepath.Base(list), lines.Text())
		}
		if _, name, _ := strings.Cut(lines.Text(), " "); !there.has(name) {
			return truncated("without %.100q, the file of a large object", name)
		}
	}
	return lines.Err()
}
