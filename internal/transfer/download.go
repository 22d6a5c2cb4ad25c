package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// Downloader fetches what the URLs of a status point to.
type Downloader struct {
	server *url.URL
	http   *http.Client
}

// NewDownloader returns a Downloader for the platform at server. Each of its
// URLs holds the key, so none that leads elsewhere is followed.
func NewDownloader(server string, transport http.RoundTripper) (*Downloader, error) {
	base, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	d := &Downloader{server: base}
	d.http = &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > 5 {
			return errors.New("it redirects in circles")
		}
		req.Header.Del("Referer") // it would hold the key
		return d.allowed(req.URL)
	}}
	return d, nil
}

// allowed returns an error unless u is on the platform's host or a subdomain of
// it, by the same scheme and port.
func (d *Downloader) allowed(u *url.URL) error {
	host, own := strings.ToLower(u.Hostname()), strings.ToLower(d.server.Hostname())
	sub := strings.HasSuffix(host, "."+own) && net.ParseIP(own) == nil
	if (host == own || sub) && u.Scheme == d.server.Scheme && port(u) == port(d.server) && u.User == nil {
		return nil
	}
	return fmt.Errorf("it leads to %s://%s, not to %s://%s: the key is not sent there", u.Scheme, u.Host, d.server.Scheme, d.server.Host)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// Fetch downloads the item that the URL points to into the folder. The file is
// named after the item and ends as its content asks for. Fetch calls progress with the bytes there so
// far and all there will be, -1 while that is not known. Where an earlier call
// was cut, even one of another process, it goes on if the file is still the
// same; it never puts halves of two files together.
func (d *Downloader) Fetch(ctx context.Context, from upgrade.Secret, folder *Folder, item upgrade.Item, progress func(done, total int64)) (_ upgrade.Artifact, err error) {
	u, err := url.Parse(from.Reveal())
	if err != nil {
		return upgrade.Artifact{}, errors.New("the platform's URL for it is no URL")
	}
	if err := d.allowed(u); err != nil {
		return upgrade.Artifact{}, err
	}
	part, err := openPart(ctx, folder, item, from)
	if err != nil {
		return upgrade.Artifact{}, err
	}
	defer func() { part.end(ctx, err) }()
	watched, dog := watch(ctx, answerPatience, errSilent)
	defer dog.stop()
	resp, err := d.get(watched, u, part)
	if err != nil {
		return upgrade.Artifact{}, err
	}
	defer resp.Body.Close()
	total, err := part.begin(resp)
	if err != nil {
		return upgrade.Artifact{}, err
	}
	if err := pour(watched, part, resp.Body, dog, func() { progress(part.size, total) }); err != nil {
		return upgrade.Artifact{}, err
	}
	if total >= 0 && part.size != total {
		return upgrade.Artifact{}, retry.Transient(fmt.Errorf("%d of %d bytes came", part.size, total))
	}
	return part.land()
}

func (d *Downloader) get(ctx context.Context, u *url.URL, p *part) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("the platform's URL for it is no URL")
	}
	req.Header.Set("User-Agent", "odoo-upgrade-action")
	req.Header.Set("Accept-Encoding", "identity")
	if p.size > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
		req.Header.Set("If-Range", p.note.Validator)
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return nil, d.connectionError(ctx, err)
	}
	return resp, nil
}

// connectionError takes the URL, and so the key, off an error, and marks it as
// worth another try unless the caller stopped or a redirect was refused.
func (d *Downloader) connectionError(ctx context.Context, err error) error {
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		err = withURL.Err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = retry.Transient(err)
	}
	return fmt.Errorf("no answer of %s: %w", d.server.Host, err)
}

// pour writes the body into the part until its end, and tells a broken body
// from a broken disk.
func pour(ctx context.Context, p *part, body io.Reader, dog *watchdog, progress func()) error {
	buffer := make([]byte, 256<<10)
	for {
		n, readErr := body.Read(buffer)
		if n > 0 {
			dog.feed(patience)
			if err := p.write(buffer[:n]); err != nil {
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
			return retry.Transient(fmt.Errorf("broke off after %d bytes: %w", p.size, readErr))
		}
	}
}
