package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/dump"
)

// Bounds of what a call may send beside a dump.
const (
	maxForm = 1 << 20
	maxKeys = 64 << 10
)

// method answers one call: the value of the answer's key request, or failures.
type method func(s *Server, p parameters, r *http.Request) (any, []failure, error)

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for name, do := range map[string]method{
		"create":              create,
		"upload":              upload,
		"request_sftp_access": requestSFTPAccess,
		"process":             process,
		"skip_test":           skipTest,
		"status":              status,
	} {
		mux.HandleFunc("/database/v1/"+name, s.fail(name, func(w http.ResponseWriter, r *http.Request) { s.call(w, r, name, do) }))
	}
	s.pages(mux)
	return mux
}

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
	if err != nil {
		s.config.Log(fmt.Sprintf("%s %s: %v", r.Method, name, err))
		http.Error(w, "the sandbox broke", http.StatusInternalServerError)
		return
	}
	s.config.Log(fmt.Sprintf("%s %s: %s", r.Method, name, describe(failures)))
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
	created, err := s.store.create(record{
		Contract: p["contract"], Email: p["email"], Target: p["target"], Aim: p["aim"], Filename: p["filename"], Timezone: p["timezone"],
	})
	if err != nil {
		return nil, nil, err
	}
	return s.view(created, r), nil, nil
}

// find returns the request that a call names. A wrong key and an unknown id
// are told alike: one must not be a way to find the other.
func (s *Server) find(p parameters) (record, []failure) {
	if list := p.missing("key", "request"); len(list) > 0 {
		return record{}, list
	}
	r, ok := s.store.find(p["request"], p["key"])
	if !ok {
		return record{}, []failure{{Reason: "REQUEST:NOT_FOUND", Message: "Can not find request " + p["request"] + " with this key", Code: p["request"]}}
	}
	return r, nil
}

func status(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures := s.find(p)
	if failures != nil {
		return nil, failures, nil
	}
	return s.view(found, r), nil, nil
}

// errState is returned by a change that is not for the request's state.
var errState = errors.New("not in this state")

var emptyDump = failure{Reason: "DUMP:EMPTY", Message: "Send the dump as the body of a POST"}

func upload(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures := s.find(p)
	if failures != nil {
		return nil, failures, nil
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case found.State != draft:
		return nil, []failure{wrongState(found.State, draft)}, nil
	case r.Method != http.MethodPost || r.ContentLength == 0:
		return nil, []failure{emptyDump}, nil
	case media == "multipart/form-data":
		return nil, []failure{{Reason: "DUMP:INVALID", Message: "Send the dump as the body, not as a part of a form", Value: media}}, nil
	}
	file, err := os.CreateTemp(s.store.path(found.ID, ""), uploadPattern)
	if err != nil {
		return nil, nil, err
	}
	defer os.Remove(file.Name()) // gone already when it was taken
	n, err := io.Copy(file, r.Body)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, nil, err
	}
	if n == 0 { // without a length, that is known only now
		return nil, []failure{emptyDump}, nil
	}
	now, err := s.store.update(found.ID, func(r *record) error {
		if r.State != draft {
			return errState
		}
		return os.Rename(file.Name(), s.store.path(r.ID, originalFile))
	})
	if errors.Is(err, errState) {
		return nil, []failure{wrongState(now.State, draft)}, nil
	}
	return nil, nil, err
}

func requestSFTPAccess(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures := s.find(p)
	if failures != nil {
		return nil, failures, nil
	}
	if found.State != draft && found.State != done {
		return nil, []failure{wrongState(found.State, draft, done)}, nil
	}
	keys, failures, err := publicKeys(p, r)
	if err != nil || failures != nil {
		return nil, failures, err
	}
	_, err = s.store.update(found.ID, func(r *record) error {
		r.SSHKeys = keys
		if r.State != draft {
			return nil
		}
		// "You will not be able to create new files": the one file is there already.
		file, err := os.OpenFile(s.store.path(r.ID, originalFile), os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		return file.Close()
	})
	if err != nil {
		return nil, nil, err
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	_, port, err := net.SplitHostPort(s.sftp.Addr().String())
	user := "user_" + itoa(found.ID)
	return map[string]any{
		"hostname":       host,
		"sftp_port":      json.Number(port),
		"sftp_user":      user,
		"shared_file":    found.sharedFile(),
		"request_id":     found.ID,
		"sample_command": "sftp -P " + port + " " + user + "@" + host,
	}, nil, err
}

// sharedFile is the name of the one file that the SFTP server shows.
func (r record) sharedFile() string {
	if r.upgraded() {
		return "upgraded_" + r.Filename
	}
	return r.Filename
}

// publicKeys reads ssh_keys, a file "roughly similar to a standard
// authorized_keys file": public keys, blank lines and comments.
func publicKeys(p parameters, r *http.Request) (keys []string, failures []failure, err error) {
	text := p["ssh_keys"]
	if r.MultipartForm != nil && len(r.MultipartForm.File["ssh_keys"]) > 0 {
		file, err := r.MultipartForm.File["ssh_keys"][0].Open()
		if err != nil {
			return nil, nil, err
		}
		defer file.Close()
		content, err := io.ReadAll(io.LimitReader(file, maxKeys))
		if err != nil {
			return nil, nil, err
		}
		text = string(content)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil || len(options) > 0 {
			return nil, []failure{invalid("ssh_keys", line[:min(len(line), 60)])}, nil
		}
		keys = append(keys, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))))
	}
	if len(keys) == 0 {
		return nil, parameters{}.missing("ssh_keys"), nil
	}
	return keys, nil, nil
}

