//go:build !unix

package transfer

import "os"

// owner is nobody where files have no numeric owner.
type owner struct{}

var nobody owner

func ownerOf(*os.Root) (owner, error) { return nobody, nil }

func (owner) take(*os.Root, string) error { return nil }

// lock does nothing.
func lock(*os.File) error { return nil }

// Free returns -1: nobody knows.
func (f *Folder) Free() int64 { return -1 }
