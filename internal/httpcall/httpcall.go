// Package httpcall makes one HTTP call to a platform's API: its response is limited, its
// errors hold no URL, because a URL may hold a key, and what may be tried again is marked
// for package retry.
//
// Do sends a request and returns the Response; a back end then says what is wrong with
// one by Fault or Wrong.
package httpcall

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/proxy"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// WithTimeout returns a context for a call that may take that long; its cause says so.
func WithTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it took longer than %v", timeout))
}

// MaxBody limits the body of a response, in bytes. A status has about two thousand; the
// runner takes a MiB of outputs.
const MaxBody = 512 << 10

// Client returns an HTTP client that follows no redirect: a redirected POST would continue
// as a GET and lose its parameters, or take the key to wherever the response points.
func Client(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ParseServer reads the address of a platform, like https://upgrade.odoo.com.
func ParseServer(server string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(server, "/"))
	switch {
	case err != nil || base.Hostname() == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, fmt.Errorf("%q is not the address of a platform: use one like https://upgrade.odoo.com", Shown(server))
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf(
			"the address of the platform is a host and a path, nothing else: %s://%s%s",
			base.Scheme,
			base.Host,
			Shown(base.Path),
		)
	}
	return base, nil
}

// Shown returns an address without what is before its last @, where a password may be. It
// need not be a valid address.
func Shown(address string) string {
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		return "***" + address[at:]
	}
	return address
}

// sandboxHeader is what a sandbox's responses name its engine in.
const sandboxHeader = "Odoo-Upgrade-Sandbox"

// Copies reports whether the response says that it comes from a sandbox that upgrades
// nothing.
func (r Response) Copies() bool { return r.Header.Get(sandboxHeader) == "copy" }

// IsSandbox reports whether the platform is a sandbox, whatever it does with a database.
func (r Response) IsSandbox() bool { return r.Header.Get(sandboxHeader) != "" }

// Response is what came back from a call.
type Response struct {
	Method    string // of the API, for people
	Host      string
	Code      int    // of HTTP
	MediaType string // "" if the response does not say
	Header    http.Header
	Body      []byte
	Broken    error // why the body is incomplete, nil if it is not
}