func process(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures := s.find(p)
	if failures != nil {
		return nil, failures, nil
	}
	if found.State == draft && s.store.size(found.ID, originalFile) == 0 {
		return nil, []failure{{Reason: "DUMP:MISSING", Message: "No dump was uploaded for this request"}}, nil
	}
	now, err := s.store.update(found.ID, func(r *record) error {
		if r.State != draft {
			return errState
		}
		r.State, r.Processed, r.SSHKeys = pending, time.Now(), nil
		return nil
	})
	if errors.Is(err, errState) {
		return nil, []failure{wrongState(now.State, draft)}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	s.start(found.ID)
	return nil, nil, nil
}

func skipTest(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures := s.find(p)
	if failures != nil {
		return nil, failures, nil
	}
	now, err := s.store.update(found.ID, func(r *record) error {
		if r.State == draft || r.ended() && r.State != done {
			return errState
		}
		r.SkipTest = true
		if r.State == done {
			r.State = delivered
		}
		return nil
	})
	if errors.Is(err, errState) {
		return nil, []failure{wrongState(now.State, pending, progress, done)}, nil
	}
	return nil, nil, err
}

// timeFormat is that of the specification's sample output.
const timeFormat = "2006-01-02 15:04:05"

// view is a request as the specification's sample output shows one.
func (s *Server) view(r record, call *http.Request) map[string]any {
	base := (&url.URL{Scheme: "http", Host: call.Host}).JoinPath("database", "eu1", itoa(r.ID), r.Key)
	at := func(parts ...string) string { return base.JoinPath(parts...).String() }
	view := map[string]any{
		"id": r.ID, "key": r.Key, "email": r.Email, "target": r.Target, "aim": r.Aim, "filename": r.Filename,
		"timezone": orNull(r.Timezone), "state": r.State, "issue_stage": "new", "issue": 600000 + r.ID,
		"status_url":        at("status"),
		"notes_url":         at("upgraded", "notes"),
		"original_sql_url":  at("original", "sql"),
		"original_dump_url": at("original", "archive"),
		"upgraded_sql_url":  at("upgraded", "sql"),
		"upgraded_dump_url": at("upgraded", "archive"),
		"modules_url":       at("modules", "archive"),
		"filesize":          nil, "database_uuid": orNull(r.UUID), "created_at": r.Created.UTC().Format(timeFormat),
		"estimated_time": nil, "processed_at": nil, "elapsed": clock(r.elapsed()), "filestore": false,
		"customer_message": nil, "database_version": orNull(r.Version), "postgresql": orNull(r.PostgreSQL), "compressions": []string{},
	}
	if size := s.store.size(r.ID, originalFile); size > 0 {
		view["filesize"] = humanSize(size)
		view["compressions"] = s.compressions(r.ID)
	}
	if !r.Processed.IsZero() {
		view["issue_stage"] = "in progress"
		view["processed_at"] = r.Processed.UTC().Format(timeFormat)
		view["estimated_time"] = clock(2 * s.config.Pace)
	}
	if r.ended() {
		view["issue_stage"] = "closed"
		view["customer_message"] = verdict(r)
	}
	return view
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// verdict says truly what a sandbox did.
func verdict(r record) string {
	if r.upgraded() {
		return "This is a sandbox. It upgrades nothing: the upgraded database is the one that was uploaded."
	}
	return "This is a sandbox. It was told to end its requests as " + r.State + "."
}

func (r record) elapsed() time.Duration {
	switch {
	case r.Processed.IsZero():
		return 0
	case r.ended():
		return r.Ended.Sub(r.Processed)
	}
	return time.Since(r.Processed)
}

// clock writes minutes and seconds as the sample's "00:00" has them.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// humanSize writes a size as the sample's "912.99 Kb" has it.
func humanSize(n int64) string {
	size, unit := float64(n), "bytes"
	for _, next := range []string{"Kb", "Mb", "Gb", "Tb"} {
		if size < 1024 {
			break
		}
		size, unit = size/1024, next
	}
	if unit == "bytes" {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.2f %s", size, unit)
}

// compressions tells how the original is packed, in the sample's words.
func (s *Server) compressions(id int) []string {
	switch s.kind(id, originalFile) {
	case dump.Custom:
		return []string{"pgdmp_custom", "sql"}
	case dump.Tar:
		return []string{"tar", "sql"}
	case dump.Zip:
		return []string{"zip", "sql"}
	case dump.Gzip:
		return []string{"gz", "sql"}
	case dump.SQL:
		return []string{"sql"}
	}
	return []string{}
}

func (s *Server) kind(id int, name string) dump.Kind {
	file, err := os.Open(s.store.path(id, name))
	if err != nil {
		return dump.Unknown
	}
	defer file.Close()
	head := make([]byte, dump.HeadSize)
	n, _ := io.ReadFull(file, head)
	return dump.Sniff(head[:n])
}
