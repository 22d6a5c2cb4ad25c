package requests

import "sync"

// Shares hands out what a sandbox has little of, so that no client gets all of it.
type Shares struct {
	All, Each int // how many there are, and how many a client can have

	mu    sync.Mutex
	taken map[string]int // by client
	total int
}

// Take takes one for a client at an address, if there is one for it. Call release once it
// is not needed any more.
func (s *Shares) Take(client string) (release func(), ok bool) {
	client = host(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= s.All || s.taken[client] >= s.Each {
		return nil, false
	}
	if s.taken == nil {
		s.taken = map[string]int{}
	}
	s.total++
	s.taken[client]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.total--
		if s.taken[client]--; s.taken[client] == 0 {
			delete(s.taken, client)
		}
	}, true
}
