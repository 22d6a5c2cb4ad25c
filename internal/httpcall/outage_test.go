package httpcall

import (
	"errors"
	"testing"

	"odoo-upgrade-action/internal/proxy"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// TestOutage says of what responds in a platform's place whether it passes, and whether the
// platform may have accepted the call before.
func TestOutage(t *testing.T) {
	code := func(code int) error { return Response{Code: code}.Fault("", "") }
	for name, c := range map[string]struct {
		err              error
		passes, accepted bool
	}{
		"a cut":                        {errors.New("connection reset"), true, true},
		"no connection":                {retry.Transient(&upgrade.UnreachedError{Err: errors.New("no such host")}), true, false},
		"a refusal":                    {&upgrade.RefusedError{}, false, false},
		"a proxy's password":           {&upgrade.UnreachedError{Err: &proxy.Error{Code: 407}}, false, false},
		"a proxy's password, in HTTP":  {code(407), false, false},
		"too large":                    {code(413), false, false},
		"a page":                       {Response{Code: 200, MediaType: "text/html"}.NotJSON(), true, false},
		"half of the JSON":             {Response{Code: 200, MediaType: "application/json"}.NotJSON(), true, true},
		"a redirect":                   {code(302), true, false},
		"401":                          {code(401), true, false},
		"403":                          {code(403), true, false},
		"404":                          {code(404), true, false},
		"429":                          {code(429), true, false},
		"500":                          {code(500), true, false},
		"502":                          {code(502), true, true},
		"503":                          {code(503), true, false},
		"504":                          {code(504), true, true},
		"524, a gateway's own timeout": {code(524), true, true},
	} {
		err := Outage(c.err)
		if retry.IsTransient(err) != c.passes || MayBeAccepted(err) != c.accepted {
			t.Errorf("%s: passes %t, accepted %t", name, retry.IsTransient(err), MayBeAccepted(err))
		}
	}
}
