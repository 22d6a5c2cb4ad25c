package jsonrpc

import (
	"slices"
	"sync"

	"odoo-upgrade-action/internal/sandbox/requests"
)

// A login names no request: the user is the same for all of them, and a key is not a
// request's own, for anyone who knows a public key can create a request with it. So a
// transfer is known by its key and its port: of several with one key, each but the first has
// a port of its own.

// maxPorts limits the ports that are open beside the first one.
const maxPorts = 100

// ports are those that were opened for transfers.
type ports struct {
	mu   sync.Mutex     // also while a transfer is opened: two must not get the same port
	open map[int]func() // closes the port of a request's transfer
}

// openTransfer opens a transfer of a request and returns its port; always says that it is
// to be a new one.
func (s *Server) openTransfer(r requests.Record, kind string, always bool) (port string, err error) {
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	s.ports.close(r.ID)
	port = s.Port
	if _, taken := s.transferOf(r.SSHKeys, port, r.ID); taken || always {
		if len(s.ports.open) >= maxPorts {
			return "", refusal("Too many transfers with the same SSH key are open: end one of them, or use a key for each request")
		}
		var closePort func()
		if port, closePort, err = s.NewPort(); err != nil {
			return "", err
		}
		if s.ports.open == nil {
			s.ports.open = map[int]func(){}
		}
		s.ports.open[r.ID] = closePort
	}
	_, err = s.Store.Update(r.ID, func(r *requests.Record) error {
		r.Transfer, r.Port = kind, port
		return nil
	})
	return port, err
}

// closeTransfer ends a request's transfer.
func (s *Server) closeTransfer(id int) error {
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	s.ports.close(id)
	_, err := s.Store.Update(id, func(r *requests.Record) error {
		r.Transfer, r.Port = "", ""
		return nil
	})
	return err
}

// close closes a request's own port, if it has one.
func (p *ports) close(id int) {
	if end := p.open[id]; end != nil {
		end()
		delete(p.open, id)
	}
}

// transferOf returns the request with a transfer on a port and one of the keys, authorized_keys
// lines, except for one request.
func (s *Server) transferOf(keys []string, port string, except int) (requests.Record, bool) {
	return s.Store.With(func(r requests.Record) bool {
		return r.ID != except && r.Transfer != "" && r.Port == port && slices.ContainsFunc(r.SSHKeys, func(key string) bool { return slices.Contains(keys, key) })
	})
}
