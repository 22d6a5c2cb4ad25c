package service

import (
	"net/http/httptest"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/sandbox/requests"
)

func TestBehindAProxy(t *testing.T) {
	trusted := []string{"127.0.0.1", "10.0.0.0/8", "fd00::/8"}
	for name, c := range map[string]struct {
		public, from string
		headers      string // NAME: VALUE, several separated by |
		want, client string
	}{
		"no proxy":                     {"", "192.0.2.1:5", "", "http://asked.test:80", "192.0.2.1:5"},
		"a client that pretends":       {"", "192.0.2.1:5", "X-Forwarded-Proto: https|X-Forwarded-Host: evil.test|X-Forwarded-For: 198.51.100.1", "http://asked.test:80", "192.0.2.1:5"},
		"a trusted one":                {"", "10.1.2.3:5", "X-Forwarded-Proto: https|X-Forwarded-Host: up.test|X-Forwarded-For: 198.51.100.1", "https://up.test", "198.51.100.1:0"},
		"by IPv6":                      {"", "[fd00::1]:5", "X-Forwarded-Proto: https|X-Forwarded-Host: up.test:8443", "https://up.test:8443", "[fd00::1]:5"},
		"one behind another":           {"", "127.0.0.1:5", "X-Forwarded-Proto: http, https|X-Forwarded-Host: evil.test, up.test|X-Forwarded-For: 203.0.113.9, 198.51.100.1, 10.0.0.7", "https://up.test", "198.51.100.1:0"},
		"nonsense in its headers":      {"", "127.0.0.1:5", "X-Forwarded-Proto: javascript|X-Forwarded-Host: a b/<x>|X-Forwarded-For: x", "http://asked.test:80", "127.0.0.1:5"},
		"a public URL":                 {"https://up.test/", "192.0.2.1:5", "", "https://up.test", "192.0.2.1:5"},
		"a public URL, and the client": {"https://up.test", "127.0.0.1:5", "X-Forwarded-Host: other.test|X-Forwarded-For: 198.51.100.1", "https://up.test", "198.51.100.1:0"},
	} {
		p, err := newProxy(c.public, trusted)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "http://asked.test:80/", nil)
		r.RemoteAddr = c.from
		for header := range strings.SplitSeq(c.headers, "|") {
			if key, value, ok := strings.Cut(header, ": "); ok {
				r.Header.Add(key, value)
			}
		}
		p.apply(r)
		if got := requests.Origin(r).String(); got != c.want || r.RemoteAddr != c.client {
			t.Errorf("%s: %s for %s, want %s for %s", name, got, r.RemoteAddr, c.want, c.client)
		}
	}
	for public, network := range map[string]string{"up.test": "", "ftp://up.test": "", "https://up.test/path": "", "https://": "", "": "10.0.0.0/64"} {
		if _, err := newProxy(public, []string{network}); err == nil {
			t.Errorf("%q and %q were taken", public, network)
		}
	}
}
