package v1

import (
	"encoding/json"
	"strconv"
	"strings"

	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/upgrade"
)

// answer is a JSON dictionary without failures.
type answer struct {
	httpcall.Response
	request json.RawMessage // the value of the key request, if it has one
}

// readAnswer turns a response into an answer. What may be tried again is marked for
// internal/retry.
func readAnswer(r httpcall.Response) (answer, error) {
	a := answer{Response: r}
	var envelope struct {
		Failures json.RawMessage `json:"failures"`
		Request  json.RawMessage `json:"request"`
	}
	isJSON := json.Unmarshal(r.Body, &envelope) == nil
	if isJSON && ambiguous(r.Body) {
		return a, r.Wrong("has the key failures or request twice, so what it says is not clear")
	}
	// A client that reads the failures alone misses a 502 page, one that reads
	// the code alone misses failures in a 200: both count.
	if isJSON {
		if list := failures(envelope.Failures); len(list) > 0 {
			return a, r.Refused(a.refusalKind(list), list)
		}
	}
	if err := r.Check(); err != nil {
		return a, err
	}
	switch {
	case !isJSON && !json.Valid(r.Body):
		return a, r.NotJSON()
	case !isJSON:
		return a, r.Wrong("is not a JSON dictionary")
	case envelope.Failures == nil && envelope.Request == nil:
		return a, r.Wrong("has neither failures nor request")
	}
	a.request = envelope.Request
	return a, nil
}

// ambiguous reports whether a dictionary has one of the two keys that count more than
// once, in whatever case: of FAILURES and failures, the decoder takes what comes last.
func ambiguous(body []byte) bool {
	var keys map[string]json.RawMessage
	if json.Unmarshal(body, &keys) != nil {
		return false
	}
	seen := map[string]int{}
	for key := range keys {
		seen[strings.ToLower(key)]++
	}
	return seen["failures"] > 1 || seen["request"] > 1
}

// refusalKind is what a refusal is about: of a list, the first that is known.
func (a answer) refusalKind(list []upgrade.Failure) upgrade.Kind {
	if a.Method == accessMethod {
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

// failures reads the value of the key failures. The list is empty where the
// answer has none: null, false, an empty list or dictionary, or no such key.
// Anything else is a failure, however it is written.
func failures(raw json.RawMessage) []upgrade.Failure {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		if t := httpcall.Text(raw); t == "" || t == "{}" {
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
		return upgrade.Failure{Message: httpcall.Text(raw)}
	}
	var f upgrade.Failure
	for key, value := range keys {
		switch key {
		case "reason":
			f.Reason = httpcall.Text(value)
			f.Kind = failureKind(f.Reason)
		case "message":
			f.Message = httpcall.Text(value)
		case "code":
			f.Code = httpcall.Text(value)
		case "value":
			f.Value = httpcall.Text(value)
		case "expected":
			f.Expected = texts(value)
		default:
			if f.Other == nil {
				f.Other = map[string]string{}
			}
			f.Other[key] = httpcall.Text(value)
		}
	}
	return f
}

// texts reads a list of values, or one value as a list of one.
func texts(raw json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		if t := httpcall.Text(raw); t != "" {
			return []string{t}
		}
		return nil
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		out = append(out, httpcall.Text(item))
	}
	return out
}

// object reads the value of the key request, which must be a dictionary.
func (a answer) object() (map[string]json.RawMessage, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(a.request, &keys); err != nil || keys == nil {
		return nil, a.Wrong("has no dictionary in the key request")
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
	state := httpcall.Text(keys["state"])
	s := upgrade.Status{
		Ticket: upgrade.Ticket{ID: httpcall.Text(keys["id"]), Key: upgrade.Secret(httpcall.Text(keys["key"]))},
		State:  state, Phase: states.Phase(state),
		Raw:    upgrade.Secret(httpcall.PlainJSON(a.request)),
		Copies: a.Copies(), Sandbox: a.IsSandbox(),
	}
	for key, field := range fields {
		s.Set(field, strings.Join(texts(keys[key]), ","))
	}
	for key, link := range links {
		s.SetLink(link, strings.Join(texts(keys[key]), ","))
	}
	// A bool, of which text makes nothing of false.
	moved := httpcall.Text(keys["filestore"])
	s.Set("filestore", strconv.FormatBool(strings.EqualFold(moved, "true") || moved == "1"))
	s.Upload = sizeOf(s.Get(upgrade.Filesize))
	return s, nil
}

// access reads an answer of request_sftp_access.
func (a answer) access() (sftpAccess, error) {
	keys, err := a.object()
	if err != nil {
		return sftpAccess{}, err
	}
	port, err := strconv.ParseUint(httpcall.Text(keys["sftp_port"]), 10, 16)
	access := sftpAccess{
		Hostname:   httpcall.Text(keys["hostname"]),
		Port:       int(port),
		User:       httpcall.Text(keys["sftp_user"]),
		SharedFile: httpcall.Text(keys["shared_file"]),
	}
	if err != nil || port == 0 || access.Hostname == "" || access.User == "" {
		return sftpAccess{}, a.Wrong("has no hostname, sftp_port and sftp_user to connect to")
	}
	return access, nil
}
