// Package sftp moves one file over SFTP as fast as the line allows: it schedules the
// packets of pkg/sftp's clients, one on each of several channels and connections.
//
// Connect to a server, Open a file in the Pool, and Put or Get its bytes. Alone, pkg/sftp
// uses one channel, on which SSH has at most 2 MiB in flight: at a round trip of 100 ms
// that is 20 MB/s.
package sftp

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pkg/sftp"

	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/stall"
)

// session is one SFTP session over one channel.
type session struct {
	client *sftp.Client
	wire   *wire
}

// newSession greets the server on a channel of the sftp subsystem. Its requests are counted
// in traffic.
func newSession(channel io.ReadWriteCloser, traffic *traffic) (*session, error) {
	w := newWire(channel, traffic)
	client, err := sftp.NewClientPipe(w, w, sftp.MaxPacketUnchecked(mostPayload))
	if err != nil {
		return nil, cmp.Or(w.cause(), err)
	}
	return &session{client, w}, nil
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
		return fmt.Sprintf("the server offers no SFTP: it sent no greeting within %v", stall.SFTPGreeting)
	}
	if e.Text == "" {
		return "the server offers no SFTP: it refused the subsystem, or closed it at once"
	}
	return fmt.Sprintf("the server offers no SFTP: in its place it sent %q", e.Text)
}

// greeted returns an error if what a server sends first, of which head was read with an
// error or without, is not a packet of SFTP.
func greeted(in *bufio.Reader, head []byte, err error) error {
	if errors.Is(err, io.EOF) {
		return &UnavailableError{Text: show.Line(string(head))}
	}
	if err != nil || binary.BigEndian.Uint32(head) <= maxReply {
		return err
	}
	text, _ := in.Peek(min(in.Buffered(), maxMessage))
	return &UnavailableError{Text: show.Line(string(text))}
}

// request sends the request of a call, and returns a function that waits for its result.
func request[T any](s *session, call func() (T, error)) (wait func() (T, error)) {
	type result struct {
		value T
		err   error
	}
	came := make(chan result, 1)
	s.wire.issue(nil, func() {
		value, err := call()
		came <- result{value, s.failed(err)}
	})
	return func() (T, error) {
		r := <-came
		return r.value, r.err
	}
}

// opening opens a file, with flags of package os, and returns a function that waits for it.
func (s *session) opening(name string, flags int) (wait func() (*sftp.File, error)) {
	return request(s, func() (*sftp.File, error) {
		file, err := s.client.OpenFile(name, flags)
		if err == nil && file == nil { // where the server says "OK" in place of a handle
			err = errProtocol
		}
		return file, err
	})
}

func (s *session) open(name string, flags int) (*sftp.File, error) { return s.opening(name, flags)() }

// openAndStat opens a file and returns what the server says about it, in one round
// trip if possible. If it is open, but its size is not known, the file is not nil.
func (s *session) openAndStat(name string, flags int) (file *sftp.File, info Info, err error) {
	opened := s.opening(name, flags)
	told := request(s, func() (os.FileInfo, error) { return s.client.Stat(name) })
	if file, err = opened(); err != nil {
		return nil, Info{}, err
	}
	if info, err = infoOf(told()); err != nil { // a server may only know open files
		info, err = s.stat(file)
	}
	return file, info, err
}

// closing closes a file, and returns a function that waits for the response.
func (s *session) closing(file *sftp.File) (wait func() error) {
	ended := request(s, func() (struct{}, error) { return struct{}{}, file.Close() })
	return func() error {
		_, err := ended()
		return err
	}
}

// Info is what a server says about a file.
type Info struct {
	Size     int64  // in bytes
	Modified uint32 // in seconds since 1970, 0 if not known
}

// stat returns what the server says about an open file.
func (s *session) stat(file *sftp.File) (Info, error) {
	return infoOf(request(s, file.Stat)())
}

// statName returns what the server says about a file by its name.
func (s *session) statName(name string) (Info, error) {
	return infoOf(request(s, func() (os.FileInfo, error) { return s.client.Stat(name) })())
}

func infoOf(told os.FileInfo, err error) (Info, error) {
	if err != nil {
		return Info{}, err
	}
	stat, _ := told.Sys().(*sftp.FileStat)
	if stat == nil || told.Size() < 0 { // where the server says "OK" in place of attributes
		return Info{}, errProtocol
	}
	return Info{Size: told.Size(), Modified: stat.Mtime}, nil
}

// list returns the names in the folder that a session starts in.
func (s *session) list() ([]string, error) {
	entries, err := request(s, func() ([]os.FileInfo, error) { return s.client.ReadDir(".") })()
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// readAt requests the bytes from offset on, and calls done when into is full, or with how
// many arrived before an error.
func (s *session) readAt(file *sftp.File, offset int64, into []byte, done func(int, error)) {
	s.wire.issue(nil, func() {
		n, err := readAt(file, into, offset)
		done(n, s.failed(err))
	})
}

// readAt reads until b is full. pkg/sftp returns fewer bytes without an error where the server
// says "OK" in place of data.
func readAt(file *sftp.File, b []byte, offset int64) (int, error) {
	n, err := file.ReadAt(b, offset)
	if err == nil && n < len(b) {
		err = errProtocol
	}
	return n, err
}

// writeAt sends bytes, beginning at offset, and calls done when the server has acknowledged
// them. They may change once the next request was issued.
func (s *session) writeAt(file *sftp.File, offset int64, bytes []byte, done func(error)) {
	s.wire.issue(bytes, func() {
		_, err := file.WriteAt(bytes, offset)
		done(s.failed(err))
	})
}

// readFull reads the bytes from offset on until b is full.
func (s *session) readFull(file *sftp.File, offset int64, b []byte) error {
	for len(b) > 0 {
		most, _ := s.wire.sizes()
		n, err := request(s, func() (int, error) { return readAt(file, b[:min(len(b), most)], offset) })()
		if err != nil {
			return err
		}
		b, offset = b[n:], offset+int64(n)
	}
	return nil
}
