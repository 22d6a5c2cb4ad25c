//go:build !linux

package dump

import (
	"io/fs"
	"time"
)

// changeTime is not known here; Verify finds what it would find, later.
func changeTime(fs.FileInfo) time.Time { return time.Time{} }
