package rsync

import (
	"bufio"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"sync"
)

const (
	// bufferSize is how many bytes are read and written at a time. Over SSH, each read lets
	// the peer send that much more: small ones would have it send small packets.
	bufferSize = 256 << 10
	// demuxBuffer is small on purpose: a read that is larger goes straight to where it
	// belongs, and is not copied twice.
	demuxBuffer = 4 << 10
	// smallFrame is the largest frame that is written at once with its header.
	smallFrame = 4 << 10
)

// conn is a connection to a peer, with the protocol's numbers on top.
type conn struct {
	in   *bufio.Reader
	out  *bufio.Writer
	mux  *mux      // below out, where output is framed
	said *messages // what the peer says
	sums *sums

	protocol    Protocol
	varintFlags bool // see compatVarintFlags
	safeList    bool // see compatSafeList
	id0Names    bool // see compatID0Names

	lastIn, lastOut int64 // the index that was read last, and written: the next is sent as a difference
}

func newConn(rw io.ReadWriter) *conn {
	return &conn{
		in:      bufio.NewReaderSize(rw, bufferSize),
		out:     bufio.NewWriterSize(rw, bufferSize),
		said:    new(messages),
		lastIn:  -1,
		lastOut: -1,
	}
}

// A frame's first four bytes hold its length and, on top of base, its code: 0 for data,
// anything else for messages.
const (
	base        = 7
	codeError   = 1   // MSG_ERROR_XFER
	lastText    = 8   // MSG_ERROR_UTF8: up to here messages are text
	codeIOError = 22  // MSG_IO_ERROR: the sender could not read everything
	lastCode    = 102 // MSG_NO_SEND
	maxFrame    = 1<<24 - 1
)

// demux reads the data out of a peer's frames.
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
		case code < 0 || code > lastCode:
			return 0, violation("a frame with code %d", code)
		case code == 0:
			d.left = length
		default:
			if err := d.said.read(d.in, code, length); err != nil {
				return 0, err
			}
		}
	}
	n, err := d.in.Read(p[:min(len(p), d.left)])
	d.left -= n
	return n, err
}

// messages are a peer's messages for people, up to maxSaid bytes.
type messages struct {
	text   strings.Builder
	failed bool // it could not read everything
}

func (m *messages) read(in io.Reader, code, n int) error {
	keep := 0
	if code <= lastText {
		keep = max(0, min(n, maxSaid-m.text.Len()))
	}
	m.failed = m.failed || code == codeIOError
	if _, err := io.CopyN(&m.text, in, int64(keep)); err != nil {
		return unexpected(err)
	}
	_, err := io.CopyN(io.Discard, in, int64(n-keep))
	return unexpected(err)
}

// mux frames output.
type mux struct {
	mu  sync.Mutex // of a whole frame
	out io.Writer
}

func (m *mux) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), maxFrame)
		if err := m.frame(0, rest[:n]); err != nil {
			return len(p) - len(rest), err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// frame writes a frame: data, or a message.
func (m *mux) frame(code int, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	parts := [][]byte{frameHeader(code, len(data)), data}
	if len(data) <= smallFrame { // so that it is not split into two packets
		parts = [][]byte{slices.Concat(parts...)}
	}
	for _, part := range parts {
		if _, err := m.out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// frameHeader is the header of a frame of n bytes.
func frameHeader(code, n int) []byte {
	return binary.LittleEndian.AppendUint32(nil, uint32(base+code)<<24|uint32(n))
}
