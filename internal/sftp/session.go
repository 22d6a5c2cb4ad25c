// Package sftp moves one file over SFTP as fast as the line allows: bare packets
// of version 3 of the protocol (draft-ietf-secsh-filexfer-02), pipelined over
// several channels and connections.
//
// It is no general client: pkg/sftp is, but each of its calls waits for its own
// answers, and on a line of 50 ms that halves what these packets reach.
package sftp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// Types of packets (section 3).
const (
	typeInit          = 1
	typeVersion       = 2
	typeOpen          = 3
	typeClose         = 4
	typeRead          = 5
	typeWrite         = 6
	typeFstat         = 8
	typeOpendir       = 11
	typeReaddir       = 12
	typeStat          = 17
	typeStatus        = 101
	typeHandle        = 102
	typeData          = 103
	typeName          = 104
	typeAttrs         = 105
	typeExtended      = 200
	typeExtendedReply = 201
)

// Flags of Open (section 6.3).
const (
	Read     = 1
	Write    = 2
	Create   = 8
	Truncate = 16
)

// Codes of a StatusError (section 7).
const (
	CodeEOF              = 1
	CodeNoSuchFile       = 2
	CodePermissionDenied = 3
	CodeFailure          = 4
	CodeUnsupported      = 8
)

// StatusError is a server's refusal of one call.
type StatusError struct {
	Code    uint32
	Message string // of the server, for people; bounded
}

func (e *StatusError) Error() string {
	names := map[uint32]string{CodeEOF: "end of file", CodeNoSuchFile: "no such file", CodePermissionDenied: "permission denied", CodeFailure: "failure", CodeUnsupported: "not supported"}
	name := names[e.Code]
	if name == "" {
		name = fmt.Sprintf("status %d", e.Code)
	}
	if e.Message == "" {
		return "the SFTP server says: " + name
	}
	return fmt.Sprintf("the SFTP server says: %s (%s)", name, e.Message)
}

// HasCode tells whether err is a server's refusal with that code.
func HasCode(err error, code uint32) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && status.Code == code
}

// Bounds of what a server may send and be sent. OpenSSH takes packets of 256 KiB
// and announces 255 KiB of data in them; every server takes 32 KiB (section 3); one
// that announces next to nothing would be asked without end.
const (
	maxReply     = 256 << 10
	maxMessage   = 200
	leastPayload = 4 << 10
	safePayload  = 32 << 10
	mostPayload  = 255 << 10
)

var (
	errProtocol = errors.New("the SFTP server broke the protocol")
	errClosed   = errors.New("the SFTP session is closed")
)

// session is one SFTP session over one channel. Calls may come from several
// goroutines.
type session struct {
	channel io.ReadWriteCloser
	asked   *asked

	writing sync.Mutex
	packet  []byte // under writing

	mu        sync.Mutex
	readSize  int // bytes of data to ask for in a packet
	writeSize int // bytes of data to send in a packet
	next      uint32
	waiting   map[uint32]*call
	err       error // of the session, once it is over
}

// call is a request whose reply has not come.
type call struct {
	into []byte // where a reply's data goes
	done func(reply)
}

// reply is what came back: the body of a small packet, or the number of bytes
// of data.
type reply struct {
	kind byte
	body []byte
	n    int
	err  error
}

// newSession greets the server on a channel of the sftp subsystem, and asks for
// its limits, which come later. Its calls are counted in asked.
func newSession(channel io.ReadWriteCloser, asked *asked) (*session, error) {
	s := &session{channel: channel, asked: asked, readSize: safePayload, writeSize: safePayload, waiting: map[uint32]*call{}}
	if _, err := channel.Write([]byte{0, 0, 0, 5, typeInit, 0, 0, 0, 3}); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(channel, safePayload)
	kind, length, err := header(in)
	if err != nil {
		return nil, err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, err
	}
	version, extensions := take32(&body), map[string]string{}
	if kind != typeVersion || version == nil || *version < 3 {
		return nil, errProtocol
	}
	for len(body) > 0 {
		name, value := takeString(&body), takeString(&body)
		if name == nil || value == nil {
			return nil, errProtocol
		}
		extensions[string(name)] = string(value)
	}
	go s.receive(in)
	if extensions["limits@openssh.com"] != "1" {
		return s, nil
	}
	return s, s.send(typeExtended, appendString(nil, "limits@openssh.com"), 0, nil, &call{done: s.takeLimits})
}

