package v1

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/sandbox/requests"
)

var emptyDump = failure{Reason: "DUMP:EMPTY", Message: "Send the dump as the body of a POST"}

func upload(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures, err := s.find(p, r)
	if err != nil || failures != nil {
		return nil, failures, err
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case found.State != requests.Draft:
		return nil, []failure{wrongState(found.State, requests.Draft)}, nil
	case r.Method != http.MethodPost || r.ContentLength == 0:
		return nil, []failure{emptyDump}, nil
	case media == "multipart/form-data":
		return nil, []failure{{Reason: "DUMP:INVALID", Message: "Send the dump as the body, not as a part of a form", Value: media}}, nil
	}
	if s.Store.MaxUpload > 0 && r.ContentLength > s.Store.MaxUpload {
		return nil, []failure{s.tooLarge()}, nil
	}
	file, err := os.CreateTemp(s.Store.Path(found.ID, ""), requests.UploadPattern)
	if err != nil {
		return nil, nil, err
	}
	defer os.Remove(file.Name()) // gone already when it was taken
	n, err := s.receive(r, found.ID, file)
	if err := errors.Join(err, file.Close()); errors.Is(err, requests.ErrNotDraft) {
		now, _ := s.Store.Get(found.ID)
		return nil, []failure{wrongState(now.State, requests.Draft)}, nil
	} else if errors.Is(err, requests.ErrTooLarge) {
		return nil, []failure{s.tooLarge()}, nil
	} else if err != nil {
		return nil, nil, err
	}
	if n == 0 { // without a length, that is known only now
		return nil, []failure{emptyDump}, nil
	}
	now, err := s.Store.Update(found.ID, func(r *requests.Record) error {
		if r.State != requests.Draft {
			return errState
		}
		return os.Rename(file.Name(), s.Store.Path(r.ID, requests.OriginalFile))
	})
	if errors.Is(err, errState) {
		return nil, []failure{wrongState(now.State, requests.Draft)}, nil
	}
	return nil, nil, err
}

// receive writes the body of an upload to a file, unless another one begins meanwhile.
func (s *Server) receive(r *http.Request, id int, file io.Writer) (n int64, err error) {
	err = s.Store.WhileAlone(r.Context(), id, func(ctx context.Context) error {
		if body, ok := r.Body.(*requests.IdleBody); ok {
			defer context.AfterFunc(ctx, body.Interrupt)()
		}
		var err error
		n, err = io.Copy(file, s.Store.Limit(r.Body))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	})
	return n, err
}

// tooLarge is the failure of an upload over the limit.
func (s *Server) tooLarge() failure {
	return failure{
		Reason:  "DUMP:TOO_LARGE",
		Message: "The dump is larger than " + HumanSize(s.Store.MaxUpload) + ", the limit of this sandbox",
	}
}

func requestSFTPAccess(s *Server, p parameters, r *http.Request) (any, []failure, error) {
	found, failures, err := s.find(p, r)
	if err != nil || failures != nil {
		return nil, failures, err
	}
	if found.State != requests.Draft && found.State != requests.Done {
		return nil, []failure{wrongState(found.State, requests.Draft, requests.Done)}, nil
	}
	keys, failures, err := publicKeys(p, r)
	if err != nil || failures != nil {
		return nil, failures, err
	}
	_, err = s.Store.Update(found.ID, func(r *requests.Record) error {
		r.SSHKeys = keys
		if r.State != requests.Draft {
			return nil
		}
		// "You will not be able to create new files": the one file is there already.
		file, err := os.OpenFile(s.Store.Path(r.ID, requests.OriginalFile), os.O_WRONLY|os.O_CREATE, 0o600)
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
	_, port, err := net.SplitHostPort(s.SSHAddress)
	user := userPrefix + strconv.Itoa(found.ID)
	return map[string]any{
		"hostname":       host,
		"sftp_port":      json.Number(port),
		"sftp_user":      user,
		"shared_file":    sharedFile(found),
		"request_id":     found.ID,
		"sample_command": "sftp -P " + port + " " + user + "@" + host,
	}, nil, err
}

// sharedFile is the name of the one file that the SFTP server shows.
func sharedFile(r requests.Record) string {
	if r.IsUpgraded() {
		return r.Result
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
