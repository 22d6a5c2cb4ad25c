package httpcall

import (
	"errors"
	"net/http"

	"odoo-upgrade-action/internal/proxy"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// Outage marks an error of a platform that has responded before as one that passes: what
// responds in its place, a proxy's page or a maintenance page, will. It leaves what would be
// the same the next time: a refusal, a proxy that does not let the caller through, a file
// that is too large.
func Outage(err error) error {
	if _, refused := errors.AsType[*upgrade.RefusedError](err); refused || retry.IsTransient(err) || proxy.IsFinal(err) {
		return err
	}
	if r, ok := errors.AsType[*ResponseError](err); ok &&
		(r.Code == http.StatusProxyAuthRequired || r.Code == http.StatusRequestEntityTooLarge) {
		return err
	}
	return retry.Transient(err)
}

// MayBeAccepted reports whether the platform may have accepted a call that ended with err, an
// error that Outage has marked: there was a connection but no response, or a part of one, or
// a gateway responded that had waited for the platform. Another response, a page or 429 and
// 503, is not the platform's word for a call that it accepted.
func MayBeAccepted(err error) bool {
	_, unreached := errors.AsType[*upgrade.UnreachedError](err)
	_, declined := errors.AsType[*upgrade.DeclinedError](err)
	if !retry.IsTransient(err) || unreached || declined {
		return false
	}
	r, responded := errors.AsType[*ResponseError](err)
	if !responded {
		return true
	}
	return r.Code < 300 && !r.Page || r.Code == http.StatusBadGateway ||
		r.Code >= http.StatusGatewayTimeout && r.Code != http.StatusHTTPVersionNotSupported
}
