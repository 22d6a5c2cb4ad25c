// Package api speaks version 1 of the vendor's upgrade API: one method for each
// endpoint, one HTTP exchange for each call. It retries nothing; it marks with
// internal/retry what a caller may try again.
//
// Sections named in comments are those of the specification, the "Database
// Upgrade" page of Odoo's documentation.
package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"odoo-upgrade-action/internal/upgrade"
)

// callTimeout is how long one exchange may take, but for an upload's.
const callTimeout = 60 * time.Second

// Client calls one platform. Its methods may be called from several goroutines.
type Client struct {
	base *url.URL
	http *http.Client
}

// New returns a client of the platform at server, like
// https://upgrade.odoo.com, over transport. The error tells what is wrong with
// the address.
func New(server string, transport http.RoundTripper) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(server, "/"))
	switch {
	case err != nil || base.Hostname() == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, fmt.Errorf("%q is no address of a platform: give one like https://upgrade.odoo.com", server)
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf("the address of the platform takes a host and a path, nothing else: %s://%s%s", base.Scheme, base.Host, base.Path)
	}
	return &Client{base: base, http: &http.Client{
		Transport: transport,
		// A redirected POST would go on as a GET and lose its parameters, or take
		// the key to wherever the answer points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Create creates a request ("The create method") and returns its address and
// first status. Its errors: *upgrade.RefusedError, *ResponseError, or one of
// the connection.
func (c *Client) Create(ctx context.Context, r upgrade.Request) (upgrade.Ticket, upgrade.Status, error) {
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
	status, err := answer.status()
	if err != nil {
		return upgrade.Ticket{}, upgrade.Status{}, err
	}
	// "id: the request id; key: your private key for this request. These 2 values
	// will be requested by the other methods."
	if status.ID == "" || status.Key == "" {
		return upgrade.Ticket{}, upgrade.Status{}, answer.wrong("has no id and key of the created request")
	}
	if !idShape.MatchString(status.ID) || !keyShape.MatchString(status.Key.Reveal()) {
		return upgrade.Ticket{}, upgrade.Status{}, answer.wrong("has an id or a key that cannot be one")
	}
	return status.Ticket(), status, nil
}

// Both go into logs, outputs and commands, the id to be read, the key to be
// masked: a shorter one could not be, without tearing every log apart.
var (
	idShape  = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,64}$`)
	keyShape = regexp.MustCompile(`^[!-~]{8,512}$`)
)

// Upload sends a dump of size bytes ("The upload method"): open returns it
// from its first byte, and again where the connection has to be made anew. The
// platform takes it from byte 0 only; what a broken upload left counts for
// nothing. The call has no deadline of its own.
func (c *Client) Upload(ctx context.Context, t upgrade.Ticket, open func() (io.ReadCloser, error), size int64) error {
	body, err := open()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint("upload", address(t)), body)
	if err != nil {
		return plain(err)
	}
	req.ContentLength, req.GetBody = size, open
	req.Header.Set("Content-Type", "application/octet-stream")
	// A platform that refuses says so before gigabytes are on their way.
	req.Header.Set("Expect", "100-continue")
	_, err = c.exchange("upload", req)
	return err
}

// RequestSFTPAccess asks for an SFTP server that takes the public keys in
// authorizedKeys, a file as sshd reads it ("The request_sftp_access method").
// The request has to be a draft, for an upload, or done, for a download.
func (c *Client) RequestSFTPAccess(ctx context.Context, t upgrade.Ticket, authorizedKeys []byte) (upgrade.SFTPAccess, error) {
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
		return upgrade.SFTPAccess{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errTimeout)
	defer cancel()
	// id and key go into the query, as in the section's samples: the form has the
	// keys alone.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(upgrade.SFTPMethod, address(t)), &body)
	if err != nil {
		return upgrade.SFTPAccess{}, plain(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	answer, err := c.exchange(upgrade.SFTPMethod, req)
	if err != nil {
		return upgrade.SFTPAccess{}, err
	}
	return answer.access()
}

// Process asks the platform to process the uploaded dump ("The process
// method"). Whoever loses its answer has to look at the status before calling
// again: it must not take effect twice.
func (c *Client) Process(ctx context.Context, t upgrade.Ticket) error {
	_, err := c.post(ctx, "process", address(t))
	return err
}

// SkipTest asks the platform to deliver the upgraded dump without testing it
// (documentation of Odoo 12 to 14; same parameters as process).
func (c *Client) SkipTest(ctx context.Context, t upgrade.Ticket) error {
	_, err := c.post(ctx, "skip_test", address(t))
	return err
}

// Status asks for the state of a request ("The status method").
func (c *Client) Status(ctx context.Context, t upgrade.Ticket) (upgrade.Status, error) {
	answer, err := c.post(ctx, "status", address(t))
	if err != nil {
		return upgrade.Status{}, err
	}
	status, err := answer.status()
	if err != nil {
		return upgrade.Status{}, err
	}
	if status.ID != "" && status.ID != t.ID {
		return upgrade.Status{}, answer.wrong("is about another request")
	}
	if status.State == "" {
		return upgrade.Status{}, answer.wrong("has no state")
	}
	status.ID, status.Key = t.ID, t.Key
	return status, nil
}

// address holds the two parameters of every method but create.
func address(t upgrade.Ticket) url.Values {
	return url.Values{"request": {t.ID}, "key": {t.Key.Reveal()}}
}

func (c *Client) endpoint(method string, query url.Values) string {
	u := c.base.JoinPath("database", "v1", method)
	u.RawQuery = query.Encode()
	return u.String()
}

// post sends a form: a key in a query would end up in every proxy's log.
func (c *Client) post(ctx context.Context, method string, form url.Values) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(method, nil), strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, plain(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.exchange(method, req)
}

// exchange sends req once and returns the platform's answer if it is a good one.
func (c *Client) exchange(method string, req *http.Request) (answer, error) {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "odoo-upgrade-action")
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.connectionError(req.Context(), method, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	return read(method, c.base.Host, resp, body, err)
}