// takeLimits takes over what the server announces (OpenSSH's PROTOCOL, section
// 4.8, "limits@openssh.com"). From a server that changed its mind, the sizes that
// all take will do.
func (s *session) takeLimits(r reply) {
	if r.err != nil || r.kind != typeExtendedReply {
		return
	}
	_, read, write := take64(&r.body), take64(&r.body), take64(&r.body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if read != nil && *read > 0 {
		s.readSize = int(min(max(*read, leastPayload), mostPayload))
	}
	if write != nil && *write > 0 {
		s.writeSize = int(min(max(*write, leastPayload), mostPayload))
	}
}

// sizes returns how many bytes of data a packet may ask for, and carry. Once a file is
// open the server has told its limits, if it answers in turn as OpenSSH does.
func (s *session) sizes() (read, write int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readSize, s.writeSize
}

// header reads a packet's length and type, and bounds the length of the rest.
func header(in io.Reader) (kind byte, length int, err error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, 0, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 1 || n > maxReply+64 {
		return 0, 0, errProtocol
	}
	return head[4], int(n) - 1, nil
}

// receive hands replies on until the channel ends.
func (s *session) receive(in io.Reader) {
	var err error
	for err == nil {
		err = s.receiveOne(in)
	}
	s.mu.Lock()
	s.err = err
	left := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	s.asked.less(len(left))
	for _, c := range left {
		c.done(reply{err: err})
	}
}

func (s *session) receiveOne(in io.Reader) error {
	kind, length, err := header(in)
	if err != nil {
		return err
	}
	var head [4]byte
	if length < 4 {
		return errProtocol
	}
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return err
	}
	id := binary.BigEndian.Uint32(head[:])
	s.mu.Lock()
	c, ok := s.waiting[id]
	delete(s.waiting, id)
	s.mu.Unlock()
	if !ok {
		return errProtocol
	}
	r, err := read(in, kind, length-4, c.into)
	s.asked.less(1) // not before all of it is here
	if err != nil {
		r = reply{err: err}
	}
	c.done(r)
	return err
}

