package sftp

import (
	"encoding/binary"
	"io"
)

// open opens a file and returns its handle.
func (s *session) open(name string, flags uint32) (handle string, err error) {
	return handleOf(s.requestOpen(name, flags)())
}

func (s *session) requestOpen(name string, flags uint32) (wait func() (reply, error)) {
	payload := binary.BigEndian.AppendUint32(appendString(nil, name), flags)
	payload = binary.BigEndian.AppendUint32(payload, 0) // no attributes
	return s.request(typeOpen, payload)
}

// openAndStat opens a file and returns what the server says about it, in one round
// trip if possible.
func (s *session) openAndStat(name string, flags uint32) (handle string, info Info, err error) {
	opened := s.requestOpen(name, flags)
	told := s.request(typeStat, appendString(nil, name))
	if handle, err = handleOf(opened()); err != nil {
		return "", Info{}, err
	}
	if info, err = infoOf(told()); err != nil { // a server may only know open files
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

// closing closes a handle, and returns a function that waits for the response.
func (s *session) closing(handle string) (wait func() error) {
	ended := s.request(typeClose, appendString(nil, handle))
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

// Flags of attributes (section 5).
const (
	attrSize        = 1
	attrOwner       = 2
	attrPermissions = 4
	attrTimes       = 8
)

// stat returns what the server says about an open file.
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

// maxNames limits a listing.
const maxNames = 1000

// list returns the names in the folder that a session starts in.
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

// readAt requests the bytes from offset on, len(into) of them, and calls done with how
// many arrived: fewer are not an error. done must not block.
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

// writeAt sends n bytes of from, beginning at offset, and calls done when the server
// has acknowledged them. done must not block.
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
