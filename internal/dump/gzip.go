package dump

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// gzip inspects what is inside.
func (i *Info) gzip(in io.Reader) error {
	compressed := &counter{in: in}
	members, err := newMembers(compressed)
	if err != nil {
		return cutGzip(err)
	}
	c, err := recognize(&guard{in: members, compressed: func() int64 { return compressed.n }})
	if err != nil {
		return cutGzip(err)
	}
	i.Kind, i.Wrapped = c.kind, true
	switch {
	case c.kind == SQL:
		err = i.script(c.in)
		i.Compression = "gzip"
	case c.before == nil && (c.kind == Custom || c.kind == Tar):
		err = i.archive(c.in, -1)
	default:
		return c.refusalInGzip()
	}
	// What follows the dump is read too: gzip's own check is at the very end.
	if _, rest := io.Copy(io.Discard, c.in); rest != nil {
		return cutGzip(rest)
	}
	return cutGzip(err)
}

// members reads a file of gzip to its end: one member after another, and zeros
// after the last, which backups on tape have and gzip accepts.
type members struct {
	in     *bufio.Reader
	member *gzip.Reader
}

func newMembers(compressed io.Reader) (*members, error) {
	in := bufio.NewReaderSize(compressed, 256<<10)
	member, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &members{in, member}, nil
}

func (m *members) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil && len(p) > 0 { // members may be empty
		n, err = m.member.Read(p)
		if err == io.EOF {
			err = m.next()
		}
	}
	return n, err
}

// next starts the next member. It returns io.EOF after the last one.
func (m *members) next() error {
	padding := 0
	for {
		b, err := m.in.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			_ = m.in.UnreadByte()
			break
		}
		padding++
	}
	if head, err := m.in.Peek(2); padding > 0 || err == nil && string(head) != "\x1f\x8b" || errors.Is(err, io.EOF) && head[0] != 0x1f {
		return m.trailing(padding)
	}
	if err := m.member.Reset(m.in); err != nil {
		return err
	}
	m.member.Multistream(false)
	return nil
}

// trailing says how many bytes are after the last member, of which some were zeros.
func (m *members) trailing(zeros int) error {
	n, err := io.Copy(io.Discard, m.in)
	if err != nil {
		return err
	}
	return &refusal{fmt.Sprintf("has %d bytes after the end of the gzip data", int64(zeros)+n),
		"find out which step added them, or decompress and compress it again: gzip -dc FILE | gzip >NEW"}
}

// cutGzip says that a gzip stream ended early.
func cutGzip(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return truncated("in the gzip around it")
	}
	return err
}

// Bounds of what may come out of a compressed stream: dumps compress well, but
// there is a ratio that only bombs reach.
const (
	freeOutput = 64 << 20
	maxRatio   = 500
)

// guard stops a stream that decompresses to more than any dump does.
type guard struct {
	in         io.Reader
	compressed func() int64 // bytes that went in so far
	out        int64
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.in.Read(p)
	g.out += int64(n)
	if g.out > freeOutput && g.out > maxRatio*g.compressed() {
		return n, fmt.Errorf("it decompresses to more than %d times its size", maxRatio)
	}
	return n, err
}

// counter counts what is read through it.
type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}
