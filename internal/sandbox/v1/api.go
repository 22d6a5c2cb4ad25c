package v1

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"odoo-upgrade-action/internal/sandbox/requests"
)

// Bounds of what a call may send beside a dump.
const (
	maxForm = 1 << 20
	maxKeys = 64 << 10
)

// method answers one call: the value of the answer's key request, or failures.
type method func(s *Server, p parameters, r *http.Request) (any, []failure, error)

// call reads the parameters, runs the method and writes its answer. The
// specification's samples send GET and POST; refusals come with HTTP 200.
func (s *Server) call(w http.ResponseWriter, r *http.Request, name string, do method) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		http.Error(w, "use GET or POST", http.StatusMethodNotAllowed)
		return
	}
	p, err := read(w, r, name)
	if err != nil {
		http.Error(w, "unreadable parameters", http.StatusBadRequest)
		return
	}
	request, failures, err := do(s, p, r)
	if body, ok := r.Body.(*requests.IdleBody); ok {
		body.LimitRest()
	}
	if guess, ok := errors.AsType[*requests.GuessError](err); ok {
		s.Log(fmt.Sprintf("%s %s: %v", r.Method, name, err))
		requests.RefuseGuess(w, guess)
		return
	}
	if err != nil {
		s.Log(fmt.Sprintf("%s %s: %v", r.Method, name, err))
		http.Error(w, "internal error of the sandbox", http.StatusInternalServerError)
		return
	}
	s.Log(fmt.Sprintf("%s %s: %s", r.Method, name, describe(failures)))
	answer := map[string]any{"failures": []failure{}}
	if len(failures) > 0 {
		answer["failures"] = failures
	} else if request != nil {
		answer["request"] = request
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(answer)
}

func describe(failures []failure) string {
	if len(failures) == 0 {
		return "ok"
	}
	reasons := make([]string, len(failures))
	for i, f := range failures {
		reasons[i] = f.Reason
	}
	return "refused: " + strings.Join(reasons, ", ")
}

// read takes the parameters from the query, a form or a multipart form; of an
// upload from the query alone, for its body is the dump, whatever the content
// type says.
func read(w http.ResponseWriter, r *http.Request, name string) (parameters, error) {
	values := r.URL.Query()
	if name != "upload" {
		done := requests.LimitCall(w)
		defer done()
		if r.Method == http.MethodGet { // the documentation of Odoo 12 to 14 sends a GET with a body
			r.Method = http.MethodPost
			defer func() { r.Method = http.MethodGet }()
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if media == "multipart/form-data" {
			if err := r.ParseMultipartForm(maxForm); err != nil {
				return nil, err
			}
		}
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		values = r.Form
	} else {
		r.Body = requests.WithIdleTimeout(w, r.Body)
	}
	p := parameters{}
	for key := range values {
		p[key] = values.Get(key)
	}
	return p, nil
}

func create(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	if list := s.checkCreate(p); len(list) > 0 {
		return nil, list, nil
	}
	created, err := s.Store.Create(requests.Record{
		Protocol: requests.ProtocolV1,
		Contract: p["contract"], Email: p["email"], Target: p["target"], Aim: p["aim"], Filename: p["filename"], Timezone: p["timezone"],
	})
	if err != nil {
		return nil, nil, err
	}
	return s.view(created, r), nil, nil
}

// find returns the request that a call names. A wrong key and an unknown id
// are told alike: one must not be a way to find the other.
func (s *Server) find(p parameters, r *http.Request) (requests.Record, []failure, error) {
	if list := p.missing("key", "request"); len(list) > 0 {
		return requests.Record{}, list, nil
	}
	found, err := s.Store.Find(r.RemoteAddr, p["request"], p["key"])
	if errors.Is(err, requests.ErrNotFound) || err == nil && found.Protocol != requests.ProtocolV1 {
		return found, []failure{
			{Reason: "REQUEST:NOT_FOUND", Message: "Can not find request " + p["request"] + " with this key", Code: p["request"]},
		}, nil
	}
	return found, nil, err
}

func status(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures, err := s.find(p, r)
	if err != nil || failures != nil {
		return nil, failures, err
	}
	return s.view(found, r), nil, nil
}

// errState is returned by a change that is not for the request's state.
var errState = errors.New("not in this state")

func process(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures, err := s.find(p, r)
	if err != nil || failures != nil {
		return nil, failures, err
	}
	now, err := s.Store.Submit(found.ID, func(r *requests.Record) error {
		if r.State != requests.Draft {
			return errState
		}
		r.SSHKeys = nil
		return nil
	})
	if errors.Is(err, requests.ErrNoUpload) {
		return nil, []failure{{Reason: "DUMP:MISSING", Message: "No dump was uploaded for this request"}}, nil
	}
	if errors.Is(err, requests.ErrTooLarge) {
		return nil, []failure{s.tooLarge()}, nil
	}
	if errors.Is(err, errState) {
		return nil, []failure{wrongState(now.State, requests.Draft)}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	s.Start(found.ID)
	return nil, nil, nil
}

func skipTest(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures, err := s.find(p, r)
	if err != nil || failures != nil {
		return nil, failures, err
	}
	now, err := s.Store.Update(found.ID, func(r *requests.Record) error {
		if r.State == requests.Draft || r.HasEnded() && r.State != requests.Done {
			return errState
		}
		r.SkipTest = true
		if r.State == requests.Done {
			r.State = requests.Delivered
		}
		return nil
	})
	if errors.Is(err, errState) {
		return nil, []failure{wrongState(now.State, requests.Pending, requests.Progress, requests.Done)}, nil
	}
	return nil, nil, err
}
