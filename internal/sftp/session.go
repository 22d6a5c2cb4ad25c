// Package sftp moves one file over SFTP as fast as the line allows: bare packets
// of version 3 of the protocol (draft-ietf-secsh-filexfer-02), pipelined over
// several channels and connections.
//
// Connect to a server, Open a file in the Pool, and Put or Get its bytes. The package
// is not a general client: pkg/sftp is one, but each of its calls waits for its own
// responses, which halves the speed at a round trip of 50 ms.
package sftp

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"odoo-upgrade-action/internal/sshclient"
)

// session is one SFTP session over one channel. Calls may come from several
// goroutines.
type session struct {
	channel     io.ReadWriteCloser
	outstanding *outstanding

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

// newSession greets the server on a channel of the sftp subsystem, and requests its
// limits, which arrive later. Its requests are counted in waiting.
func newSession(channel io.ReadWriteCloser, waiting *outstanding) (*session, error) {
	s := &session{channel: channel, outstanding: waiting, readSize: safePayload, writeSize: safeWrite, waiting: map[uint32]*call{}}
	_, unsent := channel.Write([]byte{0, 0, 0, 5, typeInit, 0, 0, 0, 3})
	in := bufio.NewReaderSize(channel, safePayload)
	if err := greeted(in); err != nil || unsent != nil { // its message says more than the failed write
		return nil, cmp.Or(err, unsent)
	}
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

// UnavailableError says that a server offers no SFTP to this user, and what it sent in its
// place.
type UnavailableError struct {
	Text   string
	Silent bool   // it sent nothing for too long
	Denied string // what it said of a session that it did not allow
}

func (e *UnavailableError) Error() string {
	if e.Denied != "" {
		return fmt.Sprintf("the server offers no SFTP: it allows no session (%s)", e.Denied)
	}
	if e.Silent {
		return fmt.Sprintf("the server offers no SFTP: it sent no greeting within %v", lastGreeting)
	}
	if e.Text == "" {
		return "the server offers no SFTP: it refused the subsystem, or closed it at once"
	}
	return fmt.Sprintf("the server offers no SFTP: in its place it sent %q", e.Text)
}

// greeted returns an error if what a server sends first is not a packet of SFTP.
func greeted(in *bufio.Reader) error {
	head, err := in.Peek(5)
	if errors.Is(err, io.EOF) {
		return &UnavailableError{Text: printable(head)}
	}
	if err != nil || binary.BigEndian.Uint32(head) <= maxReply+64 {
		return err
	}
	text, _ := in.Peek(min(in.Buffered(), maxMessage))
	return &UnavailableError{Text: printable(text)}
}

// printable returns the text that a server sent, without anything else.
func printable(b []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || r < ' ' && r != '\n':
			return -1
		case r == '\n':
			return ' '
		}
		return r
	}, string(b)))
}

// takeLimits applies the limits that the server announces (OpenSSH's PROTOCOL, section
// 4.8, "limits@openssh.com"). If it does not send them after all, the sizes that every
// server accepts will do.
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

// sizes returns how many bytes of data a packet may request, and carry. Once a file is
// open the limits are known, if the server responds in order as OpenSSH does.
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

// receive passes replies on until the channel ends.
func (s *session) receive(in io.Reader) {
	var err error
	for err == nil {
		err = sshclient.Ended(s.receiveOne(in))
	}
	s.mu.Lock()
	s.err = err
	left := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	s.outstanding.less(len(left))
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
	r, err := readReply(in, kind, length-4, c.into)
	err = sshclient.Ended(err)
	s.outstanding.less(1) // not before all of it has arrived
	if err != nil {
		r = reply{err: err}
	}
	c.done(r)
	return err
}

// readReply reads the rest of a reply, data straight to where it belongs.
func readReply(in io.Reader, kind byte, length int, into []byte) (reply, error) {
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

// send sends a packet with n bytes of data at its end, which fill writes, and calls
// done with the reply unless it returns an error.
func (s *session) send(kind byte, payload []byte, n int, fill func([]byte) error, c *call) error {
	s.mu.Lock()
	if s.err != nil || s.waiting == nil {
		err := s.err
		s.mu.Unlock()
		return cmp.Or(err, errClosed)
	}
	id := s.next
	s.next++
	s.waiting[id] = c
	s.mu.Unlock()
	s.outstanding.more()
	err := s.write(kind, id, payload, n, fill)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	_, ours := s.waiting[id]
	delete(s.waiting, id)
	s.mu.Unlock()
	if !ours {
		return nil // done has been called
	}
	s.outstanding.less(1)
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
	return sshclient.Ended(err)
}

// request sends a packet, and returns a function that waits for its reply; a status
// other than OK is an error.
func (s *session) request(kind byte, payload []byte) (wait func() (reply, error)) {
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

// call sends a request and waits for its reply.
func (s *session) call(kind byte, payload []byte) (reply, error) { return s.request(kind, payload)() }
