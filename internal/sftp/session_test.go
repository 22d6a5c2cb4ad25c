package sftp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/pkg/sftp"
)

// server stands for one that answers each packet with the next of its replies,
// whatever was asked.
type server struct {
	mu      sync.Mutex
	more    *sync.Cond
	replies [][]byte
	ready   bytes.Buffer
	held    int // packets to come before an answer
	closed  bool
}

// hold keeps answers back until that many packets more have come.
func (s *server) hold(packets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = packets
}

func newServer(replies ...[]byte) *server {
	s := &server{replies: replies}
	s.more = sync.NewCond(&s.mu)
	return s
}

// Write takes one packet of the client. Its id goes into the reply's place for
// one, so that replies fit calls.
func (s *server) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = max(0, s.held-1)
	switch {
	case len(s.replies) == 0:
		s.closed = true
	case s.replies[0] == nil:
		s.replies = s.replies[1:]
	default:
		reply := bytes.Clone(s.replies[0])
		s.replies = s.replies[1:]
		if len(reply) >= 9 && b[4] != typeInit {
			copy(reply[5:9], b[5:9])
		}
		s.ready.Write(reply)
		// Who waits for the rest of it waits in vain: a pool watches for that.
		s.closed = len(reply) < 5 || binary.BigEndian.Uint32(reply) != uint32(len(reply)-4)
	}
	s.more.Broadcast()
	return len(b), nil
}

func (s *server) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.ready.Len() == 0 || s.held > 0 {
		if s.closed {
			return 0, io.EOF
		}
		s.more.Wait()
	}
	return s.ready.Read(b)
}

func (s *server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.more.Broadcast()
	return nil
}

// unanswered stands for no reply.
var unanswered []byte

// packet frames a reply: its type, and behind the place of the id its body.
func packet(kind byte, body ...byte) []byte {
	p := binary.BigEndian.AppendUint32(nil, uint32(5+len(body)))
	return append(append(p, kind, 0, 0, 0, 0), body...)
}

func text(s string) []byte { return appendString(nil, s) }

func numbers(list ...uint32) (b []byte) {
	for _, n := range list {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// greet is a version packet: it has its version where others have an id.
func greet(version uint32, extensions ...string) []byte {
	body := numbers(version)
	for _, e := range extensions {
		body = append(body, text(e)...)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(1+len(body))), append([]byte{typeVersion}, body...)...)
}

func TestGreeting(t *testing.T) {
	limits := append(numbers(0, 1<<20), numbers(0, 65536, 0, 100_000, 0, 10)...)
	huge := append(numbers(0, 1<<31), numbers(1<<31, 0, 1<<31, 0, 0, 0)...)
	tiny := append(numbers(0, 1), numbers(0, 1, 0, 1, 0, 1)...)
	tests := map[string]struct {
		replies     [][]byte
		read, write int
		fails       bool
	}{
		"plain":                {[][]byte{greet(3)}, safePayload, safeWrite, false},
		"limits":               {[][]byte{greet(3, "limits@openssh.com", "1"), packet(typeExtendedReply, limits...)}, 65536, 100_000, false},
		"limits beyond all":    {[][]byte{greet(3, "limits@openssh.com", "1"), packet(typeExtendedReply, huge...)}, mostPayload, mostPayload, false},
		"limits of a byte":     {[][]byte{greet(3, "limits@openssh.com", "1"), packet(typeExtendedReply, tiny...)}, leastPayload, leastPayload, false},
		"limits cut short":     {[][]byte{greet(3, "limits@openssh.com", "1"), packet(typeExtendedReply, 1, 2)}, safePayload, safeWrite, false},
		"limits never told":    {[][]byte{greet(3, "limits@openssh.com", "1"), unanswered}, safePayload, safeWrite, false},
		"limits, then refused": {[][]byte{greet(3, "limits@openssh.com", "1"), packet(typeStatus, numbers(CodeUnsupported)...)}, safePayload, safeWrite, false},
		"version 2":            {[][]byte{greet(2)}, 0, 0, true},
		"half an extension":    {[][]byte{greet(3, "limits@openssh.com")}, 0, 0, true},
		"a length beyond all":  {[][]byte{{0xff, 0xff, 0xff, 0xff, typeVersion}}, 0, 0, true},
		"a length of nothing":  {[][]byte{{0, 0, 0, 0, typeVersion}}, 0, 0, true},
		"a shell's greeting":   {[][]byte{[]byte("Welcome to Debian GNU/Linux\n")}, 0, 0, true},
		"nothing but its end":  {[][]byte{{0}}, 0, 0, true},
		"an answer to no call": {[][]byte{append(greet(3, "limits@openssh.com", "1"), 0, 0, 0, 5, typeHandle, 0, 0, 0, 99)}, 0, 0, true},
		"data for limits":      {[][]byte{greet(3, "limits@openssh.com", "1"), packet(typeData, numbers(200)...)}, safePayload, safeWrite, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := newSession(newServer(append(test.replies, packet(typeHandle, text("h")...))...), new(traffic))
			if err == nil {
				_, err = s.open("x", os.O_RDONLY)
			}
			if err == nil {
				if read, write := s.wire.sizes(); read != test.read || write != test.write {
					t.Errorf("packets of %d and %d bytes", read, write)
				}
			}
			if (err != nil) != test.fails {
				t.Error(err)
			}
		})
	}
}

