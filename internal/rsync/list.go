package rsync

import (
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Flags of an entry in the file list (rsync.h, XMIT_…).
const (
	flagTopDir   = 1 << 0
	flagSameMode = 1 << 1
	flagSameRdev = 1 << 2
	flagSameUID  = 1 << 3
	flagSameGID  = 1 << 4
	flagSameName = 1 << 5
	flagLongName = 1 << 6
	flagSameTime = 1 << 7
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
	modTime int32 // seconds since 1970
	mode    uint32
}

// sendList sends the file list, in which all files belong to the same user. Both sides
// then sort it: indexes refer to the sorted list, which is returned.
func (c *conn) sendList(files []File, o listOptions) []File {
	last := ""
	var lastTime int64
	var lastMode uint32
	for _, f := range files {
		flags, mode := byte(flagSameUID|flagSameGID), uint32(sentFile)
		if f.Folder {
			mode = sentFolder
		}
		if f.Name == "." {
			flags |= flagTopDir // what is not in the list may be deleted in it
		}
		if mode == lastMode {
			flags |= flagSameMode
		}
		modified := f.ModTime.Unix()
		if modified == lastTime {
			flags |= flagSameTime
		}
		same := 0
		for same < len(last) && same < len(f.Name) && same < 255 && last[same] == f.Name[same] {
			same++
		}
		rest := f.Name[same:]
		if same > 0 {
			flags |= flagSameName
		}
		if len(rest) > 255 {
			flags |= flagLongName
		}
		c.putByte(flags)
		if same > 0 {
			c.putByte(byte(same))
		}
		if len(rest) > 255 {
			c.putInt(int32(len(rest)))
		} else {
			c.putByte(byte(len(rest)))
		}
		_, _ = c.out.WriteString(rest)
		c.putLong(f.Size)
		if flags&flagSameTime == 0 {
			c.putInt(int32(modified))
		}
		if flags&flagSameMode == 0 {
			c.putInt(int32(mode))
		}
		last, lastTime, lastMode = f.Name, modified, mode
	}
	c.putByte(0)
	for _, has := range []bool{o.owner, o.group} {
		if has {
			c.putInt(0) // an empty list of names
		}
	}
	c.putInt(0) // everything could be read
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return sorted
}

// listOptions say which fields a list has: the letters of the server's arguments.
type listOptions struct {
	owner, group, devices, links bool
}

// recvList receives a file list and sorts it. failed reports whether the sender could not
// read everything.
func (c *conn) recvList(o listOptions) (list []entry, failed bool, err error) {
	var last entry
	names := 0
	for {
		flags, err := c.byte()
		if err != nil {
			return nil, false, err
		}
		if flags == 0 {
			break
		}
		if len(list) == maxFiles {
			return nil, false, violation("more than %d files", maxFiles)
		}
		if last, err = c.recvEntry(flags, last, o); err != nil {
			return nil, false, err
		}
		if names += len(last.name); names > maxNames {
			return nil, false, violation("more than %d bytes of names", maxNames)
		}
		list = append(list, last)
	}
	for _, has := range []bool{o.owner, o.group} {
		if !has {
			continue
		}
		if err := c.skipIDs(); err != nil {
			return nil, false, err
		}
	}
	failures, err := c.int()
	if err != nil {
		return nil, false, err
	}
	slices.SortStableFunc(list, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return list, failures != 0, nil
}

// recvEntry receives an entry, of which the flags say what it has in common with the one
// before it.
func (c *conn) recvEntry(flags byte, last entry, o listOptions) (e entry, err error) {
	e = last
	if e.name, err = c.recvName(flags, last.name); err != nil {
		return e, err
	}
	if e.size, err = c.long(); err != nil {
		return e, err
	}
	if flags&flagSameTime == 0 {
		if e.modTime, err = c.int(); err != nil {
			return e, err
		}
	}
	if flags&flagSameMode == 0 {
		mode, err := c.int()
		if err != nil {
			return e, err
		}
		e.mode = uint32(mode)
	}
	kind := e.mode & modeType
	special := kind == modeCharDev || kind == modeBlock || kind == modeFIFO || kind == modeSocket
	for _, number := range []bool{
		o.owner && flags&flagSameUID == 0, o.group && flags&flagSameGID == 0, o.devices && special && flags&flagSameRdev == 0,
	} {
		if !number {
			continue
		}
		if _, err := c.int(); err != nil {
			return e, err
		}
	}
	if o.links && kind == modeLink {
		err = c.skipLink()
	}
	return e, err
}

func (c *conn) recvName(flags byte, last string) (string, error) {
	same := 0
	if flags&flagSameName != 0 {
		b, err := c.byte()
		if err != nil {
			return "", err
		}
		same = int(b)
	}
	var length int
	var err error
	if flags&flagLongName != 0 {
		length, err = c.count(maxName)
	} else {
		var b byte
		b, err = c.byte()
		length = int(b)
	}
	if err != nil {
		return "", err
	}
	if same > len(last) || same+length > maxName {
		return "", violation("a name of %d bytes", same+length)
	}
	rest, err := c.bytes(length)
	return last[:same] + string(rest), err
}

func (c *conn) skipLink() error {
	n, err := c.count(maxName)
	if err == nil {
		_, err = c.bytes(n)
	}
	return err
}

// skipIDs reads a list of users or groups: numbers and names, until number 0.
func (c *conn) skipIDs() error {
	for range maxIDs {
		id, err := c.int()
		if err != nil || id == 0 {
			return err
		}
		length, err := c.byte()
		if err != nil {
			return err
		}
		if _, err := c.bytes(int(length)); err != nil {
			return err
		}
	}
	return violation("more than %d users", maxIDs)
}

// isSafe reports whether a name from a peer can be used in a folder: local, clean, and
// without characters that a person could not see.
func isSafe(name string) bool {
	return name != "" && name == path.Clean(name) && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") &&
		!strings.ContainsRune(name, '\\') && !strings.ContainsFunc(name, unicode.IsControl)
}

func (e entry) isFolder() bool      { return e.mode&modeType == modeFolder }
func (e entry) isFile() bool        { return e.mode&modeType == modeFile }
func (e entry) modified() time.Time { return time.Unix(int64(e.modTime), 0) }
