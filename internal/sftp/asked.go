package sftp

import (
	"sync"
	"time"
)

// asked counts the calls of all sessions whose answers have not come. A server may
// be alive by every keep-alive, and yet answer no call any more.
type asked struct {
	mu      sync.Mutex
	waiting int
	since   time.Time // of the last answer, or of the first call that waits
}

func (a *asked) more() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == 0 {
		a.since = time.Now()
	}
	a.waiting++
}

func (a *asked) less(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting -= n
	a.since = time.Now()
}

// unanswered is for how long calls have waited without any answer.
func (a *asked) unanswered() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == 0 {
		return 0
	}
	return time.Since(a.since)
}
