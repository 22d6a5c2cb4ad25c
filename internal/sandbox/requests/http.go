package requests

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
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
func WithIdleTimeout(w http.ResponseWriter, body io.ReadCloser) *IdleBody {
	return &IdleBody{ReadCloser: body, conn: http.NewResponseController(w)}
}

// IdleBody is a body that fails if nothing arrives for too long.
type IdleBody struct {
	io.ReadCloser
	conn *http.ResponseController

	mu          sync.Mutex // of the deadline
	interrupted bool
}

// Read implements io.Reader.
func (b *IdleBody) Read(p []byte) (int, error) {
	b.deadline(time.Now().Add(idleTime))
	n, err := b.ReadCloser.Read(p)
	b.deadline(time.Time{})
	return n, err
}

func (b *IdleBody) deadline(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.interrupted {
		_ = b.conn.SetReadDeadline(at)
	}
}

// LimitRest limits how long the server, which reads what is left of a body that was refused,
// waits for it.
func (b *IdleBody) LimitRest() { b.deadline(time.Now().Add(callTime)) }

// Interrupt ends a Read that waits, and all that follow. To close the body would wait for
// that Read.
func (b *IdleBody) Interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interrupted = true
	_ = b.conn.SetReadDeadline(time.Unix(1, 0))
}

// RefuseGuess answers a client that sent too many wrong keys.
func RefuseGuess(w http.ResponseWriter, guess *GuessError) {
	w.Header().Set("Retry-After", strconv.Itoa(int(guess.Wait.Seconds())+1))
	http.Error(w, guess.Error(), http.StatusTooManyRequests)
}

// Origin returns the address of the server, as the client of a call sees it: its scheme
// and host, which a proxy may have told.
func Origin(r *http.Request) *url.URL {
	scheme := r.URL.Scheme
	if scheme == "" && r.TLS != nil {
		scheme = "https"
	}
	return &url.URL{Scheme: cmp.Or(scheme, "http"), Host: r.Host}
}
