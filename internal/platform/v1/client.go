package v1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// accessMethod is the method whose refusal leaves another way to transfer files.
const accessMethod = "request_sftp_access"

// client calls the API's methods: one HTTP exchange a call. It retries nothing; it
// marks with internal/retry what a caller may try again. Its methods may be called
// from several goroutines.
type client struct {
	base   *url.URL
	http   *http.Client
	states upgrade.States
}

// newClient returns a client of the platform at server, like
// https://upgrade.odoo.com. The error says what is wrong with the address.
func newClient(server string, transport http.RoundTripper) (*client, error) {
	base, err := httpcall.ParseServer(server)
	if err != nil {
		return nil, err
	}
	return &client{base: base, http: httpcall.Client(transport)}, nil
}

// Create creates a request ("The create method") and returns its reference and
// first status. Its errors: *upgrade.RefusedError, *httpcall.ResponseError, or one of
// the connection.
func (c *client) Create(ctx context.Context, r upgrade.Request) (upgrade.Ticket, upgrade.Status, error) {
	form := url.Values{
		"contract": {r.Contract.Reveal()},
		"email":    {r.Email},
		"target":   {r.Target.String()},
		"aim":      {string(r.Aim)},
		"filename": {r.Filename},
	}
	if r.Timezone != "" {
		form.Set("timezone", r.Timezone)
	}
	answer, err := c.post(ctx, "create", form)
	if err != nil {
		return upgrade.Ticket{}, upgrade.Status{}, err
	}
	status, err := answer.status(c.states)
	if err != nil {
		return upgrade.Ticket{}, upgrade.Status{}, err
	}
	// "id: the request id; key: your private key for this request. These 2 values
	// will be requested by the other methods."
	if status.Ticket.ID == "" || status.Ticket.Key == "" {
		return upgrade.Ticket{}, upgrade.Status{}, answer.Wrong("has no ID and key of the created request")
	}
	if !idShape.MatchString(status.Ticket.ID) || !keyShape.MatchString(status.Ticket.Key.Reveal()) {
		return upgrade.Ticket{}, upgrade.Status{}, answer.Wrong("has an ID or a key that cannot be one")
	}
	return status.Ticket, status, nil
}

// Both go into logs, outputs and commands, the id to be read, the key to be
// masked: a shorter one could not be, without tearing every log apart.
var (
	idShape  = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,64}$`)
	keyShape = regexp.MustCompile(`^[!-~]{8,512}$`)
)

// upload sends a dump of size bytes ("The upload method"): open returns it
// from its first byte, and again if net/http needs another connection. The
// platform takes it from byte 0 only; what a broken upload left is lost. The call
// has no deadline of its own.
func (c *client) upload(ctx context.Context, t upgrade.Ticket, open func() (io.ReadCloser, error), size int64) error {
	// A platform that refuses says so before gigabytes are sent.
	err := c.uploadOnce(ctx, t, open, size, "100-continue")
	code, ok := errors.AsType[*httpcall.ResponseError](err)
	if ok && code.Code == http.StatusExpectationFailed { // RFC 9110, section 10.1.1: again, without it
		err = c.uploadOnce(ctx, t, open, size, "")
		code, ok = errors.AsType[*httpcall.ResponseError](err)
	}
	if ok && code.Code == http.StatusRequestEntityTooLarge {
		code.Problem = "refuses the dump as too large for an upload over HTTPS"
		code.Do = "Set {transport} to auto or sftp, or make a smaller dump with pg_dump -Fc, which compresses."
	}
	return err
}

func (c *client) uploadOnce(ctx context.Context, t upgrade.Ticket, open func() (io.ReadCloser, error), size int64, expect string) error {
	body, err := open()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint("upload", reference(t)), body)
	if err != nil {
		return httpcall.Plain(err)
	}
	req.ContentLength, req.GetBody = size, open
	req.Header.Set("Content-Type", "application/octet-stream")
	if expect != "" {
		req.Header.Set("Expect", expect)
	}
	_, err = c.exchange("upload", req)
	return err
}

// sftpAccess is the answer of the request_sftp_access method: where one file may be
// sent or fetched. The server's sample_command is left out on purpose: it is text
// from the network that must not be run.
type sftpAccess struct {
	Hostname   string
	Port       int
	User       string
	SharedFile string
}

// requestSFTPAccess asks for an SFTP server that takes the public keys in
// authorizedKeys, a file as sshd reads it ("The request_sftp_access method").
// The request must be a draft, for an upload, or done, for a download.
func (c *client) requestSFTPAccess(ctx context.Context, t upgrade.Ticket, authorizedKeys []byte) (sftpAccess, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("ssh_keys", "authorized_keys")
	if err == nil {
		_, err = part.Write(authorizedKeys)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return sftpAccess{}, err
	}
	ctx, cancel := httpcall.WithTimeout(ctx, stall.Call)
	defer cancel()
	// ID and key go into the query, as in the section's samples: the form has only
	// the SSH keys.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(accessMethod, reference(t)), &body)
	if err != nil {
		return sftpAccess{}, httpcall.Plain(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	answer, err := c.exchange(accessMethod, req)
	if err != nil {
		return sftpAccess{}, err
	}
	return answer.access()
}

// Process asks the platform to process the uploaded dump ("The process
// method"). When its response is lost, check the status before calling again: it
// must not take effect twice.
func (c *client) Process(ctx context.Context, t upgrade.Ticket) error {
	ctx, cancel := httpcall.WithTimeout(ctx, stall.Process)
	defer cancel()
	_, err := c.send(ctx, "process", reference(t))
	return err
}

// SkipTest asks the platform to deliver the upgraded dump without testing it
// (documentation of Odoo 12 to 14; same parameters as process).
func (c *client) SkipTest(ctx context.Context, t upgrade.Ticket) error {
	_, err := c.post(ctx, "skip_test", reference(t))
	return err
}

// Status asks for the state of a request ("The status method").
func (c *client) Status(ctx context.Context, t upgrade.Ticket) (upgrade.Status, error) {
	answer, err := c.post(ctx, "status", reference(t))
	if err != nil {
		return upgrade.Status{}, err
	}
	status, err := answer.status(c.states)
	if err != nil {
		return upgrade.Status{}, err
	}
	if status.Ticket.ID != "" && status.Ticket.ID != t.ID {
		return upgrade.Status{}, answer.Wrong("is about another request")
	}
	if status.State == "" {
		return upgrade.Status{}, answer.Wrong("has no state")
	}
	status.Ticket = t
	return status, nil
}

// reference holds the two parameters of every method but create.
func reference(t upgrade.Ticket) url.Values {
	return url.Values{"request": {t.ID}, "key": {t.Key.Reveal()}}
}

func (c *client) endpoint(method string, query url.Values) string {
	u := c.base.JoinPath("database", "v1", method)
	u.RawQuery = query.Encode()
	return u.String()
}

// post sends a form: a key in a query would end up in every proxy's log.
func (c *client) post(ctx context.Context, method string, form url.Values) (answer, error) {
	ctx, cancel := httpcall.WithTimeout(ctx, stall.Call)
	defer cancel()
	return c.send(ctx, method, form)
}

// send is post for a call with a timeout of its own.
func (c *client) send(ctx context.Context, method string, form url.Values) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(method, nil), strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, httpcall.Plain(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.exchange(method, req)
}

// exchange sends req once and returns the platform's answer if it is a good one.
func (c *client) exchange(method string, req *http.Request) (answer, error) {
	req.Header.Set("Accept", "application/json")
	response, err := httpcall.Do(c.http, method, req)
	if err != nil {
		return answer{}, err
	}
	return readAnswer(response)
}
