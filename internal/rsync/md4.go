package rsync

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// md4 is MD4 (RFC 1320), the sum of protocol 27. That of golang.org/x/crypto takes most of
// a transfer's time: this one is more than twice as fast (BenchmarkMD4).
type md4 struct {
	state  [4]uint32
	rest   [md4Block]byte // what does not fill a block yet
	length uint64         // bytes in all
}

const md4Block = 64

func newMD4() hash.Hash {
	m := new(md4)
	m.Reset()
	return m
}

func (m *md4) Reset() {
	*m = md4{state: [4]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}}
}

func (m *md4) Size() int      { return maxSum }
func (m *md4) BlockSize() int { return md4Block }

func (m *md4) Write(p []byte) (int, error) {
	n, have := len(p), int(m.length%md4Block)
	m.length += uint64(n)
	if have > 0 {
		taken := copy(m.rest[have:], p)
		p = p[taken:]
		if have+taken < md4Block {
			return n, nil
		}
		m.blocks(m.rest[:])
	}
	whole := len(p) &^ (md4Block - 1)
	m.blocks(p[:whole])
	copy(m.rest[:], p[whole:])
	return n, nil
}

func (m *md4) Sum(in []byte) []byte {
	end := *m // so that the caller can keep writing
	padding := make([]byte, 1, 2*md4Block)
	padding[0] = 0x80
	for (end.length+uint64(len(padding)))%md4Block != md4Block-8 {
		padding = append(padding, 0)
	}
	_, _ = end.Write(binary.LittleEndian.AppendUint64(padding, m.length*8))
	for _, word := range end.state {
		in = binary.LittleEndian.AppendUint32(in, word)
	}
	return in
}

// The three rounds' steps. What does not need b, which is the newest, is added first.

func f(a, b, c, d, x uint32, s int) uint32 { return bits.RotateLeft32(a+x+(d^b&(c^d)), s) }
func g(a, b, c, d, x uint32, s int) uint32 {
	return bits.RotateLeft32(a+x+0x5a827999+c&d+b&(c^d), s)
}
func h(a, b, c, d, x uint32, s int) uint32 { return bits.RotateLeft32(a+x+0x6ed9eba1+(b^(c^d)), s) }

func word(p *[md4Block]byte, n int) uint32 { return binary.LittleEndian.Uint32(p[4*n:]) }

// blocks adds whole blocks.
func (m *md4) blocks(in []byte) {
	a, b, c, d := m.state[0], m.state[1], m.state[2], m.state[3]
	for ; len(in) >= md4Block; in = in[md4Block:] {
		p := (*[md4Block]byte)(in)
		a0, b0, c0, d0 := a, b, c, d
		a = f(a, b, c, d, word(p, 0), 3)
		d = f(d, a, b, c, word(p, 1), 7)
		c = f(c, d, a, b, word(p, 2), 11)
		b = f(b, c, d, a, word(p, 3), 19)
		a = f(a, b, c, d, word(p, 4), 3)
		d = f(d, a, b, c, word(p, 5), 7)
		c = f(c, d, a, b, word(p, 6), 11)
		b = f(b, c, d, a, word(p, 7), 19)
		a = f(a, b, c, d, word(p, 8), 3)
		d = f(d, a, b, c, word(p, 9), 7)
		c = f(c, d, a, b, word(p, 10), 11)
		b = f(b, c, d, a, word(p, 11), 19)
		a = f(a, b, c, d, word(p, 12), 3)
		d = f(d, a, b, c, word(p, 13), 7)
		c = f(c, d, a, b, word(p, 14), 11)
		b = f(b, c, d, a, word(p, 15), 19)
		a = g(a, b, c, d, word(p, 0), 3)
		d = g(d, a, b, c, word(p, 4), 5)
		c = g(c, d, a, b, word(p, 8), 9)
		b = g(b, c, d, a, word(p, 12), 13)
		a = g(a, b, c, d, word(p, 1), 3)
		d = g(d, a, b, c, word(p, 5), 5)
		c = g(c, d, a, b, word(p, 9), 9)
		b = g(b, c, d, a, word(p, 13), 13)
		a = g(a, b, c, d, word(p, 2), 3)
		d = g(d, a, b, c, word(p, 6), 5)
		c = g(c, d, a, b, word(p, 10), 9)
		b = g(b, c, d, a, word(p, 14), 13)
		a = g(a, b, c, d, word(p, 3), 3)
		d = g(d, a, b, c, word(p, 7), 5)
		c = g(c, d, a, b, word(p, 11), 9)
		b = g(b, c, d, a, word(p, 15), 13)
		a = h(a, b, c, d, word(p, 0), 3)
		d = h(d, a, b, c, word(p, 8), 9)
		c = h(c, d, a, b, word(p, 4), 11)
		b = h(b, c, d, a, word(p, 12), 15)
		a = h(a, b, c, d, word(p, 2), 3)
		d = h(d, a, b, c, word(p, 10), 9)
		c = h(c, d, a, b, word(p, 6), 11)
		b = h(b, c, d, a, word(p, 14), 15)
		a = h(a, b, c, d, word(p, 1), 3)
		d = h(d, a, b, c, word(p, 9), 9)
		c = h(c, d, a, b, word(p, 5), 11)
		b = h(b, c, d, a, word(p, 13), 15)
		a = h(a, b, c, d, word(p, 3), 3)
		d = h(d, a, b, c, word(p, 11), 9)
		c = h(c, d, a, b, word(p, 7), 11)
		b = h(b, c, d, a, word(p, 15), 15)
		a, b, c, d = a+a0, b+b0, c+c0, d+d0
	}
	m.state = [4]uint32{a, b, c, d}
}
