package fault

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// spoilt is an answer that goes wrong.
type spoilt struct {
	http.ResponseWriter
	kind string
	left int64
	text []byte
}

func (s *spoilt) WriteHeader(code int) {
	if s.kind == "cut" {
		s.ResponseWriter.WriteHeader(code)
	}
}

func (s *spoilt) Write(b []byte) (int, error) {
	switch s.kind {
	case "cut":
		n := min(int64(len(b)), s.left)
		_, _ = s.ResponseWriter.Write(b[:n])
		if s.left -= n; s.left <= 0 {
			_ = http.NewResponseController(s.ResponseWriter).Flush()
			panic(http.ErrAbortHandler)
		}
	case "truncated":
		s.text = append(s.text, b...)
	}
	return len(b), nil
}

// end sends what a spoilt answer sends after the call has taken effect.
func (s *spoilt) end() {
	switch s.kind {
	case "lost":
		panic(http.ErrAbortHandler)
	case "truncated":
		s.ResponseWriter.Header().Set("Content-Length", strconv.Itoa(len(s.text)))
		_, _ = s.ResponseWriter.Write(s.text[:len(s.text)/2])
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
}

// swapped is an answer about another file of the same size.
type swapped struct{ http.ResponseWriter }

func (s *swapped) WriteHeader(code int) {
	s.Header().Set("ETag", `"another"`)
	s.ResponseWriter.WriteHeader(code)
}

func (s *swapped) Write(b []byte) (int, error) {
	other := bytes.Clone(b)
	for n := range other {
		other[n] ^= 0xff
	}
	return s.ResponseWriter.Write(other)
}

// cutBody breaks the connection when that much of a body was read.
type cutBody struct {
	io.ReadCloser
	left int64
}

func (c *cutBody) Read(b []byte) (int, error) {
	if c.left <= 0 {
		panic(http.ErrAbortHandler)
	}
	n, err := c.ReadCloser.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// wrongTotal is an answer to a range that claims another size of the whole file
// (RFC 9110, section 14.4).
type wrongTotal struct{ http.ResponseWriter }

func (t *wrongTotal) WriteHeader(code int) {
	if part, total, ok := strings.Cut(t.Header().Get("Content-Range"), "/"); ok {
		n, _ := strconv.ParseInt(total, 10, 64)
		t.Header().Set("Content-Range", part+"/"+strconv.FormatInt(n+1000, 10))
	}
	t.ResponseWriter.WriteHeader(code)
}
