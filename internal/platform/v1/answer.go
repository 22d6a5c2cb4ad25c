package v1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// maxAnswer bounds the body of an answer, in bytes. A status has about two
// thousand; the runner takes a MiB of outputs.
const maxAnswer = 512 << 10

// answer is a JSON dictionary without failures.
type answer struct {
	method, host string
	resp         *http.Response
	request      json.RawMessage // the value of the key request, if it has one
}

// readAnswer turns a response into an answer. What may be tried again is marked for
// internal/retry.
func readAnswer(method, host string, resp *http.Response, body []byte, readErr error) (answer, error) {
	a := answer{method: method, host: host, resp: resp}
	var envelope struct {
		Failures json.RawMessage `json:"failures"`
		Request  json.RawMessage `json:"request"`
	}
	isJSON := json.Unmarshal(body, &envelope) == nil
	// A client that looks at the failures alone misses a 502 page, one that looks
	// at the code alone misses failures in a 200: both count.
	if isJSON {
		if list := failures(envelope.Failures); len(list) > 0 {
			return a, a.refused(list)
		}
	}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return a, a.fault("is a redirect, which is not followed because it would take the key along", "check that server-url is the platform's own address, with https")
	case resp.StatusCode == http.StatusNotFound:
		return a, a.fault("is an error", "check that server-url is the platform's address")
	case resp.StatusCode < 200 || resp.StatusCode >= 400:
		return a, a.fault("is an error", "")
	case readErr != nil:
		return a, retry.Transient(a.fault(fmt.Sprintf("stops after %d bytes", len(body)), ""))
	case len(body) > maxAnswer:
		return a, a.wrong(fmt.Sprintf("is larger than %d KiB", maxAnswer>>10))
	case !isJSON && !json.Valid(body) && a.mediaType() == "application/json":
		// Cut where it is still well-formed HTTP: as good as a broken connection.
		return a, retry.Transient(a.fault("is incomplete JSON", ""))
	case !isJSON:
		return a, a.fault("is not a JSON dictionary", "check server-url, and whether a login page or a proxy answers in the platform's place")
	case envelope.Failures == nil && envelope.Request == nil:
		return a, a.wrong("has neither failures nor request")
	}
	a.request = envelope.Request
	return a, nil
}

// ResponseError is a response that is not one of the specification's: an HTML page,
// a proxy's error, JSON of another shape.
type ResponseError struct {
	Method    string // of the API
	Host      string
	Code      int    // of HTTP
	MediaType string // as far as the answer told, else ""
	Problem   string // what is wrong with it
	Hint      string // what to check, or ""
}

// Error is one sentence with the host, the code and the content type.
func (e *ResponseError) Error() string {
	media := e.MediaType
	if media == "" {
		media = "no content type"
	}
	text := fmt.Sprintf("%s: the response from %s (HTTP %d %s, %s) %s", e.Method, e.Host, e.Code, http.StatusText(e.Code), media, e.Problem)
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// fault returns a ResponseError, marked as transient where the HTTP code says
// that another try may help.
func (a answer) fault(problem, hint string) error {
	err := &ResponseError{Method: a.method, Host: a.host, Code: a.resp.StatusCode, MediaType: a.mediaType(), Problem: problem, Hint: hint}
	if transientCode(a.resp.StatusCode) {
		return retry.TransientAfter(err, retry.After(a.resp.Header))
	}
	return err
}

// wrong is a fault that another try would not mend.
func (a answer) wrong(problem string) error {
	return &ResponseError{Method: a.method, Host: a.host, Code: a.resp.StatusCode, MediaType: a.mediaType(), Problem: problem}
}

func (a answer) refused(list []upgrade.Failure) error {
	err := &upgrade.RefusedError{Kind: a.refusalKind(list), Failures: list}
	if transientCode(a.resp.StatusCode) {
		return retry.TransientAfter(err, retry.After(a.resp.Header))
	}
	return err
}

// refusalKind is what a refusal is about: of a list, the first that is known.
func (a answer) refusalKind(list []upgrade.Failure) upgrade.Kind {
	if a.method == accessMethod {
		return upgrade.AccessRefusal
	}
	for _, f := range list {
		if f.Kind != upgrade.OtherRefusal {
			return f.Kind
		}
	}
	return upgrade.OtherRefusal
}

// failureKind reads an error type, SUBJECT:PROBLEM, of which the set is open. Where
// the request is in the wrong state, the platform's message says more than we could.
func failureKind(reason string) upgrade.Kind {
	subject, problem, _ := strings.Cut(reason, ":")
	if problem == "STATE" {
		return upgrade.OtherRefusal
	}
	switch subject {
	case "TARGET":
		return upgrade.TargetRefusal
	case "CONTRACT":
		return upgrade.ContractRefusal
	case "REQUEST", "KEY":
		return upgrade.KeyRefusal
	}
	return upgrade.OtherRefusal
}

func (a answer) mediaType() string {
	media, _, err := mime.ParseMediaType(a.resp.Header.Get("Content-Type"))
	if err != nil || len(media) > 100 {
		return ""
	}
	return media
}

func transientCode(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return code >= 500
}

// failures reads the value of the key failures. The list is empty where the
// answer has none: null, false, an empty list or dictionary, or no such key.
// Anything else is a failure, however it is written.
func failures(raw json.RawMessage) []upgrade.Failure {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		if t := text(raw); t == "" || t == "{}" {
			return nil
		}
		list = []json.RawMessage{raw}
	}
	out := make([]upgrade.Failure, len(list))
	for i, item := range list {
		out[i] = failure(item)
	}
	return out
}

