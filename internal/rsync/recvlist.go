package rsync

import (
	"math"
	"slices"
)

// recvList receives a file list and sorts it. failed reports whether the sender could not
// read everything.
func (c *conn) recvList(o listOptions) (list []entry, failed bool, err error) {
	var last entry
	names := 0
	for {
		flags, bad, err := c.flags()
		if err != nil {
			return nil, false, err
		}
		failed = failed || bad
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
	if c.protocol < Protocol30 {
		failures, err := c.int()
		if err != nil {
			return nil, false, err
		}
		failed = failures != 0
	}
	slices.SortStableFunc(list, func(a, b entry) int { return c.compare(a.name, a.isFolder(), b.name, b.isFolder()) })
	return list, failed, nil
}

// flags reads the flags of the next entry, 0 after the last one. failed reports whether
// the sender could not read everything.
func (c *conn) flags() (flags uint32, failed bool, err error) {
	more := false // whether the number of failures follows
	if c.varintFlags {
		flags, err = c.varint()
		more = flags == 0
	} else {
		flags, err = c.byteFlags()
		more = c.safeList && flags == flagExtended|flagIOError
	}
	if err != nil || !more {
		return flags, false, err
	}
	failures, err := c.varint()
	return 0, failures != 0, err
}

// byteFlags reads flags of one byte or, since protocol 28, two.
func (c *conn) byteFlags() (uint32, error) {
	low, err := c.byte()
	if err != nil || c.protocol < Protocol30 || low&flagExtended == 0 {
		return uint32(low), err
	}
	high, err := c.byte()
	return uint32(low) | uint32(high)<<8, err
}

// recvEntry receives an entry, of which the flags say what it has in common with the one
// before it.
func (c *conn) recvEntry(flags uint32, last entry, o listOptions) (e entry, err error) {
	e = last
	if e.name, err = c.recvName(flags, last.name); err != nil {
		return e, err
	}
	if e.size, err = c.long(); err != nil {
		return e, err
	}
	if flags&flagSameTime == 0 {
		if e.modTime, err = c.time(); err != nil {
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
	if err := c.skipNumbers(flags, e.mode&modeType, o); err != nil {
		return e, err
	}
	if o.links && e.mode&modeType == modeLink {
		err = c.skipLink()
	}
	return e, err
}

// time reads a time, in seconds since 1970.
func (c *conn) time() (int64, error) {
	if c.protocol < Protocol30 {
		n, err := c.int()
		return int64(uint32(n)), err
	}
	n, err := c.varlong(4)
	return int64(n), err
}

// skipNumbers reads those of an entry that this package does not use: user, group, device.
func (c *conn) skipNumbers(flags, kind uint32, o listOptions) error {
	device := o.devices && (kind == modeCharDev || kind == modeBlock || kind == modeFIFO || kind == modeSocket)
	numbers := []bool{o.owner && flags&flagSameUID == 0, o.group && flags&flagSameGID == 0}
	if c.protocol < Protocol30 {
		numbers = append(numbers, device && flags&flagSameRdev == 0)
	} else {
		numbers = append(numbers, device && flags&flagSameMajor == 0, device)
	}
	for _, is := range numbers {
		if !is {
			continue
		}
		if _, err := c.varint30(math.MaxUint32); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) recvName(flags uint32, last string) (string, error) {
	same := 0
	if flags&flagSameName != 0 {
		b, err := c.byte()
		if err != nil {
			return "", err
		}
		same = int(b)
	}
	length, err := c.nameLength(flags)
	if err != nil {
		return "", err
	}
	if same > len(last) || same+length > maxName {
		return "", violation("a name of %d bytes", same+length)
	}
	rest, err := c.bytes(length)
	return last[:same] + string(rest), err
}

func (c *conn) nameLength(flags uint32) (int, error) {
	if flags&flagLongName == 0 {
		n, err := c.byte()
		return int(n), err
	}
	n, err := c.varint30(maxName)
	return int(n), err
}

func (c *conn) skipLink() error {
	n, err := c.varint30(maxName)
	if err == nil {
		_, err = c.bytes(int(n))
	}
	return err
}

// skipIDs reads a list of users or groups: numbers and names, until number 0, which may
// have a name, too.
func (c *conn) skipIDs() error {
	for range maxIDs {
		id, err := c.varint30(math.MaxUint32)
		if err != nil || id == 0 && !c.id0Names {
			return err
		}
		length, err := c.byte()
		if err != nil {
			return err
		}
		if _, err := c.bytes(int(length)); err != nil || id == 0 {
			return err
		}
	}
	return violation("more than %d users", maxIDs)
}
