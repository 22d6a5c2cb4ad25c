package requests

import (
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
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
	seen map[guess]*rate.Limiter // a token for each guess that is left
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
	limit, ok := g.seen[guess{host(client), id}]
	if !ok {
		return nil
	}
	if missing := 1 - limit.Tokens(); missing > 0 {
		return &GuessError{time.Duration(missing * float64(guessPause))}
	}
	return nil
}

// count notes a wrong key.
func (g *guesses) count(client string, id int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil {
		g.seen = map[guess]*rate.Limiter{}
	}
	key := guess{host(client), id}
	if g.seen[key] == nil {
		if len(g.seen) >= guessClients {
			g.forget()
		}
		g.seen[key] = rate.NewLimiter(rate.Every(guessPause), maxGuesses)
	}
	g.seen[key].Allow()
}

// forget drops entries to stay below the limit: those that are forgiven, or else any.
func (g *guesses) forget() {
	for key, limit := range g.seen {
		if limit.Tokens() >= maxGuesses {
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
