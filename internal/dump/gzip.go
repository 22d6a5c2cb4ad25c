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
	packed := &counter{in: in}
	unpacked, err := newMembers(packed)
	if err != nil {
		return cutGzip(err)
	}
	guarded := &guard{in: unpacked, packed: func() int64 { return packed.n }}
	inner := bufio.NewReaderSize(guarded, archiveBytes)
	head, err := inner.Peek(HeadSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return cutGzip(err)
	}
	i.Kind, i.Wrapped = Sniff(head), true
	switch i.Kind {
	case SQL:
		err = i.script(inner)
	case Custom, Tar:
		err = i.packed(inner, -1)
	default:
		i.refuseKind()
		return nil
	}
	if i.Kind == SQL {
		i.Compression = "gzip"
	}
	// What follows the dump is read too: gzip's own check is at the very end.
	if _, rest := io.Copy(io.Discard, inner); rest != nil {
		return cutGzip(rest)
	}
	return cutGzip(err)
}

// members reads a file of gzip to its end: one member after another, and zeros
// behind the last, which backups on tape have and gzip does not mind.
type members struct {
	in     *bufio.Reader
	member *gzip.Reader
}

func newMembers(packed io.Reader) (*members, error) {
	in := bufio.NewReaderSize(packed, 256<<10)
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
		if b != 0 && padding > 0 {
			return gzip.ErrHeader
		}
		if b != 0 {
			_ = m.in.UnreadByte()
			break
		}
		padding++
	}
	if err := m.member.Reset(m.in); err != nil {
		return err
	}
	m.member.Multistream(false)
	return nil
}

// cutGzip says that a gzip stream ended early.
func cutGzip(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return truncated("in the gzip around it")
	}
	return err
}

// Bounds of what may come out of a compressed stream: dumps pack well, but
// there is a ratio that only bombs reach.
const (
	freeOutput = 64 << 20
	maxRatio   = 500
)

// guard stops a stream that unpacks to more than any dump does.
type guard struct {
	in     io.Reader
	packed func() int64 // bytes that went in so far
	out    int64
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.in.Read(p)
	g.out += int64(n)
	if g.out > freeOutput && g.out > maxRatio*g.packed() {
		return n, fmt.Errorf("it unpacks to more than %d times its size", maxRatio)
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
