package jsonrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// apiVersion is that of the script.
const apiVersion = "0.2"

// call calls a method on the request's node and returns its result. Its errors:
// *upgrade.RefusedError, *httpcall.ResponseError, or one of the connection.
func (p *requests) call(ctx context.Context, method string, params map[string]any) (map[string]json.RawMessage, error) {
	ctx, cancel := httpcall.WithTimeout(ctx, stall.Call)
	defer cancel()
	return p.send(ctx, method, params)
}

// send is call for a call with a timeout of its own.
func (p *requests) send(ctx context.Context, method string, params map[string]any) (map[string]json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "not_used", "params": params, "id": "not_used"})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		p.node().JoinPath("upgrade", "request", method).String(),
		bytes.NewReader(body),
	)
	if err != nil {
		return nil, httpcall.Plain(err)
	}
	req.Header.Set("Content-Type", "application/json")
	response, err := httpcall.Do(p.http, method, req)
	if err != nil {
		return nil, err
	}
	p.copies, p.sandbox = response.Copies(), response.IsSandbox()
	return result(response)
}

// result reads a response, which has one of four shapes: a result, a result with an error
// in it, an error of the framework, or a page.
func result(r httpcall.Response) (map[string]json.RawMessage, error) {
	var envelope struct {
		Result json.RawMessage `json:"result"`
		Error  *rpcError       `json:"error"`
	}
	isJSON := json.Unmarshal(r.Body, &envelope) == nil
	var fields map[string]json.RawMessage
	if isJSON {
		_ = json.Unmarshal(envelope.Result, &fields) // null, a list or a bool has none
	}
	if message := httpcall.Text(fields["error"]); message != "" {
		return nil, refusal(r, message)
	}
	if isJSON && envelope.Error != nil {
		return nil, envelope.Error.asError(r)
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	switch {
	case !isJSON && len(bytes.TrimSpace(r.Body)) == 0:
		return nil, nil // the script takes an empty body for an empty result
	case !isJSON && !json.Valid(r.Body):
		return nil, r.NotJSON()
	case !isJSON || envelope.Result == nil:
		return nil, r.Wrong("has no result")
	}
	return fields, nil
}

// rpcError is an error of Odoo's framework.
type rpcError struct {
	Message string `json:"message"`
	Data    struct {
		Name    string `json:"name"` // of the exception, in Python
		Message string `json:"message"`
	} `json:"data"`
}

// asError tells a refusal, an exception that is meant for people, from a fault of the
// platform, which may pass.
func (e *rpcError) asError(r httpcall.Response) error {
	message := e.Data.Message
	if message == "" {
		message = e.Message
	}
	if e.Data.Name == "" || strings.HasPrefix(e.Data.Name, "odoo.exceptions.") || strings.HasPrefix(e.Data.Name, "werkzeug.exceptions.") {
		return refusal(r, message)
	}
	return retry.Transient(r.Fault(fmt.Sprintf("is an internal error (%.100s)", message), ""))
}

// refusal is a text of the platform, which names no subject.
func refusal(r httpcall.Response, message string) error {
	kind := upgrade.OtherRefusal
	lower := strings.ToLower(message)
	for _, subject := range []struct {
		kind  upgrade.Kind
		words []string
	}{
		{upgrade.KeyRefusal, []string{"token"}},
		{upgrade.ContractRefusal, []string{"contract", "subscription"}},
		{upgrade.TargetRefusal, []string{"target", "version"}},
	} {
		if kind == upgrade.OtherRefusal &&
			slices.ContainsFunc(subject.words, func(word string) bool { return strings.Contains(lower, word) }) {
			kind = subject.kind
		}
	}
	return r.Refused(kind, []upgrade.Failure{{Kind: kind, Message: message}})
}

// Both go into logs, outputs and commands, the ID to be read, the token to be masked: a
// shorter one could not be masked without hiding other text.
var (
	idShape    = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,64}$`)
	tokenShape = regexp.MustCompile(`^[!-~]{8,512}$`)
)

// aboutKey finds a refusal that may be about the type of the SSH key.
var aboutKey = regexp.MustCompile(`(?i)ssh|\bkey\b|ed25519`)

// Create creates a request. An SSH key is bound to it: the user's own, or a new one, which
// is RSA if the platform does not take Ed25519.
func (p *requests) Create(ctx context.Context, r upgrade.Request) (upgrade.Ticket, upgrade.Status, error) {
	p.session = session{Target: r.Target.String(), Aim: string(r.Aim), Name: r.Filename}
	own := p.key != nil && p.Transfer.SSHPrivateKey != ""
	var err error
	if !own {
		if p.key, p.session.SSHKey, err = dial.NewPortableKey(); err != nil {
			return upgrade.Ticket{}, upgrade.Status{}, err
		}
	}
	fields, err := p.create(ctx, r)
	if refused, ok := asRefusal(err); ok && !own && aboutKey.MatchString(refused.Error()) {
		if p.key, p.session.SSHKey, err = dial.NewPortableRSAKey(); err != nil {
			return upgrade.Ticket{}, upgrade.Status{}, err
		}
		fields, err = p.create(ctx, r)
	}
	if err != nil {
		return upgrade.Ticket{}, upgrade.Status{}, err
	}
	id, token := httpcall.Text(fields["request_id"]), httpcall.Text(fields["token"])
	if !idShape.MatchString(id) || !tokenShape.MatchString(token) {
		return upgrade.Ticket{}, upgrade.Status{}, fmt.Errorf(
			"create: the response from %s has no request_id and token that can be used",
			p.base.Host,
		)
	}
	if err := p.follow(httpcall.Text(fields["assigned_host_uri"])); err != nil {
		return upgrade.Ticket{}, upgrade.Status{}, err
	}
	p.ticket = upgrade.Ticket{ID: id, Key: upgrade.Secret(token)}
	p.info = httpcall.Text(fields["info"])
	s := p.status("new")
	return p.seal(), s, nil
}

func (p *requests) create(ctx context.Context, r upgrade.Request) (map[string]json.RawMessage, error) {
	env := p.Env
	if env == nil {
		env = []string{} // not null
	}
	return p.call(ctx, "create", map[string]any{
		"contract": r.Contract.Reveal(), "target": r.Target.String(), "aim": string(r.Aim), "actuator": "cli", "env_vars": env,
		"ssh_key": strings.TrimSpace(
			string(ssh.MarshalAuthorizedKey(p.key.PublicKey())),
		) + " odoo-upgrade-action\n", "api_version": apiVersion,
	})
}

// status is one of the platform's states, with what the session knows.
func (p *requests) status(state string) upgrade.Status {
	s := upgrade.Status{Ticket: p.ticket, State: state, Phase: p.states.Phase(state), Copies: p.copies, Sandbox: p.sandbox}
	s.Set(upgrade.TargetField, p.session.Target)
	s.Set(upgrade.AimField, p.session.Aim)
	s.Set(upgrade.FilenameField, p.session.Name)
	return s
}

// token holds the one parameter of every call but create.
func (p *requests) token() map[string]any { return map[string]any{"token": p.ticket.Key.Reveal()} }

// Status asks for the state of a request.
func (p *requests) Status(ctx context.Context, t upgrade.Ticket) (upgrade.Status, error) {
	if err := p.use(t); err != nil {
		return upgrade.Status{}, err
	}
	fields, err := p.call(ctx, "status", p.token())
	if err != nil {
		return upgrade.Status{}, err
	}
	state := httpcall.Text(fields["status"])
	if state == "" {
		return upgrade.Status{}, fmt.Errorf("status: the response from %s has no status", p.node().Host)
	}
	if archived := strings.ToLower(httpcall.Text(fields["archived"])); archived == "true" || archived == "1" {
		return upgrade.Status{}, &upgrade.RefusedError{Failures: []upgrade.Failure{{
			Reason: "REQUEST:ARCHIVED", Message: "The request is archived: the platform has deleted its files, and it cannot be continued. Create a new request",
		}}}
	}
	before := p.session.Node
	if err := p.follow(httpcall.Text(fields["host_uri"])); err != nil {
		return upgrade.Status{}, err
	}
	if p.session.Node != before && t.Session != "" {
		p.Keeper.Keep(platform.Reference{Ticket: p.seal()})
	}
	s := p.status(state)
	s.Set(upgrade.CustomerMessage, httpcall.Text(fields["reason"]))
	s.Raw = upgrade.Secret(httpcall.PlainJSON(fields))
	return s, nil
}

// Process asks the platform to upgrade what was uploaded. When its response is lost, check
// the status before calling again: it must not take effect twice.
func (p *requests) Process(ctx context.Context, t upgrade.Ticket) error {
	if err := p.use(t); err != nil {
		return err
	}
	ctx, cancel := httpcall.WithTimeout(ctx, stall.Process)
	defer cancel()
	fields, err := p.send(ctx, "process", p.token())
	if err != nil {
		return err
	}
	if compatible, known := fields["is_pg_version_compatible"]; known && string(bytes.TrimSpace(compatible)) == "false" {
		p.Tell(
			event.Notice{Text: "Your PostgreSQL is too old for the upgraded database. Upgrade the server before you restore the database."},
		)
	}
	return nil
}

// logChunk limits how much of the log is read at a time, in bytes.
const logChunk = httpcall.MaxBody

// ReadLog returns the part of the platform's log that begins at a byte; an empty one if that is
// its end so far.
func (p *requests) ReadLog(ctx context.Context, t upgrade.Ticket, from int64) ([]byte, error) {
	if err := p.use(t); err != nil {
		return nil, err
	}
	ctx, cancel := httpcall.WithTimeout(ctx, stall.Call)
	defer cancel()
	u := p.node().JoinPath("upgrade", "request", "logs")
	u.RawQuery = url.Values{"token": {t.Key.Reveal()}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, httpcall.Plain(err)
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+logChunk-1))
	response, err := httpcall.Do(p.http, "logs", req)
	if err != nil {
		return nil, err
	}
	body := response.Body
	switch {
	case response.Code == http.StatusRequestedRangeNotSatisfiable:
		return nil, nil
	case response.Code == http.StatusPartialContent && !startsAt(response.Header.Get("Content-Range"), from):
		return nil, response.Wrong("is another part of the log")
	case response.Code == http.StatusOK && (response.MediaType == "text/html" || response.MediaType == "application/json"):
		return nil, response.Wrong("is not a log")
	case response.Code == http.StatusOK: // all of it
		if body = body[min(from, int64(len(body))):]; len(body) == 0 {
			return nil, response.Check() // the rest of it is not known if it broke off, or is too long to be read without Range
		}
	case response.Code != http.StatusPartialContent:
		return nil, response.Check()
	}
	return body[:min(len(body), logChunk)], nil
}

// startsAt reports whether a Content-Range begins at a byte. Without one, the server is
// believed.
func startsAt(header string, from int64) bool {
	if header == "" {
		return true
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(header, "bytes "), "-")
	n, err := strconv.ParseInt(first, 10, 64)
	return err == nil && n == from
}
