package rsync

// Flags of an item (rsync.h, ITEM_…).
const (
	itemBasis    = 1 << 11 // the kind of basis follows
	itemName     = 1 << 12 // the name of the basis follows
	itemTransfer = 1 << 15 // the file is to be sent; others are only reported
)

// item is a file's index with, since protocol 29, its flags and the name of its basis. A
// sender echoes it.
type item struct {
	index int32 // or done
	flags uint16
	basis byte // of which kind it is
	name  string
}

// transferItem requests a file, and reports nothing else about it.
func transferItem(index int) item { return item{index: int32(index), flags: itemTransfer} }

func (c *conn) item() (it item, err error) {
	if it.index, err = c.index(); err != nil || it.index == done {
		return it, err
	}
	if c.protocol < Protocol30 {
		it.flags = itemTransfer
		return it, nil
	}
	b, err := c.bytes(2)
	if err != nil {
		return it, err
	}
	it.flags = uint16(b[0]) | uint16(b[1])<<8
	if it.flags&itemBasis != 0 {
		if it.basis, err = c.byte(); err != nil {
			return it, err
		}
	}
	if it.flags&itemName != 0 {
		it.name, err = c.vstring()
	}
	return it, err
}

func (c *conn) putItem(it item) {
	c.putIndex(it.index)
	if c.protocol < Protocol30 {
		return
	}
	c.putByte(byte(it.flags))
	c.putByte(byte(it.flags >> 8))
	if it.flags&itemBasis != 0 {
		c.putByte(it.basis)
	}
	if it.flags&itemName != 0 {
		c.putVstring(it.name)
	}
}

// phases is how many phases a transfer has: the files, those that arrived damaged and,
// since protocol 29, one more. Both sides end each of them with done.
func (c *conn) phases() int {
	if c.protocol < Protocol30 {
		return 2
	}
	return 3
}

// statCount is how many statistics a sender reports at the end.
func (c *conn) statCount() int {
	if c.protocol < Protocol30 {
		return 3
	}
	return 5
}

// skipStatistics reads them. They include times, which can be below zero.
func (c *conn) skipStatistics() error {
	for range c.statCount() {
		var err error
		if c.protocol < Protocol30 {
			_, err = c.long()
		} else {
			_, err = c.varlong(3)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// endPhase ends a phase. A receiver's goodbye is the same.
func (c *conn) endPhase() error {
	c.putIndex(done)
	return c.out.Flush()
}

// recvGoodbye reads a receiver's goodbye.
func (c *conn) recvGoodbye() error {
	last, err := c.index()
	if err == nil && last != done {
		err = violation("%d in the place of a goodbye", last)
	}
	return err
}