func TestStatOfTellsSizeAndTime(t *testing.T) {
	body := append(numbers(attrSize|attrOwner|attrPermissions|attrTimes), numbers(0, 12345, 1, 2, 0o644, 77, 99)...)
	s, err := newSession(newServer(greet(3), packet(typeAttrs, body...)), new(traffic))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := s.statName("x"); err != nil || info != (Info{Size: 12345, Modified: 99}) {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestOpeningWaitsOnce opens at a server that answers nothing before it was asked
// both for the file and for its size.
func TestOpeningWaitsOnce(t *testing.T) {
	opened, told := packet(typeHandle, text("h")...), packet(typeAttrs, append(numbers(attrSize), numbers(0, 5)...)...)
	refused := packet(typeStatus, numbers(CodePermissionDenied)...)
	for name, test := range map[string]struct {
		replies [][]byte
		err     bool
	}{
		"as it should be":      {[][]byte{opened, told}, false},
		"told of open files":   {[][]byte{opened, refused, told}, false},
		"not opened":           {[][]byte{refused, told}, true},
		"not told of anything": {[][]byte{opened, refused, refused}, true},
	} {
		t.Run(name, func(t *testing.T) {
			end := newServer(append([][]byte{greet(3)}, test.replies...)...)
			s, err := newSession(end, new(traffic))
			if err != nil {
				t.Fatal(err)
			}
			end.hold(2)
			handle, info, err := s.openAndStat("x", os.O_RDONLY)
			if (err != nil) != test.err || err == nil && (handle == nil || info.Size != 5) {
				t.Errorf("%+v, %+v, %v", handle, info, err)
			}
		})
	}
}

func open(t *testing.T, s *session) *sftp.File {
	t.Helper()
	file, err := s.open("x", os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestSettling closes at a server that could not keep what was written.
func TestSettling(t *testing.T) {
	s, err := newSession(newServer(greet(3), packet(typeHandle, text("a")...), packet(typeHandle, text("b")...), packet(typeStatus, numbers(0)...), packet(typeStatus, numbers(CodeFailure)...)), new(traffic))
	if err != nil {
		t.Fatal(err)
	}
	f := File{pool: &Pool{ctx: t.Context()}}
	for _, file := range []*sftp.File{open(t, s), open(t, s)} {
		f.leave(s.closing(file))
	}
	if err := f.Settle(); !HasCode(err, CodeFailure) {
		t.Error(err)
	}
	if err := f.Settle(); err != nil {
		t.Errorf("told twice: %v", err)
	}
}

func TestRefusalsAreTold(t *testing.T) {
	s, err := newSession(newServer(greet(3), packet(typeStatus, append(numbers(CodeFailure), text("not \"yours\"\n")...)...), packet(typeStatus, append(numbers(CodePermissionDenied), text("dropped")...)...), packet(typeStatus, numbers(77)...)), new(traffic))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.open("x", os.O_RDONLY); !HasCode(err, CodeFailure) || err.Error() != "the SFTP server says: failure (not \"yours\"\n)" {
		t.Error(err)
	}
	if _, err := s.open("x", os.O_RDONLY); !HasCode(err, CodePermissionDenied) || err.Error() != "the SFTP server says: permission denied" {
		t.Error(err)
	}
	if _, err := s.open("x", os.O_RDONLY); err == nil || err.Error() != "the SFTP server says: status 77" {
		t.Error(err)
	}
}

// TestWireBounds meets servers that send more, or less, than there is a reason for.
func TestWireBounds(t *testing.T) {
	repeat := func(n int, reply []byte) (list [][]byte) {
		for range n {
			list = append(list, reply)
		}
		return list
	}
	name := append(numbers(1), append(append(text(strings.Repeat("n", 60_000)), text("long")...), numbers(0)...)...)
	for title, c := range map[string]struct {
		replies [][]byte
		call    func(*session, *sftp.File) error
		want    error
	}{
		"no data":               {[][]byte{packet(typeData, text("")...)}, nil, errProtocol},
		"more than is said":     {[][]byte{packet(typeData, append(numbers(1), 'a', 'b')...)}, nil, errProtocol},
		"less than is said":     {[][]byte{packet(typeData, append(numbers(3), 'a', 'b')...)}, nil, errProtocol},
		"a byte at a time":      {repeat(500, packet(typeData, text("a")...)), nil, errTrickle},
		"a handle for data":     {[][]byte{packet(typeHandle, text("h")...)}, nil, errProtocol},
		"attributes, no size":   {[][]byte{packet(typeAttrs, numbers(0)...)}, func(s *session, f *sftp.File) error { _, err := s.stat(f); return err }, errProtocol},
		"a size below zero":     {[][]byte{packet(typeAttrs, numbers(attrSize, 1<<31, 0)...)}, func(s *session, f *sftp.File) error { _, err := s.stat(f); return err }, errProtocol},
		"OK for data":           {[][]byte{packet(typeStatus, numbers(0)...)}, nil, errProtocol},
		"OK for attributes":     {[][]byte{packet(typeStatus, numbers(0)...)}, func(s *session, f *sftp.File) error { _, err := s.stat(f); return err }, errProtocol},
		"OK for a handle":       {[][]byte{packet(typeStatus, numbers(0)...)}, func(s *session, _ *sftp.File) error { _, err := s.open("y", os.O_RDONLY); return err }, errProtocol},
		"names without end":     {append([][]byte{packet(typeHandle, text("d")...)}, repeat(100, packet(typeName, name...))...), func(s *session, _ *sftp.File) error { _, err := s.list(); return err }, errProtocol},
		"a status cut short":    {[][]byte{packet(typeStatus, 0, 0)}, nil, errProtocol},
		"the end of the server": {[][]byte{{0, 0}}, nil, io.ErrUnexpectedEOF},
	} {
		t.Run(title, func(t *testing.T) {
			end := newServer(append([][]byte{greet(3), packet(typeHandle, text("h")...)}, c.replies...)...)
			s, err := newSession(end, new(traffic))
			if err != nil {
				t.Fatal(err)
			}
			file := open(t, s)
			if c.call == nil {
				c.call = func(s *session, f *sftp.File) error { return s.readFull(f, 0, make([]byte, 1000)) }
			}
			if err := c.call(s, file); !errors.Is(err, c.want) && !(c.want == io.ErrUnexpectedEOF && errors.Is(err, io.EOF)) {
				t.Error(err)
			}
			if s.wire.traffic.count != 0 && s.wire.cause() != nil {
				t.Errorf("%d requests wait after the end", s.wire.traffic.count)
			}
		})
	}
}

// FuzzSession lets a server say anything: the session ends with an error or an
// answer, and bounds what it keeps.
func FuzzSession(f *testing.F) {
	f.Add([]byte{0})
	f.Add(append([]byte{0, 0, 11, typeHandle}, "\x00\x00\x00\x01h"...))
	f.Fuzz(func(t *testing.T, script []byte) {
		replies := [][]byte{greet(3)}
		for len(script) >= 3 {
			n := min(int(script[1])<<8|int(script[2]), len(script)-3)
			reply := script[3 : 3+n]
			if script[0]%4 != 0 && n > 0 { // framed as it should be
				reply = packet(reply[0], reply[1:]...)
			}
			replies, script = append(replies, reply), script[3+n:]
		}
		end := newServer(replies...)
		s, err := newSession(end, new(traffic))
		if err != nil {
			return
		}
		defer end.Close()
		handle, err := s.open("x", os.O_RDONLY)
		if err == nil {
			_, _ = s.stat(handle)
			var b [100]byte
			_ = s.readFull(handle, 7, b[:])
			names, _ := s.list()
			if len(names) > 1<<20 {
				t.Errorf("%d names were kept", len(names))
			}
		}
	})
}
