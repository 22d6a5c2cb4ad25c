package rsync

import (
	"crypto/md5"
	"encoding/binary"
	"hash"

	"github.com/cespare/xxhash/v2"
)

// Names of checksums. The first two are negotiated, the faster one first. MD5 is also for
// peers that cannot negotiate.
const (
	sumXXH64  = "xxh64"
	sumMD5    = "md5"
	sumMD5Old = "md5 without compatSeedFix"
	sumMD4    = "md4" // in protocol 27
)

var sumNames = []string{sumXXH64, sumMD5}

// maxSum is the length of the longest sum, in bytes.
const maxSum = 16

// sums are the algorithm by which files and blocks are compared. It protects against
// accidents only; every file travels over SSH.
type sums struct {
	size  int                            // of a sum, in bytes
	file  func() hash.Hash               // of a file
	block func(data []byte) [maxSum]byte // of a block; not safe for concurrent use
}

func newSums(name string, seed uint32) *sums {
	seedBytes := binary.LittleEndian.AppendUint32(nil, seed)
	switch name {
	case sumXXH64:
		return newXXH64(seed)
	case sumMD4:
		file := func() hash.Hash {
			h := newMD4()
			_, _ = h.Write(seedBytes)
			return h
		}
		return &sums{maxSum, file, blockSum(newMD4(), nil, seedBytes, seed)}
	case sumMD5Old:
		return &sums{maxSum, md5.New, blockSum(md5.New(), nil, seedBytes, seed)}
	}
	return &sums{maxSum, md5.New, blockSum(md5.New(), seedBytes, nil, seed)}
}

// blockSum takes the sum of a block between what comes before and after it, which is left
// out with a seed of 0 (checksum.c, get_checksum2).
func blockSum(h hash.Hash, before, after []byte, seed uint32) func(data []byte) [maxSum]byte {
	if seed == 0 {
		before, after = nil, nil
	}
	return func(data []byte) (sum [maxSum]byte) {
		h.Reset()
		for _, part := range [][]byte{before, data, after} {
			_, _ = h.Write(part)
		}
		h.Sum(sum[:0])
		return sum
	}
}

func newXXH64(seed uint32) *sums {
	block := xxhash.New()
	signed := uint64(int64(int32(seed))) // it is a signed int in rsync
	return &sums{8, func() hash.Hash { return littleEndian{xxhash.New()} }, func(data []byte) (sum [maxSum]byte) {
		block.ResetWithSeed(signed)
		_, _ = block.Write(data)
		binary.LittleEndian.PutUint64(sum[:], block.Sum64())
		return sum
	}}
}

// littleEndian is XXH64 as rsync sends it.
type littleEndian struct{ *xxhash.Digest }

func (l littleEndian) Sum(in []byte) []byte {
	return binary.LittleEndian.AppendUint64(in, l.Sum64())
}

// sumHead is how a file is cut into blocks.
type sumHead struct {
	count     int // blocks
	length    int // bytes of each
	sumLength int // bytes of each block's strong sum; rsync 3.2 may send more than there are
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
	}{{&h.count, maxBlocks}, {&h.length, maxBlock}, {&h.sumLength, maxSum}, {&h.remainder, maxBlock}} {
		if *field.into, err = c.count(field.most); err != nil {
			return h, err
		}
	}
	if h.count > 0 && (h.length == 0 || h.remainder > h.length) {
		return h, violation("blocks of %d bytes, the last of %d", h.length, h.remainder)
	}
	return h, nil
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
