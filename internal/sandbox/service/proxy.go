package service

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// proxy tells how clients see a sandbox that is behind a reverse proxy.
type proxy struct {
	public  *url.URL // nil: what clients ask for
	trusted []netip.Prefix
}

func newProxy(public string, trusted []string) (*proxy, error) {
	p := new(proxy)
	if public != "" {
		address, err := url.Parse(public)
		if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" ||
			strings.Trim(address.Path, "/") != "" {
			return nil, fmt.Errorf("public-url is not the address of a server: use one like https://upgrade.example.com, without a path")
		}
		p.public = address
	}
	for _, text := range trusted {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			var address netip.Addr
			if address, err = netip.ParseAddr(text); err == nil {
				prefix = netip.PrefixFrom(address, address.BitLen())
			}
		}
		if err != nil {
			return nil, fmt.Errorf("trusted-proxy %q is not an address or a network, like 10.0.0.7 or 10.0.0.0/8", text)
		}
		p.trusted = append(p.trusted, prefix)
	}
	return p, nil
}

// hostShape is a name or an address, with a port or not.
var hostShape = regexp.MustCompile(`^(?:[0-9A-Za-z._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?$`)

// apply gives a request the scheme, the host and the client's address that it had at the
// proxy. The headers of any other client do not count.
func (p *proxy) apply(r *http.Request) {
	if p.isTrusted(r.RemoteAddr) {
		if scheme := last(r, "X-Forwarded-Proto"); scheme == "https" || scheme == "http" {
			r.URL.Scheme = scheme
		}
		if host := last(r, "X-Forwarded-Host"); hostShape.MatchString(host) {
			r.Host = host
		}
		p.client(r)
	}
	if p.public != nil {
		r.URL.Scheme, r.Host = p.public.Scheme, p.public.Host
	}
}

// client takes the client's address from X-Forwarded-For: the last that is not a trusted
// proxy's, for what is in front of it anyone can write.
func (p *proxy) client(r *http.Request) {
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(list) - 1; i >= 0; i-- {
		address, err := netip.ParseAddr(strings.TrimSpace(list[i]))
		if err != nil {
			return
		}
		r.RemoteAddr = net.JoinHostPort(address.String(), "0")
		if !p.isTrusted(r.RemoteAddr) {
			return
		}
	}
}

// isTrusted reports whether a client, host:port, is a trusted proxy.
func (p *proxy) isTrusted(client string) bool {
	address, err := netip.ParseAddrPort(client)
	if err != nil {
		return false
	}
	for _, prefix := range p.trusted {
		if prefix.Contains(address.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// last returns the last value of a header, which the proxy next to us has set.
func last(r *http.Request, header string) string {
	values := strings.Split(strings.Join(r.Header.Values(header), ","), ",")
	return strings.TrimSpace(values[len(values)-1])
}
