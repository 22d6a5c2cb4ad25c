package sftp

import (
	"sync"
	"time"
)

// outstanding counts the requests of all sessions that have no response yet. A server
// may respond to every keep-alive and yet to no request any more.
type outstanding struct {
	mu    sync.Mutex
	count int
	since time.Time // of the last response, or of the first request without one
}

func (o *outstanding) more() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == 0 {
		o.since = time.Now()
	}
	o.count++
}

func (o *outstanding) less(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count -= n
	o.since = time.Now()
}

// unanswered is for how long requests have waited without any response.
func (o *outstanding) unanswered() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == 0 {
		return 0
	}
	return time.Since(o.since)
}