// read takes the rest of a reply: data straight to where it is wanted.
func read(in io.Reader, kind byte, length int, into []byte) (reply, error) {
	if kind != typeData {
		body := make([]byte, length)
		_, err := io.ReadFull(in, body)
		return reply{kind: kind, body: body}, err
	}
	var head [4]byte
	if length < 4 {
		return reply{}, errProtocol
	}
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return reply{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if int64(n) != int64(length-4) || int(n) > len(into) || n == 0 {
		return reply{}, errProtocol
	}
	_, err := io.ReadFull(in, into[:n])
	return reply{kind: kind, n: int(n)}, err
}

// send sends a packet with n bytes of data at its end, which fill writes in
// place, and calls done with the reply unless it returns an error.
func (s *session) send(kind byte, payload []byte, n int, fill func([]byte) error, c *call) error {
	s.mu.Lock()
	if s.err != nil || s.waiting == nil {
		err := s.err
		s.mu.Unlock()
		return errors.Join(errClosed, err)
	}
	id := s.next
	s.next++
	s.waiting[id] = c
	s.mu.Unlock()
	s.asked.more()
	err := s.write(kind, id, payload, n, fill)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	_, ours := s.waiting[id]
	delete(s.waiting, id)
	s.mu.Unlock()
	if !ours {
		return nil // it was told already
	}
	s.asked.less(1)
	return err
}

func (s *session) write(kind byte, id uint32, payload []byte, n int, fill func([]byte) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	p := binary.BigEndian.AppendUint32(s.packet[:0], uint32(5+len(payload)+n))
	p = append(p, kind)
	p = binary.BigEndian.AppendUint32(p, id)
	p = append(p, payload...)
	if n > 0 {
		begin := len(p)
		p = slices.Grow(p, n)[:begin+n]
		if err := fill(p[begin:]); err != nil {
			return err
		}
	}
	s.packet = p
	_, err := s.channel.Write(p)
	return err
}

// ask sends a packet, and returns what waits for its reply; a status other than OK
// is an error.
func (s *session) ask(kind byte, payload []byte) (wait func() (reply, error)) {
	came := make(chan reply, 1)
	if err := s.send(kind, payload, 0, nil, &call{done: func(r reply) { came <- r }}); err != nil {
		return func() (reply, error) { return reply{}, err }
	}
	return func() (reply, error) {
		r := <-came
		if r.err == nil && r.kind == typeStatus {
			r.err = status(r.body)
		}
		return r, r.err
	}
}

// call asks and waits.
func (s *session) call(kind byte, payload []byte) (reply, error) { return s.ask(kind, payload)() }

// status is the error in the body of a status packet, nil for OK.
func status(body []byte) error {
	code := take32(&body)
	if code == nil {
		return errProtocol
	}
	if *code == 0 {
		return nil
	}
	message := takeString(&body) // some servers leave it out
	return &StatusError{Code: *code, Message: string(message[:min(len(message), maxMessage)])}
}

// open opens a file and returns its handle.
func (s *session) open(name string, flags uint32) (handle string, err error) {
	return handleOf(s.askOpen(name, flags)())
}

func (s *session) askOpen(name string, flags uint32) (wait func() (reply, error)) {
	payload := binary.BigEndian.AppendUint32(appendString(nil, name), flags)
	payload = binary.BigEndian.AppendUint32(payload, 0) // no attributes
	return s.ask(typeOpen, payload)
}

// openAndStat opens a file and tells of it, and waits for the server once where it
// can.
func (s *session) openAndStat(name string, flags uint32) (handle string, info Info, err error) {
	opened := s.askOpen(name, flags)
	told := s.ask(typeStat, appendString(nil, name))
	if handle, err = handleOf(opened()); err != nil {
		return "", Info{}, err
	}
	if info, err = infoOf(told()); err != nil { // a server may tell of open files alone
		info, err = s.stat(handle)
	}
	return handle, info, err
}

func handleOf(r reply, err error) (string, error) {
	if err != nil {
		return "", err
	}
	handle := takeString(&r.body)
	if r.kind != typeHandle || handle == nil {
		return "", errProtocol
	}
	return string(handle), nil
}

// closing sends a handle back, and returns what waits for its end.
func (s *session) closing(handle string) (wait func() error) {
	ended := s.ask(typeClose, appendString(nil, handle))
	return func() error {
		_, err := ended()
		return err
	}
}

// Info is what a server tells of a file.
type Info struct {
	Size     int64  // in bytes
	Modified uint32 // in seconds since 1970, 0 where it is not told
}

// Flags of attributes (section 5).
const (
	attrSize        = 1
	attrOwner       = 2
	attrPermissions = 4
	attrTimes       = 8
)

// stat tells of an open file.
func (s *session) stat(handle string) (Info, error) {
	return infoOf(s.call(typeFstat, appendString(nil, handle)))
}

func infoOf(r reply, err error) (Info, error) {
	if err != nil {
		return Info{}, err
	}
	flags := take32(&r.body)
	if r.kind != typeAttrs || flags == nil || *flags&attrSize == 0 {
		return Info{}, errProtocol
	}
	size := take64(&r.body)
	if size == nil || *size > 1<<62 {
		return Info{}, errProtocol
	}
	info := Info{Size: int64(*size)}
	if *flags&attrOwner != 0 {
		take64(&r.body)
	}
	if *flags&attrPermissions != 0 {
		take32(&r.body)
	}
	if *flags&attrTimes != 0 {
		take32(&r.body)
		if modified := take32(&r.body); modified != nil {
			info.Modified = *modified
		}
	}
	return info, nil
}

// maxNames bounds a listing.
const maxNames = 1000

// list returns the names in the folder that a session begins in.
func (s *session) list() ([]string, error) {
	handle, err := handleOf(s.call(typeOpendir, appendString(nil, ".")))
	if err != nil {
		return nil, err
	}
	var names []string
	for len(names) < maxNames {
		r, err := s.call(typeReaddir, appendString(nil, handle))
		if HasCode(err, CodeEOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		more, err := listed(r)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, s.closing(handle)()
}

// listed reads the names of one reply.
func listed(r reply) ([]string, error) {
	count := take32(&r.body)
	if r.kind != typeName || count == nil || *count == 0 {
		return nil, errProtocol
	}
	var names []string
	for range *count {
		name, long, flags := takeString(&r.body), takeString(&r.body), take32(&r.body)
		if name == nil || long == nil || flags == nil || *flags&^(attrSize|attrOwner|attrPermissions|attrTimes) != 0 {
			return nil, errProtocol
		}
		skip := 0
		for flag, width := range map[uint32]int{attrSize: 8, attrOwner: 8, attrPermissions: 4, attrTimes: 8} {
			if *flags&flag != 0 {
				skip += width
			}
		}
		if len(r.body) < skip {
			return nil, errProtocol
		}
		r.body = r.body[skip:]
		names = append(names, string(name))
	}
	return names, nil
}

// readAt asks for the bytes from offset on, len(into) of them, and calls done with
// how many came: fewer are no error. done must not block.
func (s *session) readAt(handle string, offset int64, into []byte, done func(int, error)) error {
	payload := binary.BigEndian.AppendUint64(appendString(nil, handle), uint64(offset))
	payload = binary.BigEndian.AppendUint32(payload, uint32(len(into)))
	return s.send(typeRead, payload, 0, nil, &call{into: into, done: func(r reply) {
		switch {
		case r.err == nil && r.kind == typeStatus:
			r.err = status(r.body)
			if r.err == nil {
				r.err = errProtocol
			}
		case r.err == nil && r.kind != typeData:
			r.err = errProtocol
		}
		done(r.n, r.err)
	}})
}

// writeAt sends n bytes of from, beginning at offset, and calls done when the
// server has them. done must not block.
func (s *session) writeAt(handle string, offset int64, n int, from io.ReaderAt, done func(error)) error {
	payload := binary.BigEndian.AppendUint64(appendString(nil, handle), uint64(offset))
	payload = binary.BigEndian.AppendUint32(payload, uint32(n))
	fill := func(b []byte) error { return fillFrom(from, b, offset) }
	return s.send(typeWrite, payload, n, fill, &call{done: func(r reply) {
		if r.err == nil && r.kind == typeStatus {
			r.err = status(r.body)
		} else if r.err == nil {
			r.err = errProtocol
		}
		done(r.err)
	}})
}

// readFull reads the bytes from offset on until b is full.
func (s *session) readFull(handle string, offset int64, b []byte) error {
	for len(b) > 0 {
		type answer struct {
			n   int
			err error
		}
		came := make(chan answer, 1)
		if err := s.readAt(handle, offset, b[:min(len(b), safePayload)], func(n int, err error) { came <- answer{n, err} }); err != nil {
			return err
		}
		a := <-came
		if a.err != nil {
			return a.err
		}
		b, offset = b[a.n:], offset+int64(a.n)
	}
	return nil
}

// SourceError says that the local file could not be read as it was.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns the file system's error.
func (e *SourceError) Unwrap() error { return e.Err }

func fillFrom(from io.ReaderAt, b []byte, offset int64) error {
	n, err := from.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &SourceError{err}
}

func appendString(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

// take32 takes a number off the front of b; nil where there is none.
func take32(b *[]byte) *uint32 {
	if len(*b) < 4 {
		*b = nil
		return nil
	}
	n := binary.BigEndian.Uint32(*b)
	*b = (*b)[4:]
	return &n
}

func take64(b *[]byte) *uint64 {
	if len(*b) < 8 {
		*b = nil
		return nil
	}
	n := binary.BigEndian.Uint64(*b)
	*b = (*b)[8:]
	return &n
}

// takeString takes a string off the front of b; nil where there is none.
func takeString(b *[]byte) []byte {
	n := take32(b)
	if n == nil || uint64(*n) > uint64(len(*b)) {
		*b = nil
		return nil
	}
	text := (*b)[:*n:*n]
	*b = (*b)[*n:]
	if text == nil {
		text = []byte{}
	}
	return text
}
