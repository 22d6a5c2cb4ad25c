package rsync

import "slices"

// sendList sends the file list, in which all files belong to the same user. Both sides
// then sort it: indexes refer to the sorted list, which is returned.
func (c *conn) sendList(files []File, o listOptions) []File {
	var last entry
	for _, f := range files {
		e := entry{name: f.Name, size: f.Size, modTime: f.ModTime.Unix(), mode: sentFile}
		if f.Folder {
			e.mode = sentFolder
		}
		c.sendEntry(e, last)
		last = e
	}
	c.endList(o)
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(a, b File) int { return c.compare(a.Name, a.Folder, b.Name, b.Folder) })
	return sorted
}

// sendEntry sends what an entry does not have in common with the one before it.
func (c *conn) sendEntry(e, last entry) {
	same := 0
	for same < len(last.name) && same < len(e.name) && same < 255 && last.name[same] == e.name[same] {
		same++
	}
	rest := e.name[same:]
	flags := uint32(flagSameUID | flagSameGID)
	if e.name == "." {
		flags |= flagTopDir // what is not in the list may be deleted in it
	}
	if e.mode == last.mode {
		flags |= flagSameMode
	}
	if e.modTime == last.modTime {
		flags |= flagSameTime
	}
	if same > 0 {
		flags |= flagSameName
	}
	if len(rest) > 255 {
		flags |= flagLongName
	}
	c.putFlags(flags)
	if flags&flagSameName != 0 {
		c.putByte(byte(same))
	}
	if flags&flagLongName != 0 {
		c.putVarint30(uint32(len(rest)))
	} else {
		c.putByte(byte(len(rest)))
	}
	_, _ = c.out.WriteString(rest)
	c.putLong(e.size)
	if flags&flagSameTime == 0 {
		c.putTime(e.modTime)
	}
	if flags&flagSameMode == 0 {
		c.putInt(int32(e.mode))
	}
}

// putFlags sends flags that fit into a byte, and are not 0.
func (c *conn) putFlags(flags uint32) {
	if c.varintFlags {
		c.putVarint(flags)
	} else {
		c.putByte(byte(flags))
	}
}

func (c *conn) putTime(seconds int64) {
	if c.protocol < Protocol30 {
		c.putInt(int32(seconds))
	} else {
		c.putVarlong(uint64(seconds), 4)
	}
}

// endList ends a list: everything could be read, and no ID has a name.
func (c *conn) endList(o listOptions) {
	c.putByte(0)
	if c.varintFlags {
		c.putVarint(0)
	}
	for _, has := range []bool{o.owner, o.group} {
		if !has {
			continue
		}
		c.putVarint30(0)
		if c.id0Names {
			c.putByte(0)
		}
	}
	if c.protocol < Protocol30 {
		c.putInt(0)
	}
}
