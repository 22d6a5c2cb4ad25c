package v1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/proxy"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// downloader fetches what the URLs of a status point to.
type downloader struct {
	server *url.URL
	http   *http.Client
}

// newDownloader returns a downloader for the platform at server. Each URL holds the
// key, so none that points elsewhere is followed.
func newDownloader(server *url.URL, transport http.RoundTripper) *downloader {
	d := &downloader{server: server}
	d.http = &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > 5 {
			return errors.New("it redirects in circles")
		}
		req.Header.Del("Referer") // it would hold the key
		return d.allowed(req.URL)
	}}
	return d
}

// allowed returns an error unless u is on the platform's host or a subdomain of
// it, with the same scheme and port.
func (d *downloader) allowed(u *url.URL) error {
	if httpcall.IsWithin(d.server.Hostname(), u.Hostname()) && u.Scheme == d.server.Scheme && httpcall.Port(u) == httpcall.Port(d.server) &&
		u.User == nil {
		return nil
	}
	return fmt.Errorf("it points to %s://%s, not to %s://%s: the key is not sent there", u.Scheme, u.Host, d.server.Scheme, d.server.Host)
}

var errNotURL = errors.New("the platform's URL for it is not a URL")

// fetch downloads the item that the status has a URL for. The file is named after
// the item, with the extension that its content asks for. Where an earlier call was
// cut, even one of another process, it continues if the file is still the same; it
// never joins parts of two files.
func (h *overHTTPS) fetch(
	ctx context.Context,
	s upgrade.Status,
	item upgrade.Item,
	progress func(done, total int64),
) (f workspace.File, kept int64, err error) {
	from := s.Links[linkTo[item]].Reveal()
	if from == "" {
		return f, 0, errors.New("the platform does not say where it is")
	}
	u, err := url.Parse(from)
	if err != nil {
		return f, 0, errNotURL
	}
	if err := h.downloads.allowed(u); err != nil {
		return f, 0, err
	}
	part, err := h.folder.Begin(ctx, string(item), from)
	if err != nil {
		return f, 0, err
	}
	defer func() { part.Close(ctx, err) }()
	if err := h.downloads.get(ctx, u, part, item, progress); err != nil {
		return f, part.Size(), err
	}
	f, err = commit(part, item)
	return f, part.Size(), err
}

// get downloads what is missing of the file at u.
func (d *downloader) get(
	ctx context.Context,
	u *url.URL,
	part *workspace.Partial,
	item upgrade.Item,
	progress func(done, total int64),
) error {
	ctx, watch, stop := stall.Context(ctx, stall.Response)
	defer stop()
	resp, err := d.request(ctx, u, part)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	total, err := begin(part, item, resp)
	if err != nil {
		return err
	}
	body := io.Reader(resp.Body)
	if total >= 0 { // and one more byte, by which a longer body is recognized
		body = io.LimitReader(body, total-part.Size()+1)
	}
	if err := receive(ctx, part, body, watch, func() { progress(part.Size(), total) }); err != nil {
		return err
	}
	if total >= 0 && part.Size() > total {
		return errors.Join(
			part.Truncate(),
			part.Forget(),
			retry.Transient(fmt.Errorf("more than the %d bytes arrived that the server announced", total)),
		)
	}
	if total >= 0 && part.Size() != total {
		return retry.Transient(fmt.Errorf("only %d of %d bytes arrived", part.Size(), total))
	}
	return nil
}

func (d *downloader) request(ctx context.Context, u *url.URL, p *workspace.Partial) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errNotURL
	}
	req.Header.Set("User-Agent", "odoo-upgrade-action")
	req.Header.Set("Accept-Encoding", "identity")
	if p.Size() > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", resumeAt(p)))
		req.Header.Set("If-Range", p.Validator())
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return nil, d.connectionError(ctx, err)
	}
	return resp, nil
}

// resumeAt is the byte from which on a file is requested. Of one that is here completely
// the last byte is requested: the response says whether it still is the same file.
func resumeAt(p *workspace.Partial) int64 {
	if p.Size() == p.Total() {
		return p.Size() - 1
	}
	return p.Size()
}

// skip reads the first n bytes of a body, which have to be the last ones that are here.
func skip(p *workspace.Partial, body io.Reader, n int64) error {
	theirs := make([]byte, n)
	if _, err := io.ReadFull(body, theirs); err != nil {
		return retry.Transient(fmt.Errorf("the connection broke after %d bytes: %w", p.Size(), err))
	}
	own, err := p.Tail(n)
	if err == nil && !bytes.Equal(own, theirs) {
		err = errors.Join(p.Forget(), retry.Transient(errors.New("the server has another file than the one that was begun")))
	}
	return err
}

