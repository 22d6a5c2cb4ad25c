// Package jsonrpc is how a sandbox speaks the protocol of the vendor's current upgrade
// script: JSON-RPC calls, a log that grows, and rsync over SSH.
//
// It shares no type with internal/platform/jsonrpc on purpose: a wrong name in a shared one
// would cancel out.
package jsonrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/sandbox/fault"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// Server answers for the requests in a store.
type Server struct {
	Store     *requests.Store
	Start     func(id int) // has a request processed
	Contracts []string     // the contracts that are known; none: every well-formed one
	Targets   []string     // the versions that there are
	Faults    *fault.Set
	HostKey   ssh.PublicKey
	Port      string // of the SSH server
	// NewPort opens another port for the SSH server, with a host key of its own, until it is
	// closed.
	NewPort func() (port string, hostKey ssh.PublicKey, closePort func(), err error)
	Log     func(string)

	ports ports
}

// maxBody limits the body of a call.
const maxBody = 1 << 20

// refusal is what a call is refused with.
type refusal string

func (r refusal) Error() string { return string(r) }

// Serve adds the calls to mux, until ctx ends.
func (s *Server) Serve(ctx context.Context, mux *http.ServeMux) {
	s.forgetTransfers()
	for path, call := range map[string]struct {
		subject string
		do      func(*http.Request, params) (map[string]any, error)
	}{
		"create":         {"rpc-create", s.create},
		"transfer/start": {"transfer-start", s.startTransfer},
		"transfer/stop":  {"transfer-stop", s.stopTransfer},
		"process":        {"rpc-process", s.process},
		"status":         {"rpc-status", s.status},
	} {
		mux.HandleFunc("POST /upgrade/request/"+path, s.Faults.Web(ctx, call.subject, func(w http.ResponseWriter, r *http.Request) {
			s.answer(w, r, path, call.do)
		}))
	}
	mux.HandleFunc("GET /upgrade/request/logs", s.Faults.Web(ctx, "logs", s.logs))
}

// params are a call's.
type params struct {
	Contract string   `json:"contract"`
	Target   string   `json:"target"`
	Aim      string   `json:"aim"`
	EnvVars  []string `json:"env_vars"`
	SSHKey   string   `json:"ssh_key"`

	Token        string `json:"token"`
	TransferType string `json:"transfer_type"`
}

