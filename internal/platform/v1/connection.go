package v1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"

	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

var errTimeout = fmt.Errorf("it took longer than %v", callTimeout)

// plain removes the URL from an error of net/http or net/url: it may hold the key.
func plain(err error) error {
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		return withURL.Err
	}
	return err
}

// connectionError says that a call got no response. It is worth another try
// unless the caller stopped it or the server's certificate is wrong. A caller that
// stops it for another try passes a transient error as ctx's cause.
func (c *client) connectionError(ctx context.Context, method string, err error) error {
	cause := plain(err)
	if ctx.Err() != nil {
		cause = context.Cause(ctx)
	} else if unsent(cause) {
		cause = &upgrade.UnreachedError{Err: cause}
	}
	err = fmt.Errorf("%s: no response from %s: %w", method, c.base.Host, cause)
	if ctx.Err() == context.Canceled || untrusted(cause) {
		return err
	}
	return retry.Transient(err)
}

// unsent reports whether a call failed before there was a connection to send it on.
func unsent(err error) bool {
	failed, ok := errors.AsType[*net.OpError](err)
	return ok && (failed.Op == "dial" || failed.Op == "proxyconnect")
}

// untrusted reports whether the server is not the one that it should be, or does
// not speak TLS at all.
func untrusted(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	return certificate || noTLS
}