// connectionError removes the URL, and so the key, from an error, and marks it as
// worth another try unless the caller stopped or a redirect was refused.
func (d *downloader) connectionError(ctx context.Context, err error) error {
	err = httpcall.Plain(err)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, network := errors.AsType[net.Error](err)
	_, byProxy := errors.AsType[*proxy.Error](err)
	if !httpcall.IsFinal(err) && (network || byProxy) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = retry.Transient(err)
	}
	return fmt.Errorf("no response from %s: %w", d.server.Host, httpcall.Explained(err))
}

// receive writes the body to the partial file until its end, and tells a broken
// connection from a broken disk.
func receive(ctx context.Context, p *workspace.Partial, body io.Reader, watch *stall.Watch, progress func()) error {
	buffer := make([]byte, 256<<10)
	for {
		n, readErr := body.Read(buffer)
		if n > 0 {
			watch.Allow(stall.Body)
			if _, err := p.Write(buffer[:n]); err != nil {
				return err
			}
			progress()
		}
		switch {
		case readErr == io.EOF:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case readErr != nil:
			return retry.Transient(fmt.Errorf("the connection broke after %d bytes: %w", p.Size(), readErr))
		}
	}
}

// begin reads the head of a response: it returns how long the whole file will be,
// -1 if that is not known before its end, and empties the partial file if the
// response starts from byte 0.
func begin(p *workspace.Partial, item upgrade.Item, resp *http.Response) (total int64, err error) {
	switch resp.StatusCode {
	case http.StatusOK:
		return beginWhole(p, item, resp)
	case http.StatusPartialContent:
		start, total, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || start != resumeAt(p) || total != p.Total() || resp.ContentLength >= 0 && start+resp.ContentLength != total ||
			!isSame(p, resp.Header) {
			return 0, errors.Join(
				p.Forget(),
				retry.Transient(errors.New("the server sent a range of another file, or another range than the one requested")),
			)
		}
		if start < p.Size() {
			if err := skip(p, resp.Body, p.Size()-start); err != nil {
				return 0, err
			}
		}
		return total, p.Fits(total)
	case http.StatusRequestedRangeNotSatisfiable:
		// The range exists in the file that was begun: this is another one.
		return 0, errors.Join(p.Forget(), retry.Transient(errors.New("the server does not have the range requested")))
	}
	err = fmt.Errorf("the server responded with HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode == http.StatusNotFound {
		err = fmt.Errorf(
			"%w: the file is not available yet, or no longer; try the command download again later, or contact Odoo support",
			err,
		)
	}
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone, http.StatusProxyAuthRequired, http.StatusNotImplemented:
		return 0, err
	}
	return 0, retry.TransientAfter(err, retry.After(resp.Header)) // see httpcall.Outage
}

func beginWhole(p *workspace.Partial, item upgrade.Item, resp *http.Response) (int64, error) {
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return 0, fmt.Errorf("the server compressed it with %.20q although it was asked not to", encoding)
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media == "application/json" || media == "text/html" && item != upgrade.Notes {
		// The platform has responded before: what responds in its place will pass.
		return 0, retry.Transient(fmt.Errorf("the server sent %s instead of a database: it may be an error or a login page", media))
	}
	if resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 {
		return 0, errors.New("the server does not say how long it is, so a complete file could not be told from a cut one")
	}
	return resp.ContentLength, p.Start(validator(resp.Header), resp.ContentLength)
}

// validator returns what If-Range may hold for a file (RFC 9110, section
// 13.1.5): a strong entity tag, else a date that is long enough past.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	date, dateErr := http.ParseTime(h.Get("Date"))
	if err == nil && dateErr == nil && date.Sub(modified) >= time.Minute {
		return h.Get("Last-Modified")
	}
	return ""
}

// isSame reports whether a response is about the file that the partial one is a part of.
// A server may ignore If-Range, so the response itself has to say so.
func isSame(p *workspace.Partial, h http.Header) bool {
	now := h.Get("Last-Modified")
	if strings.HasPrefix(p.Validator(), `"`) {
		now = h.Get("ETag")
	}
	return now != "" && now == p.Validator()
}

// contentRange reads "bytes 5-9/10".
func contentRange(header string) (start, total int64, ok bool) {
	span, whole, found := strings.Cut(strings.TrimPrefix(header, "bytes "), "/")
	first, last, dashed := strings.Cut(span, "-")
	start, err1 := strconv.ParseInt(first, 10, 64)
	end, err2 := strconv.ParseInt(last, 10, 64)
	total, err3 := strconv.ParseInt(whole, 10, 64)
	return start, total, found && dashed && errors.Join(err1, err2, err3) == nil && start <= end && end == total-1
}

// commit names a file that has arrived, after its item and its content.
func commit(part *workspace.Partial, item upgrade.Item) (workspace.File, error) {
	kind := dump.Sniff(part.Head())
	if kind == dump.Empty || kind == dump.HTML && item != upgrade.Notes {
		return workspace.File{}, fmt.Errorf("what arrived is not a database (%s)", kind)
	}
	return part.Commit(kind.Extension())
}
