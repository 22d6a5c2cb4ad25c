package sftp

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"odoo-upgrade-action/internal/sshclient"
)

// Types of packets that wire knows (draft-ietf-secsh-filexfer-02, section 3).
const (
	typeInit          = 1
	typeVersion       = 2
	typeData          = 103
	typeName          = 104
	typeAttrs         = 105
	typeExtended      = 200
	typeExtendedReply = 201
)

// Limits of what a server may send and be sent. OpenSSH accepts packets of 256 KiB and
// announces 255 KiB of data in them; every server accepts 32 KiB (section 3); one that
// announces next to nothing would need requests without end.
const (
	maxReply     = 256 << 10
	maxMessage   = 200
	leastPayload = 4 << 10
	safePayload  = 32 << 10
	safeWrite    = 32_000 // with its header in one packet of SSH: ProFTPD drops what several channels interleave
	mostPayload  = 255 << 10
	maxListed    = 1 << 20 // bytes of names that a session may send
	crumb        = 512     // fewer bytes in a packet of data than any server has a reason for
	maxCrumbs    = 128     // that a session may send
)

var (
	errProtocol = errors.New("the SFTP server violated the protocol")
	errClosed   = errors.New("the SFTP session is closed")
	errTrickle  = errors.New("the server sends only a few bytes at a time")
)

// wire stands between pkg/sftp and a channel, and adds what pkg/sftp lacks: it sees a text in
// the place of SFTP, requests the server's limits, bounds what a server may send, knows when a
// request was sent, and sends each in one piece.
type wire struct {
	channel io.ReadWriteCloser
	traffic *traffic

	in        *bufio.Reader
	version   bool // has been read
	left      int  // bytes of a packet that pkg/sftp has not read yet
	data      int  // bytes of the file in it
	crumbs    int
	listed    int
	out       []byte               // of a packet that pkg/sftp has not written to its end
	expected  atomic.Pointer[byte] // see issue
	sent      chan struct{}        // a request was sent
	issuing   sync.Mutex
	over      chan struct{} // closed at the end of the last call that was issued
	readSize  atomic.Int64  // bytes of data to ask for in a packet
	writeSize atomic.Int64  // bytes of data to send in a packet

	mu      sync.Mutex
	waiting int   // requests without a response
	failure error // why the wire has ended
}

func newWire(channel io.ReadWriteCloser, traffic *traffic) *wire {
	w := &wire{channel: channel, traffic: traffic, in: bufio.NewReaderSize(channel, safePayload), sent: make(chan struct{}, 1)}
	w.readSize.Store(safePayload)
	w.writeSize.Store(safeWrite)
	return w
}

// Read reads of one packet at a time, which was checked before its first byte is passed on.
func (w *wire) Read(b []byte) (int, error) {
	if w.left == 0 {
		if err := w.next(); err != nil {
			return 0, w.end(err)
		}
	}
	n, err := w.in.Read(b[:min(len(b), w.left)])
	if w.left -= n; w.left == 0 && n > 0 {
		if w.version {
			w.count(-1)
		}
		w.traffic.data(w.data)
		w.version, w.data = true, 0
	}
	if err != nil {
		err = w.end(err)
	}
	return n, err
}

// count adds to the requests that have no response yet.
func (w *wire) count(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure == nil {
		w.waiting += n
		w.traffic.add(n)
	}
}

// next waits for the next packet that is for pkg/sftp.
func (w *wire) next() error {
	for {
		head, err := w.in.Peek(5)
		if !w.version {
			err = greeted(w.in, head, err)
		}
		if err != nil {
			return err
		}
		length := int(binary.BigEndian.Uint32(head)) + 4
		if length < 5 || w.version && length < 9 || length > maxReply+64 {
			return errProtocol
		}
		if w.version {
			if head, err = w.in.Peek(9); err != nil {
				return err
			}
		}
		if own := w.version && binary.BigEndian.Uint32(head[5:]) == limitsID; !own {
			w.left = length
			return w.check(head[4], length)
		}
		if err := w.takeLimits(head[4], length); err != nil {
			return err
		}
	}
}

// check returns an error for a packet that pkg/sftp would take too long over, or keep too
// much of.
func (w *wire) check(kind byte, length int) error {
	switch {
	case !w.version:
		return w.askLimits(kind, length)
	case kind == typeName:
		if w.listed += length; w.listed > maxListed {
			return errProtocol
		}
	case kind == typeAttrs:
		b, err := w.in.Peek(min(length, 13))
		if err != nil || len(b) < 13 || b[12]&1 == 0 { // without a size
			return cmp.Or(err, errProtocol)
		}
	case kind == typeData:
		b, err := w.in.Peek(min(length, 13))
		if err != nil || len(b) < 13 || length == 13 || int64(binary.BigEndian.Uint32(b[9:])) != int64(length-13) {
			return cmp.Or(err, errProtocol)
		}
		if w.data = length - 13; w.data < crumb {
			w.crumbs++
		}
		if w.crumbs > maxCrumbs {
			return errTrickle
		}
	}
	return nil
}

