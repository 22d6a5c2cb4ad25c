package rsync

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// buffered is how many bytes are read and written at a time.
const buffered = 256 << 10

// conn is a connection to a peer, with the protocol's numbers on top.
type conn struct {
	in   *bufio.Reader
	out  *bufio.Writer
	said *messages // what the server says; nil on the server
	seed uint32    // of the checksums
}

// ErrNoGreeting says that a server ended before its first word: it did not accept the
// command.
var ErrNoGreeting = errors.New("the server did not start rsync")

// client greets a server (each side sends its version, the server then its seed). From
// here on the server's output is framed.
func client(rw io.ReadWriter) (*conn, error) {
	c := &conn{in: bufio.NewReaderSize(rw, buffered), out: bufio.NewWriterSize(rw, buffered), said: new(messages)}
	if err := c.greet(); err != nil {
		if IsBroken(err) {
			err = fmt.Errorf("%w: %w", ErrNoGreeting, err)
		}
		return c, err
	}
	seed, err := c.int()
	if err != nil {
		return c, err
	}
	c.seed = uint32(seed)
	c.in = bufio.NewReaderSize(&demux{in: c.in, said: c.said}, buffered)
	return c, nil
}

// server greets a client.
func server(rw io.ReadWriter, seed uint32) (*conn, error) {
	c := &conn{in: bufio.NewReaderSize(rw, buffered), out: bufio.NewWriterSize(rw, buffered), seed: seed}
	if err := c.greet(); err != nil {
		return c, err
	}
	c.putInt(int32(seed))
	if err := c.out.Flush(); err != nil {
		return c, err
	}
	c.out = bufio.NewWriterSize(&mux{rw}, buffered)
	return c, nil
}

func (c *conn) greet() error {
	c.putInt(protocol)
	if err := c.out.Flush(); err != nil {
		return err
	}
	version, err := c.int()
	if err != nil {
		return err
	}
	if version < oldest || version > 99 {
		return violation("version %d", version)
	}
	return nil
}

func (c *conn) byte() (byte, error) {
	b, err := c.in.ReadByte()
	return b, unexpected(err)
}

func (c *conn) int() (int32, error) {
	var b [4]byte
	_, err := io.ReadFull(c.in, b[:])
	return int32(binary.LittleEndian.Uint32(b[:])), unexpected(err)
}

// count reads a number from 0 to most.
func (c *conn) count(most int32) (int, error) {
	n, err := c.int()
	if err == nil && (n < 0 || n > most) {
		err = violation("a count of %d", n)
	}
	return int(n), err
}

// long reads a number of bytes: four of them, or twelve if the first four are all ones.
func (c *conn) long() (int64, error) {
	n, err := c.int()
	if err != nil || n != -1 {
		if n < 0 && err == nil {
			err = violation("a size of %d", n)
		}
		return int64(n), err
	}
	var b [8]byte
	if _, err := io.ReadFull(c.in, b[:]); err != nil {
		return 0, unexpected(err)
	}
	size := binary.LittleEndian.Uint64(b[:])
	if size > math.MaxInt64/4 {
		return 0, violation("a size of %d", size)
	}
	return int64(size), nil
}

func (c *conn) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c.in, b)
	return b, unexpected(err)
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

func (c *conn) putLong(n int64) {
	if n <= math.MaxInt32 {
		c.putInt(int32(n))
		return
	}
	c.putInt(-1)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	_, _ = c.out.Write(b[:])
}

// A frame's first four bytes hold its length and, on top of base, its code: 0 for data,
// anything else for messages.
const (
	base      = 7
	codeError = 1 // MSG_ERROR_XFER
	maxFrame  = 1<<24 - 1
)

// demux reads the data out of a server's frames.
type demux struct {
	in   *bufio.Reader
	left int // bytes of the current frame
	said *messages
}

func (d *demux) Read(p []byte) (int, error) {
	for d.left == 0 {
		var head [4]byte
		if _, err := io.ReadFull(d.in, head[:]); err != nil {
			return 0, err
		}
		word := binary.LittleEndian.Uint32(head[:])
		code, length := int(word>>24)-base, int(word&maxFrame)
		switch {
		case code < 0 || code > 100:
			return 0, violation("a frame with code %d", code)
		case code == 0:
			d.left = length
		default:
			if err := d.said.read(d.in, length); err != nil {
				return 0, err
			}
		}
	}
	n, err := d.in.Read(p[:min(len(p), d.left)])
	d.left -= n
	return n, err
}

// messages is what a server says, for people; limited.
type messages struct{ text strings.Builder }

func (m *messages) read(in io.Reader, n int) error {
	keep := max(0, min(n, maxSaid-m.text.Len()))
	if _, err := io.CopyN(&m.text, in, int64(keep)); err != nil {
		return unexpected(err)
	}
	_, err := io.CopyN(io.Discard, in, int64(n-keep))
	return unexpected(err)
}

// mux frames a server's output.
type mux struct{ out io.Writer }

func (m *mux) Write(p []byte) (int, error) {
	var frame []byte
	for rest := p; len(rest) > 0; {
		n := min(len(rest), maxFrame)
		frame = binary.LittleEndian.AppendUint32(frame[:0], uint32(base)<<24|uint32(n))
		frame = append(frame, rest[:n]...)
		if _, err := m.out.Write(frame); err != nil {
			return len(p) - len(rest), err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// complain sends a message of the server's.
func complain(out io.Writer, text string) {
	text += "\n"
	frame := binary.LittleEndian.AppendUint32(nil, uint32(base+codeError)<<24|uint32(len(text)))
	_, _ = out.Write(append(frame, text...))
}