func failure(raw json.RawMessage) upgrade.Failure {
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) != nil || keys == nil {
		return upgrade.Failure{Message: text(raw)}
	}
	var f upgrade.Failure
	for key, value := range keys {
		switch key {
		case "reason":
			f.Reason = text(value)
			f.Kind = failureKind(f.Reason)
		case "message":
			f.Message = text(value)
		case "code":
			f.Code = text(value)
		case "value":
			f.Value = text(value)
		case "expected":
			f.Expected = texts(value)
		default:
			if f.Other == nil {
				f.Other = map[string]string{}
			}
			f.Other[key] = text(value)
		}
	}
	return f
}

// text reads a value leniently: Odoo's JSON has null or false for an empty
// field, and numbers may come as strings or strings as numbers.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	switch s := string(bytes.TrimSpace(raw)); s {
	case "", "null", "false":
		return ""
	default:
		return s
	}
}

// texts reads a list of values, or one value as a list of one.
func texts(raw json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		if t := text(raw); t != "" {
			return []string{t}
		}
		return nil
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		out = append(out, text(item))
	}
	return out
}

// object reads the value of the key request, which must be a dictionary.
func (a answer) object() (map[string]json.RawMessage, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(a.request, &keys); err != nil || keys == nil {
		return nil, a.wrong("has no dictionary in the key request")
	}
	return keys, nil
}

// status reads a request's status ("Obtaining your request status", sample
// output). Fields may be missing or new; nothing that is only shown can fail.
func (a answer) status(states upgrade.States) (upgrade.Status, error) {
	keys, err := a.object()
	if err != nil {
		return upgrade.Status{}, err
	}
	state := text(keys["state"])
	s := upgrade.Status{
		Ticket: upgrade.Ticket{ID: text(keys["id"]), Key: upgrade.Secret(text(keys["key"]))},
		State:  state, Phase: states.Phase(state),
		Raw: upgrade.Secret(plainJSON(a.request)),
	}
	for _, f := range upgrade.FieldTable() {
		s.Set(f.Field, strings.Join(texts(keys[wireName(f.Field)]), ","))
	}
	moved := s.Get(filestore) // a bool, of which text makes nothing of false
	s.Set(filestore, strconv.FormatBool(strings.EqualFold(moved, "true") || moved == "1"))
	return s, nil
}

// filestore is the one field that is a bool.
const filestore upgrade.Field = "filestore"

// wireName is a field's name in the specification.
func wireName(f upgrade.Field) string { return strings.ReplaceAll(string(f), "-", "_") }

// plainJSON rewrites JSON without needless escapes: a key that is in it as \u003d
// or \/ would slip through every mask.
func plainJSON(raw json.RawMessage) string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // ids keep their digits
	if decoder.Decode(&value) != nil {
		return ""
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// access reads an answer of request_sftp_access.
func (a answer) access() (sftpAccess, error) {
	keys, err := a.object()
	if err != nil {
		return sftpAccess{}, err
	}
	port, err := strconv.ParseUint(text(keys["sftp_port"]), 10, 16)
	access := sftpAccess{
		Hostname:   text(keys["hostname"]),
		Port:       int(port),
		User:       text(keys["sftp_user"]),
		SharedFile: text(keys["shared_file"]),
	}
	if err != nil || port == 0 || access.Hostname == "" || access.User == "" {
		return sftpAccess{}, a.wrong("has no hostname, sftp_port and sftp_user to connect to")
	}
	return access, nil
}
