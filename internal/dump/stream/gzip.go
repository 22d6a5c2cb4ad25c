package stream

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// Members reads a file of gzip to its end: one member after another, and zeros
// after the last, which backups on tape have and gzip accepts.
type Members struct {
	Padding int64 // zeros after the last member

	in     *bufio.Reader
	member *gzip.Reader
}

// NewMembers reads the head of the first member.
func NewMembers(compressed io.Reader) (*Members, error) {
	in := bufio.NewReaderSize(compressed, 256<<10)
	member, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &Members{in: in, member: member}, nil
}

func (m *Members) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil && len(p) > 0 { // members may be empty
		n, err = m.member.Read(p)
		if err == io.EOF {
			err = m.next()
		}
	}
	return n, err
}

// next starts the next member. It returns io.EOF after the last one.
func (m *Members) next() error {
	for {
		b, err := m.in.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			_ = m.in.UnreadByte()
			break
		}
		m.Padding++
	}
	if head, err := m.in.Peek(2); m.Padding > 0 || err == nil && string(head) != "\x1f\x8b" || errors.Is(err, io.EOF) && head[0] != 0x1f {
		return m.trailing()
	}
	if err := m.member.Reset(m.in); err != nil {
		return err
	}
	m.member.Multistream(false)
	return nil
}

// trailing says how many bytes are after the last member, with the zeros.
func (m *Members) trailing() error {
	n, err := io.Copy(io.Discard, m.in)
	if err != nil {
		return err
	}
	return &Refusal{fmt.Sprintf("has %d bytes after the end of the gzip data", m.Padding+n),
		"find out which step added them, or decompress and compress it again: gzip -dc FILE | gzip >NEW"}
}
