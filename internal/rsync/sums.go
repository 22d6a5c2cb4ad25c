package rsync

import (
	"encoding/binary"
	"hash"
)

// sumLength is the length of an MD4 sum, in bytes.
const sumLength = 16

// sumHead is how a file is cut into blocks.
type sumHead struct {
	count     int // blocks
	length    int // bytes of each
	sumLength int // bytes of each block's strong sum
	remainder int // bytes of the last block, 0 if it is a whole one
}

// size returns how many bytes block i has.
func (h sumHead) size(i int) int {
	if i == h.count-1 && h.remainder != 0 {
		return h.remainder
	}
	return h.length
}

func (c *conn) putHead(h sumHead) {
	for _, n := range []int{h.count, h.length, h.sumLength, h.remainder} {
		c.putInt(int32(n))
	}
}

func (c *conn) recvHead() (h sumHead, err error) {
	for _, field := range []struct {
		into *int
		most int32
	}{{&h.count, maxBlocks}, {&h.length, maxBlock}, {&h.sumLength, sumLength}, {&h.remainder, maxBlock}} {
		if *field.into, err = c.count(field.most); err != nil {
			return h, err
		}
	}
	if h.count > 0 && (h.length == 0 || h.remainder > h.length) {
		return h, violation("blocks of %d bytes, the last of %d", h.length, h.remainder)
	}
	return h, nil
}

// blockSum is the weak and the strong sum of a block.
type blockSum struct {
	weak   uint32
	strong [sumLength]byte
}

// weakSum is rsync's rolling checksum, of which only the value of a whole block is
// needed here (checksum.c, get_checksum1; bytes count as signed).
func weakSum(b []byte) uint32 {
	var s1, s2 uint32
	i := 0
	for ; i+4 < len(b); i += 4 {
		b0, b1, b2, b3 := uint32(int32(int8(b[i]))), uint32(int32(int8(b[i+1]))), uint32(int32(int8(b[i+2]))), uint32(int32(int8(b[i+3])))
		s2 += 4*(s1+b0) + 3*b1 + 2*b2 + b3
		s1 += b0 + b1 + b2 + b3
	}
	for ; i < len(b); i++ {
		s1 += uint32(int32(int8(b[i])))
		s2 += s1
	}
	return s1&0xffff | s2<<16
}

// strongSum is MD4 over a block and the seed (get_checksum2).
func strongSum(b []byte, seed uint32) (sum [sumLength]byte) {
	digest := newMD4()
	_, _ = digest.Write(b)
	if seed != 0 {
		_, _ = digest.Write(binary.LittleEndian.AppendUint32(nil, seed))
	}
	digest.Sum(sum[:0])
	return sum
}

// fileSum is MD4 over the seed and a whole file (sum_init).
func fileSum(seed uint32) hash.Hash {
	digest := newMD4()
	_, _ = digest.Write(binary.LittleEndian.AppendUint32(nil, seed))
	return digest
}