// limits is the extension by which a server says how large packets may be (OpenSSH's
// PROTOCOL, section 4.8); limitsID marks the request for it: those of pkg/sftp begin at 1.
const (
	limits   = "limits@openssh.com"
	limitsID = 0
)

// askLimits requests the limits if the server's greeting announces them. They arrive later:
// once a file is open they are known, if the server responds in order as OpenSSH does.
func (w *wire) askLimits(kind byte, length int) error {
	b, err := w.in.Peek(min(length, safePayload))
	if err != nil || kind != typeVersion || len(b) < 9 {
		return cmp.Or(err, errProtocol)
	}
	extension := binary.BigEndian.AppendUint32(nil, uint32(len(limits)))
	extension = append(extension, limits...)
	if !containsPair(b[9:], limits, "1") {
		return nil
	}
	request := binary.BigEndian.AppendUint32(nil, uint32(5+len(extension)))
	request = binary.BigEndian.AppendUint32(append(request, typeExtended), limitsID)
	_, err = w.channel.Write(append(request, extension...)) // pkg/sftp sends nothing before it has the greeting
	return err
}

// containsPair reports whether a list of strings has that name with that value.
func containsPair(list []byte, name, value string) bool {
	for len(list) > 0 {
		n, v := takeString(&list), takeString(&list)
		if string(n) == name && string(v) == value {
			return true
		}
	}
	return false
}

// takeLimits applies the limits that the server sends. If it does not send them after all,
// the sizes that every server accepts will do.
func (w *wire) takeLimits(kind byte, length int) error {
	b, err := w.in.Peek(min(length, safePayload))
	if err != nil || length > safePayload {
		return cmp.Or(err, errProtocol)
	}
	if kind == typeExtendedReply && length >= 9+24 {
		for i, size := range []*atomic.Int64{&w.readSize, &w.writeSize} {
			if n := binary.BigEndian.Uint64(b[9+8+8*i:]); n > 0 {
				size.Store(int64(min(max(n, leastPayload), mostPayload)))
			}
		}
	}
	_, err = w.in.Discard(length)
	return err
}

// takeString removes a string from the front of b, all of b if there is none.
func takeString(b *[]byte) []byte {
	if len(*b) < 4 || uint64(binary.BigEndian.Uint32(*b)) > uint64(len(*b)-4) {
		*b = nil
		return nil
	}
	end := 4 + binary.BigEndian.Uint32(*b)
	text := (*b)[4:end]
	*b = (*b)[end:]
	return text
}

// Write gathers a packet, which pkg/sftp writes in two parts, and sends it when it is whole. A
// small one stays in one packet of SSH.
func (w *wire) Write(b []byte) (int, error) {
	n := min(len(b), max(0, safePayload-len(w.out)))
	w.out = append(w.out, b[:n]...)
	rest := b[n:]
	if len(w.out) < 5 || len(w.out)+len(rest) < 4+int(binary.BigEndian.Uint32(w.out)) {
		w.out = append(w.out, rest...)
		return len(b), nil
	}
	greeting := w.out[4] == typeInit
	if !greeting {
		w.count(1)
	}
	_, err := w.channel.Write(w.out)
	if err == nil && len(rest) > 0 {
		_, err = w.channel.Write(rest)
	}
	w.out = w.out[:0]
	if expected := w.expected.Load(); expected == nil || expected == &b[0] {
		select {
		case w.sent <- struct{}{}:
		default:
		}
	}
	if err != nil && !greeting { // else what the server has sent says more
		return 0, w.end(err)
	}
	return len(b), nil
}

// issue calls call in the background, as soon as the request of the last call that was issued
// was sent, so that requests stay in order. That one's payload may change then.
func (w *wire) issue(payload []byte, call func()) {
	w.issuing.Lock()
	defer w.issuing.Unlock()
	w.wait()
	select {
	case <-w.sent: // of a call that has ended as well
	default:
	}
	var expected *byte
	if len(payload) > 0 {
		expected = &payload[0]
	}
	w.expected.Store(expected)
	over := make(chan struct{})
	w.over = over
	go func() {
		defer close(over)
		call()
	}()
}

// settle returns once the request of the last call was sent.
func (w *wire) settle() {
	w.issuing.Lock()
	defer w.issuing.Unlock()
	w.wait()
}

// wait waits until the request of the last call was sent. The caller holds the lock.
func (w *wire) wait() {
	if w.over != nil {
		select {
		case <-w.sent:
		case <-w.over:
		}
		w.over = nil
	}
}

// end ends the wire; the first error counts, and is returned.
func (w *wire) end(err error) error {
	w.mu.Lock()
	first := w.failure == nil
	if first {
		w.failure = sshclient.Ended(err)
		w.traffic.add(-w.waiting)
	}
	failure := w.failure
	w.mu.Unlock()
	if first {
		_ = w.channel.Close() // else a write that waits for the server would keep pkg/sftp from ending
	}
	return failure
}

// cause returns why the wire has ended, nil if it has not.
func (w *wire) cause() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// Close ends the wire.
func (w *wire) Close() error {
	_ = w.end(errClosed)
	return nil
}

// sizes returns how many bytes of data a packet may request, and carry.
func (w *wire) sizes() (read, write int) { return int(w.readSize.Load()), int(w.writeSize.Load()) }
