package dial

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/proxy"

	"odoo-upgrade-action/internal/advice"
	proxyerr "odoo-upgrade-action/internal/proxy"
)

// Dialer makes connections for SSH.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// dialTime is how long it may take to connect.
const dialTime = 15 * time.Second

// NewDialer returns a Dialer that uses the proxy in the environment, as only
// net/http's transports do by themselves: ALL_PROXY, else HTTPS_PROXY, through
// SOCKS5 or HTTP CONNECT, but not for what NO_PROXY lists. Its error says what is
// wrong with the proxy's address.
func NewDialer(getenv func(string) string) (Dialer, error) {
	proxy, err := parseProxy(first(getenv, "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"))
	if err != nil {
		return nil, err
	}
	return dialer(getenv, proxy), nil
}

// NewSOCKSDialer is NewDialer for ports that an HTTP proxy does not carry: only a SOCKS5
// proxy in ALL_PROXY is used. proxied reports whether the environment has an HTTP proxy,
// which suggests that there may be no other way out.
func NewSOCKSDialer(getenv func(string) string) (_ Dialer, proxied bool, err error) {
	all, err := parseProxy(first(getenv, "ALL_PROXY", "all_proxy"))
	if err != nil {
		return nil, false, err
	}
	if strings.HasPrefix(all, "socks5") {
		return dialer(getenv, all), false, nil
	}
	return dialer(getenv, ""), all != "" || first(getenv, "HTTPS_PROXY", "https_proxy") != "", nil
}

// CheckProxies returns an error for a proxy in the environment whose address is not valid.
// net/http silently ignores such a proxy.
func CheckProxies(getenv func(string) string) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if _, err := parseProxy(getenv(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// first returns the first of the variables that is set.
func first(getenv func(string) string, names ...string) string {
	for _, name := range names {
		if value := getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// parseProxy checks a proxy's address, which may be empty, and completes it.
func parseProxy(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	text = proxyURL(text)
	u, err := url.Parse(text)
	if err == nil && strings.HasSuffix(strings.ToLower(u.Path), ".pac") {
		return "", advice.New("the proxy in the environment is the URL of a PAC file, a script that names proxies", "Set the proxy itself, like http://proxy:3128: the PAC file names it.")
	}
	// What follows the host would be a part of a password with a /, a ? or a #: the rest of it
	// would be taken for the host, and be shown.
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" ||
		strings.Contains(text, "#") {
		return "", errors.New(
			"the proxy in the environment is not a URL like http://proxy:3128 or socks5://user:password@proxy:1080; in a password, write @ as %40, / as %2F, ? as %3F, and # as %23",
		)
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return text, nil
	}
	return "", fmt.Errorf("the environment sets a proxy of an unknown kind, %q: http, https and socks5 are supported", u.Scheme)
}

// dialer returns a Dialer through a proxy, "" for none.
func dialer(getenv func(string) string, proxy string) Dialer {
	config := httpproxy.Config{HTTPSProxy: proxy, NoProxy: first(getenv, "NO_PROXY", "no_proxy")}
	choose := config.ProxyFunc()
	direct := &net.Dialer{Timeout: dialTime, KeepAlive: 15 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		via, err := choose(&url.URL{Scheme: "https", Host: address})
		if err != nil || via == nil {
			return direct.DialContext(ctx, network, address)
		}
		ctx, cancel := context.WithTimeout(ctx, dialTime)
		defer cancel()
		conn, err := dialVia(ctx, direct, via, network, address)
		if err != nil {
			return nil, fmt.Errorf("through the proxy %s: %w", via.Host, err)
		}
		return conn, nil
	}
}

// proxyURL completes what people write: a missing scheme stands for http, and
// GNOME writes socks for socks5.
func proxyURL(text string) string {
	scheme, rest, found := strings.Cut(text, "://")
	switch {
	case !found:
		return "http://" + text
	case scheme == "socks":
		return "socks5://" + rest
	}
	return text
}

func dialVia(ctx context.Context, direct *net.Dialer, via *url.URL, network, address string) (net.Conn, error) {
	if via.Scheme == "socks5" || via.Scheme == "socks5h" {
		dialer, err := proxy.FromURL(via, direct)
		if err != nil {
			return nil, err
		}
		return dialer.(proxy.ContextDialer).DialContext(ctx, network, address)
	}
	host := via.Host
	if via.Port() == "" {
		host = net.JoinHostPort(via.Hostname(), map[string]string{"http": "80", "https": "443"}[via.Scheme])
	}
	conn, err := direct.DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	if via.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{ServerName: via.Hostname(), MinVersion: tls.VersionTLS12})
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	tunnel, err := connect(conn, via, address)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return tunnel, nil
}

// connect asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6).
func connect(conn net.Conn, via *url.URL, address string) (net.Conn, error) {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if via.User != nil {
		password, _ := via.User.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(via.User.Username()+":"+password)))
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	head := &io.LimitedReader{R: conn, N: maxProxyHead}
	in := bufio.NewReader(head)
	response, err := http.ReadResponse(in, request)
	if err != nil && head.N <= 0 {
		err = fmt.Errorf("its response has more than %d KiB of headers", maxProxyHead>>10)
	}
	if err != nil {
		return nil, err
	}
	switch response.StatusCode {
	case http.StatusOK:
		head.N = math.MaxInt64 // what follows is the server's
		return &tunnelled{conn, in}, nil
	}
	return nil, &proxyerr.Error{Code: response.StatusCode}
}

// maxProxyHead limits a proxy's response to CONNECT, in bytes.
const maxProxyHead = 64 << 10

// tunnelled first reads what arrived right after the proxy's response.
type tunnelled struct {
	net.Conn
	in *bufio.Reader
}

func (t *tunnelled) Read(b []byte) (int, error) { return t.in.Read(b) }
