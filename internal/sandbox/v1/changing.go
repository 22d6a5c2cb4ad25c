package v1

import (
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// changing makes the upgraded file of a request appear, over SFTP, as one that changes while
// it is downloaded: it is an earlier one until half of it was read.
type changing struct {
	kind string // growing or replaced

	mu     sync.Mutex
	number int // of earlier files that there were, each with a time of its own
	over   bool
}

// Change makes the request's file change while it is downloaded next; kind is growing
// or replaced.
func (s *Server) Change(id int, kind string) {
	s.changes.Lock()
	defer s.changes.Unlock()
	if s.changing == nil {
		s.changing = map[int]*changing{}
	}
	c := s.changing[id]
	if c == nil {
		c = new(changing)
		s.changing[id] = c
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kind, c.over = kind, false
	c.number++
}

// changeOf returns how the request's file changes, nil if it does not.
func (s *Server) changeOf(id int) *changing {
	s.changes.Lock()
	defer s.changes.Unlock()
	return s.changing[id]
}

// info describes the file as it is now.
func (c *changing) info(real os.FileInfo) os.FileInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return real
	}
	earlier := earlierInfo{real, real.Size(), real.ModTime().Add(time.Duration(c.number-1000) * time.Hour)}
	if c.kind == "growing" {
		earlier.size /= 2
	}
	return earlier
}

// earlierInfo describes an earlier file.
type earlierInfo struct {
	fs.FileInfo
	size    int64
	changed time.Time
}

func (e earlierInfo) Size() int64        { return e.size }
func (e earlierInfo) ModTime() time.Time { return e.changed }

// changingFile reads a file that changes.
type changingFile struct {
	*os.File
	change *changing
}

func (f *changingFile) ReadAt(b []byte, offset int64) (int, error) {
	real, err := f.Stat()
	if err != nil {
		return 0, err
	}
	f.change.mu.Lock()
	defer f.change.mu.Unlock()
	half := real.Size() / 2
	switch {
	case f.change.over:
		return f.File.ReadAt(b, offset)
	case f.change.kind == "growing" && offset >= half:
		return 0, io.EOF
	case f.change.kind == "growing":
		b = b[:min(int64(len(b)), half-offset)]
	}
	n, err := f.File.ReadAt(b, offset)
	if f.change.kind == "replaced" {
		for i := range b[:n] {
			b[i] ^= 0xff
		}
	}
	f.change.over = offset+int64(n) >= half
	return n, err
}
