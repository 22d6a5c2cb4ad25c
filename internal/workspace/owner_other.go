//go:build !unix

package workspace

import "os"

// owner is noOwner where files have no numeric owner.
type owner struct{}

var noOwner owner

func ownerOf(*os.Root) (owner, error) { return noOwner, nil }

func (owner) take(*os.Root, string) error { return nil }

func isAlone(os.FileInfo) bool { return true }

// lock does nothing.
func lock(*os.File) error { return nil }

// Free knows nothing.
func (f *Folder) Free() (bytes int64, ok bool) { return 0, false }