// answer carries out a call. The script reads a response only if it has a length, and
// expects a dictionary in it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, path string, do func(*http.Request, params) (map[string]any, error)) {
	var call struct {
		Params params `json:"params"`
	}
	done := requests.LimitCall(w)
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&call)
	done()
	if err != nil {
		http.Error(w, "the body is not a JSON-RPC call", http.StatusBadRequest)
		return
	}
	result, err := do(r, call.Params)
	var (
		refused refusal
		guess   *requests.GuessError
	)
	switch {
	case errors.As(err, &guess):
		s.Log(path + ": " + err.Error())
		requests.RefuseGuess(w, guess)
		return
	case errors.As(err, &refused):
		s.Log(path + ": refused: " + refused.Error())
		result = map[string]any{"error": refused.Error()}
	case err != nil:
		s.Log(path + ": " + err.Error())
		http.Error(w, "internal error of the sandbox", http.StatusInternalServerError)
		return
	default:
		s.Log(path + ": ok")
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": "not_used", "result": result})
	if err != nil {
		http.Error(w, "internal error of the sandbox", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func (s *Server) create(r *http.Request, p params) (map[string]any, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(p.SSHKey))
	switch {
	case p.Contract == "" || len(s.Contracts) > 0 && !slices.Contains(s.Contracts, p.Contract):
		return nil, refusal("The subscription code is not valid: " + p.Contract)
	case !slices.Contains(s.Targets, p.Target) && !strings.HasPrefix(p.Target, "saas~"):
		return nil, refusal("The target version is not valid: " + p.Target)
	case p.Aim != "test" && p.Aim != "production":
		return nil, refusal("The aim is not valid: " + p.Aim)
	case err != nil:
		return nil, refusal("The SSH key is not valid")
	}
	created, err := s.Store.Create(requests.Record{
		Protocol: requests.ProtocolRPC,
		Contract: p.Contract, Target: p.Target, Aim: p.Aim, SSHKeys: []string{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))},
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"request_id": created.ID, "token": token(created), "assigned_host_uri": r.Host, "info": false}, nil
}

// token is what stands for a request and its key together.
func token(r requests.Record) string { return strconv.Itoa(r.ID) + "-" + r.Key }

// find returns the request that a token is for.
func (s *Server) find(call *http.Request, token string) (requests.Record, error) {
	id, key, _ := strings.Cut(token, "-")
	r, err := s.Store.Find(call.RemoteAddr, id, key)
	if errors.Is(err, requests.ErrNotFound) || err == nil && r.Protocol != requests.ProtocolRPC {
		return r, refusal("The token is not valid")
	}
	return r, err
}

// state is a request's state, in the script's words.
func state(r requests.Record) string {
	switch r.State {
	case requests.Draft:
		return "new"
	case requests.Delivered:
		return "done"
	}
	return r.State
}

func (s *Server) status(r *http.Request, p params) (map[string]any, error) {
	found, err := s.find(r, p.Token)
	if err != nil {
		return nil, err
	}
	reason := any(false)
	if found.HasEnded() {
		reason = found.Message
	}
	return map[string]any{"status": state(found), "host_uri": r.Host, "reason": reason, "archived": false}, nil
}

func (s *Server) startTransfer(r *http.Request, p params) (map[string]any, error) {
	found, err := s.find(r, p.Token)
	if err != nil {
		return nil, err
	}
	switch {
	case p.TransferType == "upload" && found.State == requests.Draft, p.TransferType == "download" && found.HasEnded():
	case p.TransferType == "upload" || p.TransferType == "download":
		return nil, refusal("No " + p.TransferType + " is possible for a request that is " + state(found))
	default:
		return nil, refusal("The transfer type is not valid: " + p.TransferType)
	}
	always := slices.ContainsFunc(s.Faults.Active("transfer-start"), func(f fault.Fault) bool { return f.Kind == "new-port" })
	port, hostKey, err := s.openTransfer(r.RemoteAddr, found, p.TransferType, always)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	number, err := strconv.Atoi(port)
	result := map[string]any{
		"ssh_port":    number,
		"known_hosts": host + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(hostKey))) + "\n",
	}
	if p.TransferType == "download" {
		result["dump_name"] = upgradedName(found)
	}
	return result, err
}

func (s *Server) stopTransfer(r *http.Request, p params) (map[string]any, error) {
	found, err := s.find(r, p.Token)
	if err == nil {
		err = s.closeTransfer(found.ID)
	}
	return map[string]any{}, err
}

func (s *Server) process(r *http.Request, p params) (map[string]any, error) {
	found, err := s.find(r, p.Token)
	if err != nil {
		return nil, err
	}
	now, err := s.Store.Submit(found.ID, func(r *requests.Record) error {
		if r.State != requests.Draft {
			return requests.ErrNotDraft
		}
		return nil
	})
	switch {
	case errors.Is(err, requests.ErrNoUpload):
		return nil, refusal("No dump was uploaded")
	case errors.Is(err, requests.ErrTooLarge):
		return nil, refusal("The upload is too large: " + err.Error())
	case errors.Is(err, requests.ErrNotDraft):
		return nil, refusal("The request is " + state(now) + ": only a new one can be processed")
	case err != nil:
		return nil, err
	}
	if err := s.closeTransfer(found.ID); err != nil {
		return nil, err
	}
	s.Start(found.ID)
	return map[string]any{"is_pg_version_compatible": true}, nil
}

// logs serves the log from a byte on. The script breaks on a 416, so that past the end
// there is nothing, and no error.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	found, err := s.find(r, r.URL.Query().Get("token"))
	if guess, ok := errors.AsType[*requests.GuessError](err); ok {
		requests.RefuseGuess(w, guess)
		return
	}
	if err != nil {
		http.Error(w, "the token is not valid", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	file, err := os.Open(s.Store.Path(found.ID, requests.LogFile))
	if err != nil {
		w.Header().Set("Content-Length", "0")
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		http.Error(w, "internal error of the sandbox", http.StatusInternalServerError)
		return
	}
	var from int64
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && from >= info.Size() {
		w.Header().Set("Content-Length", "0")
		return
	}
	http.ServeContent(w, r, "", time.Time{}, struct{ io.ReadSeeker }{file})
}
