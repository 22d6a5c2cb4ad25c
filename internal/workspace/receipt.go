package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
)

// A folder that was downloaded may be replaced by a newer download; any other may not. So
// each has a receipt beside it: a digest over the names, sizes and times of what is in it.

func receiptName(name string) string { return "." + name + ".received" }

// receive writes the receipt for a folder at a path that will be called name.
func (f *Folder) receive(from, name string) error {
	digest, err := f.listDigest(from)
	if err == nil {
		err = f.removeUnless(receiptName(name), fs.FileMode.IsRegular)
	}
	if err == nil {
		err = f.root.WriteFile(receiptName(name), []byte(digest+"\n"), 0o600)
	}
	if err == nil {
		err = f.owner.take(f.root, receiptName(name))
	}
	return err
}

// isReceived reports whether a folder is as it was downloaded.
func (f *Folder) isReceived(name string) bool {
	info, err := f.root.Lstat(name)
	if err != nil || !info.IsDir() {
		return false
	}
	text, err := f.root.ReadFile(receiptName(name))
	if err != nil {
		return false
	}
	digest, err := f.listDigest(name)
	return err == nil && strings.TrimSpace(string(text)) == digest
}

// dropReceipt removes the receipt of a name that is not a folder any more.
func (f *Folder) dropReceipt(name string) error {
	return ignoreMissing(f.root.Remove(receiptName(name)))
}

// listDigest is a digest over the names, sizes and times of the files in a folder.
func (f *Folder) listDigest(folder string) (string, error) {
	digest := sha256.New()
	err := fs.WalkDir(f.root.FS(), folder, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(at, folder)
		if d.IsDir() {
			_, _ = fmt.Fprintf(digest, "%q\n", name)
		} else {
			_, _ = fmt.Fprintf(digest, "%q %v %d %d\n", name, info.Mode().Type(), info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return hex.EncodeToString(digest.Sum(nil)), err
}
