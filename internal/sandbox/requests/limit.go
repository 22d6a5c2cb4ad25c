package requests

import (
	"errors"
	"io"
)

// ErrTooLarge says that an upload is larger than is allowed.
var ErrTooLarge = errors.New("the dump is larger than this sandbox takes")

// Limit returns an upload's body that fails with ErrTooLarge beyond MaxUpload.
func (s *Store) Limit(body io.Reader) io.Reader {
	if s.MaxUpload <= 0 {
		return body
	}
	return &limited{body, s.MaxUpload}
}

type limited struct {
	io.Reader
	left int64
}

func (l *limited) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if l.left -= int64(n); l.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

// maxHoles is how many bytes of an upload may be holes: some file systems store zeros like
// that.
const maxHoles = 16 << 20
