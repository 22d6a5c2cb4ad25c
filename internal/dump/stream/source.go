package stream

import (
	"context"
	"io"
	"os"
)

// Source is a file that stops being readable when its context ends.
type Source struct {
	*os.File
	Ctx  context.Context
	Size int64 // in bytes
}

func (s *Source) Read(p []byte) (int, error) {
	if s.Ctx.Err() != nil {
		return 0, context.Cause(s.Ctx)
	}
	return s.File.Read(p)
}

// ReadAt is what zips are read by.
func (s *Source) ReadAt(p []byte, offset int64) (int, error) {
	if s.Ctx.Err() != nil {
		return 0, context.Cause(s.Ctx)
	}
	return s.File.ReadAt(p, offset)
}

// WriteTo hides *os.File's, which does not check the context.
func (s *Source) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{s})
}
