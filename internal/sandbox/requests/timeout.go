package requests

import (
	"io"
	"net/http"
	"time"
)

// How long a client may take to send a call, and, of a dump, to send anything at all.
const (
	callTime = 30 * time.Second
	idleTime = 2 * time.Minute
)

// LimitCall limits how long a client may take to send the body of a call. Call what it
// returns once the body was read: the connection is watched while the call is carried out.
func LimitCall(w http.ResponseWriter) (read func()) {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(callTime))
	return func() { _ = conn.SetReadDeadline(time.Time{}) }
}

// WithIdleTimeout returns a body that fails if nothing arrives for two minutes.
func WithIdleTimeout(w http.ResponseWriter, body io.ReadCloser) io.ReadCloser {
	return &idleBody{body, http.NewResponseController(w)}
}

type idleBody struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (b *idleBody) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(idleTime))
	n, err := b.ReadCloser.Read(p)
	_ = b.conn.SetReadDeadline(time.Time{})
	return n, err
}