// Do sends req once, as a call of the API's method. Its error means that no response
// came.
func Do(client *http.Client, method string, req *http.Request) (Response, error) {
	req.Header.Set("User-Agent", "odoo-upgrade-action")
	resp, err := client.Do(req)
	if err != nil {
		return Response{}, connectionError(req.Context(), method, req.URL.Host, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	return Response{
		Method:    method,
		Host:      req.URL.Host,
		Code:      resp.StatusCode,
		MediaType: mediaType(resp.Header),
		Header:    resp.Header,
		Body:      body,
		Broken:    err,
	}, nil
}

func mediaType(h http.Header) string {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || len(media) > 100 {
		return ""
	}
	return media
}

// Check returns an error if the response is a redirect, an HTTP error, incomplete or too
// large. Whatever it says in its body, a back end reads that first.
func (r Response) Check() error {
	switch {
	case r.Code >= 300 && r.Code < 400:
		return r.Fault(
			"is a redirect, which is not followed because it would take the key along",
			"Check that {server-url} is the platform's own address, with https.",
		)
	case r.Code == http.StatusProxyAuthRequired:
		return r.fault("is a proxy's, which wants a user and a password", proxy.Credentials)
	case r.Code == http.StatusNotFound:
		return r.Fault("", "Check {server-url}. If it is right, the platform does not offer this call.")
	case r.Code < 200 || r.Code >= 400:
		return r.Fault("", "")
	case r.Broken != nil:
		return retry.Transient(r.Fault(fmt.Sprintf("stops after %d bytes", len(r.Body)), ""))
	case len(r.Body) > MaxBody:
		return r.Wrong(fmt.Sprintf("is larger than %d KiB", MaxBody>>10))
	}
	return nil
}

// NotJSON says that a response with a good code is not the JSON that it should be.
func (r Response) NotJSON() error {
	if r.MediaType == "application/json" {
		// Cut where it is still well-formed HTTP: as good as a broken connection.
		return retry.Transient(r.Fault("is incomplete JSON", ""))
	}
	err := r.fault("is not a JSON dictionary", "Check {server-url}, and whether a login page or a proxy responds in the platform's place.")
	err.Page = true
	return r.mark(err)
}

// ResponseError is a response that is not one of the API's: an HTML page, a proxy's error,
// JSON of another shape.
type ResponseError struct {
	Method    string // of the API
	Host      string
	Code      int    // of HTTP
	MediaType string // as far as the response says, else ""
	Problem   string // what is wrong with it
	Do        string // what to do, or ""
	Page      bool   // it is something else than JSON
}

// Error is one sentence with the host, the code and the content type.
func (e *ResponseError) Error() string {
	media := e.MediaType
	if media == "" {
		media = "no content type"
	}
	text := fmt.Sprintf("the response from %s (HTTP %d %s, %s) %s", e.Host, e.Code, http.StatusText(e.Code), media, e.Problem)
	if e.Problem == "" {
		text = fmt.Sprintf("%s responded with HTTP %d %s, %s", e.Host, e.Code, http.StatusText(e.Code), media)
	}
	if strings.Contains(e.Method, "/") { // the others are named as the step is
		text = e.Method + ": " + text
	}
	return text
}

// Advice implements advice.Adviser.
func (e *ResponseError) Advice() string { return e.Do }

// IsAbsent reports whether the error says that the address does not have this API.
func (e *ResponseError) IsAbsent() bool {
	switch e.Code {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return true
	}
	return e.Page && e.Code < 300
}

func (r Response) fault(problem, do string) *ResponseError {
	return &ResponseError{Method: r.Method, Host: r.Host, Code: r.Code, MediaType: r.MediaType, Problem: problem, Do: do}
}

// Fault returns a ResponseError, marked as transient if the HTTP code says that another
// try may help.
func (r Response) Fault(problem, do string) error { return r.mark(r.fault(problem, do)) }

// Wrong returns a ResponseError that another try would not change.
func (r Response) Wrong(problem string) error { return r.fault(problem, "") }

// Refused returns a refusal, marked like Fault.
func (r Response) Refused(kind upgrade.Kind, list []upgrade.Failure) error {
	return r.mark(&upgrade.RefusedError{Kind: kind, Failures: list})
}

func (r Response) mark(err error) error {
	if r.Code == http.StatusTooManyRequests || r.Code == http.StatusServiceUnavailable {
		err = &upgrade.DeclinedError{Err: err}
	}
	if isTransient(r.Code) {
		return retry.TransientAfter(err, retry.After(r.Header))
	}
	return err
}

func isTransient(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return code >= 500
}

// Plain removes the URL from an error of net/http or net/url: it may hold the key.
func Plain(err error) error {
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		return withURL.Err
	}
	return err
}

// connectionError says that a call got no response. It is worth another try unless the
// caller stopped it or the server's certificate is wrong. A caller that stops it for
// another try passes a transient error as ctx's cause.
func connectionError(ctx context.Context, method, host string, err error) error {
	cause := Plain(err)
	if ctx.Err() != nil {
		cause = context.Cause(ctx)
	} else if isUnsent(cause) {
		cause = &upgrade.UnreachedError{Err: cause}
	}
	err = fmt.Errorf("no response from %s: %w", host, Explained(cause))
	if strings.Contains(method, "/") {
		err = fmt.Errorf("%s: %w", method, err)
	}
	if ctx.Err() == context.Canceled || IsFinal(cause) {
		return err
	}
	return retry.Transient(err)
}

// isUnsent reports whether a call failed before there was a connection to send it on.
func isUnsent(err error) bool {
	if _, refused := errors.AsType[*proxy.Error](err); refused {
		return true
	}
	failed, ok := errors.AsType[*net.OpError](err)
	return ok && (failed.Op == "dial" || failed.Op == "proxyconnect")
}

// IsFinal reports whether another try would fail like this one: the server is not the one
// that it should be, does not speak TLS in a version that this program supports, or
// a proxy wants a password or refuses the connection.
func IsFinal(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	return certificate || noTLS || isOtherTLS(err) || isOnlyHTTP2(err) || proxy.IsFinal(err)
}

// isOnlyHTTP2 reports whether a server speaks no HTTP/1.1: it finds no protocol in common in
// TLS (alert 120, RFC 7301, section 3.2), or begins with a frame of settings (RFC 9113, section
// 3.4), of which net/http has only the text.
func isOnlyHTTP2(err error) bool {
	alert, ok := errors.AsType[tls.AlertError](err)
	return ok && alert == 120 || err != nil && (strings.Contains(err.Error(), "no application protocol") ||
		strings.Contains(err.Error(), `malformed HTTP response "\x00\x00`) || strings.Contains(err.Error(), "server replied with HTTP/2 frames"))
}

// isOtherTLS reports whether the two have no version of TLS in common. crypto/tls has no
// type for that: as the client, it gets an alert (70, RFC 8446, section 6.2), or finds it
// itself.
func isOtherTLS(err error) bool {
	alert, ok := errors.AsType[tls.AlertError](err)
	return ok && alert == 70 || err != nil && strings.Contains(err.Error(), "protocol version")
}

// Explained adds to an error of a connection what to do about it, where that is known.
func Explained(err error) error {
	unknown, _ := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case unknown.Cert != nil:
		return advice.Give(err, "If it is your own authority, set {ca-certificate} to its certificate.")
	case isOnlyHTTP2(err):
		return advice.New(
			"the server, or a proxy in front of it, speaks only HTTP/2, and this program speaks HTTP/1.1",
			"Allow HTTP/1.1 there.",
		)
	case isOtherTLS(err):
		return fmt.Errorf("%w: the server does not support TLS 1.2 or newer", err)
	}
	return err
}

// Port returns a URL's port, the scheme's own if it has none.
func Port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// IsWithin reports whether host is own or a subdomain of it. Addresses have no
// subdomains.
func IsWithin(own, host string) bool {
	own, host = strings.ToLower(own), strings.ToLower(host)
	return host == own || strings.HasSuffix(host, "."+own) && net.ParseIP(own) == nil
}
