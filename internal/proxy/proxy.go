// Package proxy says what the refusal of a proxy means, for HTTPS and for SSH alike.
package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Error is an HTTP proxy's refusal to connect to a server.
type Error struct{ Code int } // of HTTP

func (e *Error) Error() string {
	if e.Code == http.StatusProxyAuthRequired {
		return "the proxy requires a user and a password (HTTP 407)"
	}
	return fmt.Sprintf("the proxy responded with HTTP %d %s", e.Code, http.StatusText(e.Code))
}

// Credentials says what to do about a proxy that requires a password.
const Credentials = "Write the user and the password into the proxy's URL, in HTTPS_PROXY: http://user:password@proxy:3128."

// Advice implements advice.Adviser.
func (e *Error) Advice() string {
	if e.Code == http.StatusProxyAuthRequired {
		return Credentials
	}
	return ""
}

// IsFinal reports whether an error is a proxy's refusal that another try would meet again.
func IsFinal(err error) bool {
	if refusal, ok := errors.AsType[*Error](err); ok {
		switch refusal.Code {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
			return false
		}
		return refusal.Code < 500
	}
	if err == nil || !strings.Contains(err.Error(), "socks") {
		return false
	}
	for _, text := range []string{"no acceptable authentication methods", "username/password authentication failed", "connection not allowed by ruleset"} {
		if strings.Contains(err.Error(), text) { // x/net has no type for them
			return true
		}
	}
	return false
}
