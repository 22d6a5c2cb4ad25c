// Package v1 is how a sandbox speaks version 1 of the vendor's upgrade API: the HTTP
// methods, the files that a status links to, and the SFTP server of
// request_sftp_access.
//
// It is strict where the specification speaks, so that it finds the mistakes of its
// clients, ours included. It shares no type with internal/platform/v1 on purpose: a
// wrong name in a shared one would cancel out.
package v1

import (
	"context"
	"net/http"
	"sync"

	"odoo-upgrade-action/internal/sandbox/fault"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// Server answers for the requests in a store.
type Server struct {
	Store      *requests.Store
	Start      func(id int) // has a request processed
	About      string       // what the engine does, one sentence
	Contracts  []string     // the contracts that are known; none: every well-formed one
	Faults     *fault.Set
	SSHAddress string // of the SFTP server, host:port
	Log        func(string)

	ctx context.Context
	sql requests.Shares // conversions

	changes  sync.Mutex
	changing map[int]*changing // by a request's id; under changes
}

// Serve adds the API and the files to mux, until ctx ends. Call it once.
func (s *Server) Serve(ctx context.Context, mux *http.ServeMux) {
	s.ctx = ctx
	s.sql = requests.Shares{All: sqlAtOnce, Each: 1}
	for name, do := range map[string]method{
		"create":              create,
		"upload":              upload,
		"request_sftp_access": requestSFTPAccess,
		"process":             process,
		"skip_test":           skipTest,
		"status":              status,
	} {
		mux.HandleFunc(
			"/database/v1/"+name,
			s.Faults.Web(ctx, name, func(w http.ResponseWriter, r *http.Request) { s.call(w, r, name, do) }),
		)
	}
	s.files(mux)
}
