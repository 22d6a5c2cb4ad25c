//go:build unix

package v1

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// code is a response with that HTTP code.
func code(n int) error { return &httpcall.ResponseError{Code: n} }

// TestSwitching counts what is tried until an upload has ended.
func TestSwitching(t *testing.T) {
	realtest.Long(t)
	s := realtest.StartSSHD(t, "ed25519")
	broken := retry.Transient(errors.New("connection reset"))
	noAccess := &upgrade.RefusedError{Kind: upgrade.AccessRefusal, Failures: []upgrade.Failure{{Message: "not now"}}}
	tests := map[string]struct {
		transport dial.Transport
		size      int64 // 0 for the dump's own
		https     error // of each try
		sftp      error // of request_sftp_access; nil for a server that works
		tries     string
		err       string
	}{
		"small":                     {dial.Auto, 0, nil, nil, "https", ""},
		"large":                     {dial.Auto, large, nil, code(http.StatusNotFound), "sftp https", ""},
		"broken twice":              {dial.Auto, 0, broken, nil, "https https sftp", ""},
		"an outage":                 {dial.Auto, 0, retry.Transient(&upgrade.DeclinedError{Err: code(http.StatusServiceUnavailable)}), code(http.StatusNotFound), "https https https https", "HTTP 503"},
		"nothing reached":           {dial.Auto, 0, retry.Transient(&upgrade.UnreachedError{Err: errors.New("no such host")}), code(http.StatusNotFound), "https https https https", "no such host"},
		"too large for HTTPS":       {dial.Auto, 0, code(http.StatusRequestEntityTooLarge), nil, "https sftp", ""},
		"https alone":               {dial.HTTPS, 0, code(http.StatusRequestEntityTooLarge), nil, "https", "HTTP 413"},
		"https alone, broken":       {dial.HTTPS, 0, broken, nil, "https https https https", "connection reset"},
		"sftp alone":                {dial.SFTP, 0, nil, code(http.StatusNotFound), "sftp", "HTTP 404"},
		"neither":                   {dial.Auto, 0, broken, code(http.StatusNotFound), "https https sftp", "HTTP 404"},
		"refused":                   {dial.Auto, 0, &upgrade.RefusedError{Failures: []upgrade.Failure{{Reason: "X:Y"}}}, nil, "https", "X:Y"},
		"large, SFTP refused":       {dial.Auto, large, nil, noAccess, "sftp https", ""},
		"broken, then refused":      {dial.Auto, 0, broken, noAccess, "https https sftp https", "connection reset"},
		"sftp alone, forbidden":     {dial.SFTP, 0, nil, code(http.StatusForbidden), "sftp sftp sftp sftp", "HTTP 403"},
		"sftp alone, a page":        {dial.SFTP, 0, nil, &httpcall.ResponseError{Code: 200, Page: true}, "sftp sftp sftp sftp", "HTTP 200"},
		"sftp alone, refused":       {dial.SFTP, 0, nil, noAccess, "sftp", "not now"},
		"large, SFTP forbidden":     {dial.Auto, large, nil, code(http.StatusForbidden), "sftp https", ""},
		"large, SFTP without sense": {dial.Auto, large, nil, code(http.StatusOK), "sftp https", ""},
		"large, a bad request":      {dial.Auto, large, nil, code(http.StatusBadRequest), "sftp https", ""},
		"large, SFTP key refused":   {dial.Auto, large, nil, &dial.LoginError{Address: "example.com:22"}, "sftp https", ""},
		"large, SFTP breaks twice":  {dial.Auto, large, nil, broken, "sftp sftp https", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := os.Truncate(s.File(), 0); err != nil {
				t.Fatal(err)
			}
			var tries []string
			d := dumpOf(t, content(100_000))
			overSSH := another(t, s, s.Address)
			overSSH.Transfer.Transport = test.transport
			works := overSSH.api
			overSSH.api = counted{func() (sftpAccess, error) {
				tries = append(tries, "sftp")
				if test.sftp != nil {
					return sftpAccess{}, test.sftp
				}
				return works.requestSFTPAccess(t.Context(), ticket, nil)
			}}
			https := &overHTTPS{api: post(func(_ context.Context, open func() (io.ReadCloser, error)) error {
				tries = append(tries, "https")
				if test.https != nil {
					return test.https
				}
				body, err := open()
				if err == nil {
					_, err = io.Copy(io.Discard, body)
					_ = body.Close()
				}
				return err
			})}
			told := 0
			c := &transfers{setting: test.transport, https: https, sftp: overSSH, tell: func(event.Event) { told++ }}
			if test.size > 0 {
				if err := os.Truncate(d.Path, test.size); err != nil { // takes no space
					t.Fatal(err)
				}
				var err error
				if d, err = dump.Inspect(t.Context(), d.Path, dump.Options{}); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			for range 4 {
				if _, err = c.Upload(t.Context(), ticket, d, untold); !retry.IsTransient(err) {
					break
				}
			}
			if strings.Join(tries, " ") != test.tries {
				t.Errorf("tried %v, want %s (%v)", tries, test.tries, err)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%v", err)
			}
			both := strings.Contains(test.tries, "https") && strings.Contains(test.tries, "sftp")
			if both != (told == 1) && err == nil {
				t.Errorf("told %d times", told)
			}
		})
	}
}

// counted is a platform that is asked for access.
type counted struct {
	ask func() (sftpAccess, error)
}

func (c counted) requestSFTPAccess(context.Context, upgrade.Ticket, []byte) (sftpAccess, error) {
	return c.ask()
}
