package rsync

import (
	"encoding/binary"
	"io"
	"math"
	"math/bits"
)

// byte reads a byte.
func (c *conn) byte() (byte, error) {
	b, err := c.in.ReadByte()
	return b, unexpected(err)
}

func (c *conn) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c.in, b)
	return b, unexpected(err)
}

// int reads a number of four bytes.
func (c *conn) int() (int32, error) {
	var b [4]byte
	_, err := io.ReadFull(c.in, b[:])
	return int32(binary.LittleEndian.Uint32(b[:])), unexpected(err)
}

// count reads a number of four bytes from 0 to most.
func (c *conn) count(most int32) (int, error) {
	n, err := c.int()
	if err == nil && (n < 0 || n > most) {
		err = violation("a count of %d", n)
	}
	return int(n), err
}

// varint reads a number of one to five bytes. The leading 1 bits of the first byte say how
// many follow (io.c, read_varint).
func (c *conn) varint() (uint32, error) {
	n, err := c.varlong(1)
	if err == nil && n > math.MaxUint32 {
		err = violation("a number of %d", n)
	}
	return uint32(n), err
}

// varlong reads a number of shortest bytes or more (io.c, read_varlong).
func (c *conn) varlong(shortest int) (uint64, error) {
	var first, b [8]byte
	if _, err := io.ReadFull(c.in, first[:shortest]); err != nil {
		return 0, unexpected(err)
	}
	copy(b[:], first[1:shortest])
	more := min(bits.LeadingZeros8(^first[0]), 6)
	if shortest+more > 9 {
		return 0, violation("a number of %d bytes", shortest+more)
	}
	if _, err := io.ReadFull(c.in, b[shortest-1:shortest-1+more]); err != nil {
		return 0, unexpected(err)
	}
	if top := shortest - 1 + more; top < len(b) { // the other bits of the first byte are the highest
		b[top] = first[0] & (1<<(8-more) - 1)
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// varint30 reads a number from 0 to most: an int in protocol 27, a varint since 30 (io.h,
// read_varint30).
func (c *conn) varint30(most uint32) (n uint32, err error) {
	if c.protocol < Protocol30 {
		var i int32
		i, err = c.int()
		n = uint32(i)
	} else {
		n, err = c.varint()
	}
	if err == nil && n > most {
		err = violation("a count of %d", n)
	}
	return n, err
}

// long reads a size in bytes. In protocol 27 it takes four bytes, or twelve if the first
// four are all ones.
func (c *conn) long() (int64, error) {
	if c.protocol >= Protocol30 {
		return checkSize(c.varlong(3))
	}
	n, err := c.int()
	if err != nil || n != -1 {
		if n < 0 && err == nil {
			err = violation("a size of %d", n)
		}
		return int64(n), err
	}
	b, err := c.bytes(8)
	if err != nil {
		return 0, err
	}
	return checkSize(binary.LittleEndian.Uint64(b), nil)
}

// checkSize checks a size that a peer sent.
func checkSize(n uint64, err error) (int64, error) {
	if err == nil && n > math.MaxInt64/4 {
		err = violation("a size of %d", n)
	}
	return int64(n), err
}

// index reads the index of a file, or done. Since protocol 30 it is the difference from the
// previous one (io.c, read_ndx).
func (c *conn) index() (int32, error) {
	if c.protocol < Protocol30 {
		return c.int()
	}
	first, err := c.byte()
	switch {
	case err != nil:
		return 0, err
	case first == 0:
		return done, nil
	case first == 0xff:
		return 0, violation("an index that only incremental recursion has")
	}
	next := c.lastIn + int64(first)
	if first == 0xfe {
		b, err := c.bytes(2)
		if err != nil {
			return 0, err
		}
		next = c.lastIn + int64(binary.BigEndian.Uint16(b))
		if b[0]&0x80 != 0 { // the index itself: the highest byte, then the others, lowest first
			low, err := c.bytes(2)
			if err != nil {
				return 0, err
			}
			next = int64(binary.LittleEndian.Uint32([]byte{b[1], low[0], low[1], b[0] &^ 0x80}))
		}
	}
	if next > math.MaxInt32 {
		return 0, violation("index %d", next)
	}
	c.lastIn = next
	return int32(next), nil
}

// unexpected turns the end of a connection into an error: it ended in the middle of a
// transfer.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// The put functions write to a buffer, whose error the next Flush returns.

func (c *conn) putByte(b byte) { _ = c.out.WriteByte(b) }

func (c *conn) putInt(n int32) {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(n))
	_, _ = c.out.Write(b[:])
}

func (c *conn) putVarint(n uint32) { c.putVarlong(uint64(n), 1) }

func (c *conn) putVarlong(n uint64, shortest int) {
	var b [9]byte
	binary.LittleEndian.PutUint64(b[1:], n)
	used := 8
	for used > shortest && b[used] == 0 {
		used--
	}
	bit := byte(1 << (7 - used + shortest)) // what is free in the first byte
	switch {
	case b[used] >= bit:
		b[0] = ^(bit - 1)
		used++
	case used > shortest:
		b[0] = b[used] | ^(bit*2 - 1)
	default:
		b[0] = b[used]
	}
	_, _ = c.out.Write(b[:used])
}

func (c *conn) putVarint30(n uint32) {
	if c.protocol < Protocol30 {
		c.putInt(int32(n))
	} else {
		c.putVarint(n)
	}
}

func (c *conn) putLong(n int64) {
	if c.protocol >= Protocol30 {
		c.putVarlong(uint64(n), 3)
		return
	}
	if n <= math.MaxInt32 {
		c.putInt(int32(n))
		return
	}
	c.putInt(-1)
	_, _ = c.out.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func (c *conn) putIndex(n int32) {
	if c.protocol < Protocol30 {
		c.putInt(n)
		return
	}
	if n == done {
		c.putByte(0)
		return
	}
	switch more := int64(n) - c.lastOut; {
	case more > 0 && more < 0xfe:
		c.putByte(byte(more))
	case more >= 0 && more <= 0x7fff:
		_, _ = c.out.Write([]byte{0xfe, byte(more >> 8), byte(more)})
	default:
		_, _ = c.out.Write([]byte{0xfe, byte(n>>24) | 0x80, byte(n), byte(n >> 8), byte(n >> 16)})
	}
	c.lastOut = int64(n)
}
