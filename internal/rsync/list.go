package rsync

import (
	"path"
	"strings"
	"time"
	"unicode"
)

// Flags of an entry in the file list (rsync.h, XMIT_…).
const (
	flagTopDir    = 1 << 0
	flagSameMode  = 1 << 1
	flagSameRdev  = 1 << 2 // in protocol 27
	flagExtended  = 1 << 2 // since: a second byte of flags follows
	flagSameUID   = 1 << 3
	flagSameGID   = 1 << 4
	flagSameName  = 1 << 5
	flagLongName  = 1 << 6
	flagSameTime  = 1 << 7
	flagSameMajor = 1 << 8  // of a device
	flagIOError   = 1 << 12 // with flagExtended: the list ends, with an error
)

// Modes as they are sent: type and permissions of stat(2).
const (
	modeType    = 0o170000
	modeFolder  = 0o040000
	modeFile    = 0o100000
	modeLink    = 0o120000
	modeCharDev = 0o020000
	modeBlock   = 0o060000
	modeFIFO    = 0o010000
	modeSocket  = 0o140000

	sentFile   = modeFile | 0o664
	sentFolder = modeFolder | 0o775
)

// entry is a file in a list that was received.
type entry struct {
	name    string
	size    int64
	modTime int64 // seconds since 1970
	mode    uint32
}

// listOptions say which fields a list has: the letters of the server's arguments.
type listOptions struct {
	owner, group, devices, links bool
}

// compare orders a file list; indexes refer to that order. In protocol 27 it is by name.
// Since 29 a folder's files come before the folders in it, which compare as if their names
// ended with a slash (flist.c, f_name_cmp).
func (c *conn) compare(a string, aFolder bool, b string, bFolder bool) int {
	switch {
	case c.protocol < Protocol30 || a == b && aFolder == bFolder:
		return strings.Compare(a, b)
	case a == ".": // the folder whose content is sent
		return -1
	case b == ".":
		return 1
	}
	for {
		aTop, aRest, aDeeper := strings.Cut(a, "/")
		bTop, bRest, bDeeper := strings.Cut(b, "/")
		aPath, bPath := aDeeper || aFolder, bDeeper || bFolder
		switch {
		case aPath != bPath && bPath:
			return -1
		case aPath != bPath:
			return 1
		case !aPath:
			return strings.Compare(aTop, bTop)
		case aTop != bTop:
			return strings.Compare(aTop+"/", bTop+"/")
		case !aDeeper && !bDeeper:
			return 0
		case !aDeeper:
			return -1
		case !bDeeper:
			return 1
		}
		a, b = aRest, bRest
	}
}

// isSafe reports whether a name from a peer can be used in a folder: local, clean, and
// without characters that a person could not see.
func isSafe(name string) bool {
	return name != "" && name == path.Clean(name) && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") &&
		!strings.ContainsRune(name, '\\') && !strings.ContainsFunc(name, unicode.IsControl)
}

func (e entry) isFolder() bool      { return e.mode&modeType == modeFolder }
func (e entry) isFile() bool        { return e.mode&modeType == modeFile }
func (e entry) modified() time.Time { return time.Unix(e.modTime, 0) }
