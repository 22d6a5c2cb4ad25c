package jsonrpc

import (
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/sandbox/requests"
)

// A login names no request: the user is the same for all of them, and a key is not a
// request's own, for anyone who knows a public key can create a request with it. So a
// transfer is known by its key and its port: of several with one key, each but the first has
// a port of its own.

// How many ports are open beside the first one, for all clients and for each.
const (
	maxPorts     = 100
	maxPortsEach = 10
)

// ports are those that were opened for transfers.
type ports struct {
	mu     sync.Mutex     // also while a transfer is opened: two must not get the same port
	open   map[int]func() // closes the port of a request's transfer
	shares requests.Shares
}

// forgetTransfers ends the transfers of an earlier process, except for those on the port that
// is served again: other requests may get the others.
func (s *Server) forgetTransfers() {
	s.ports.shares.All, s.ports.shares.Each = maxPorts, maxPortsEach
	for _, r := range s.Store.List() {
		if r.Transfer == "" || r.Port == s.Port {
			continue
		}
		if err := s.closeTransfer(r.ID); err != nil {
			s.Log("transfer: " + err.Error())
		}
	}
}

// openTransfer opens a transfer of a request for a client, and returns its port and the host
// key there; always says that it is to be a new one.
func (s *Server) openTransfer(client string, r requests.Record, kind string, always bool) (port string, hostKey ssh.PublicKey, err error) {
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	s.ports.close(r.ID)
	for id := range s.ports.open {
		if _, known := s.Store.Get(id); !known { // it has expired
			s.ports.close(id)
		}
	}
	port, hostKey = s.Port, s.HostKey
	if _, taken := s.transferOf(r.SSHKeys, port, r.ID); taken || always {
		release, ok := s.ports.shares.Take(client)
		if !ok {
			return "", nil, refusal("Too many transfers with the same SSH key are open: end one of them, or use a key for each request")
		}
		var closePort func()
		if port, hostKey, closePort, err = s.NewPort(); err != nil {
			release()
			return "", nil, err
		}
		if s.ports.open == nil {
			s.ports.open = map[int]func(){}
		}
		s.ports.open[r.ID] = func() { closePort(); release() }
	}
	_, err = s.Store.Update(r.ID, func(r *requests.Record) error {
		r.Transfer, r.Port = kind, port
		return nil
	})
	return port, hostKey, err
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
		return r.ID != except && r.Transfer != "" && r.Port == port &&
			slices.ContainsFunc(r.SSHKeys, func(key string) bool { return slices.Contains(keys, key) })
	})
}
