package requests

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// How many wrong keys a client may send for a request, and how soon another one is
// forgiven.
const (
	maxGuesses   = 10
	guessPause   = 30 * time.Second
	guessClients = 10000 // pairs of client and request that are remembered
)

// guesses counts wrong keys, by the client's address and the request: a client that guesses
// the key of one request does not keep itself, or its neighbors, from others.
type guesses struct {
	mu   sync.Mutex
	seen map[guess]time.Time // when all of it is forgiven
}

type guess struct {
	client string
	id     int
}

// GuessError says that a client sent too many wrong keys.
type GuessError struct{ Wait time.Duration }

func (e *GuessError) Error() string {
	return fmt.Sprintf("too many wrong keys for this request: try again in %s", e.Wait.Round(time.Second))
}

// allow returns a *GuessError where no further key is checked now.
func (g *guesses) allow(client string, id int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	forgiven, ok := g.seen[guess{host(client), id}]
	if wait := time.Until(forgiven) - (maxGuesses-1)*guessPause; ok && wait > 0 {
		return &GuessError{wait}
	}
	return nil
}

// count notes a wrong key.
func (g *guesses) count(client string, id int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil {
		g.seen = map[guess]time.Time{}
	}
	now := time.Now()
	if len(g.seen) >= guessClients {
		g.forget(now)
	}
	key := guess{host(client), id}
	from := g.seen[key]
	if from.Before(now) {
		from = now
	}
	g.seen[key] = from.Add(guessPause)
}

// forget drops entries to stay below the limit: those that are forgiven, or else any.
func (g *guesses) forget(now time.Time) {
	for key, forgiven := range g.seen {
		if forgiven.Before(now) {
			delete(g.seen, key)
		}
	}
	for key := range g.seen {
		if len(g.seen) < guessClients {
			return
		}
		delete(g.seen, key)
	}
}

// host is a client's address without its port, of IPv6 its network: a client has all of a
// /64 to itself.
func host(client string) string {
	name, _, err := net.SplitHostPort(client)
	if err != nil {
		name = client
	}
	if ip := net.ParseIP(name); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return name
}
