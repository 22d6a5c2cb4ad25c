//go:build unix

package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// answer is an error with an HTTP status, as the API's are.
type answer int

func (a answer) Error() string   { return fmt.Sprintf("HTTP %d", int(a)) }
func (a answer) StatusCode() int { return int(a) }

// TestGoingOver counts what is tried until an upload has ended.
func TestGoingOver(t *testing.T) {
	s := realtest.StartSSHD(t, "ed25519")
	broken := retry.Transient(errors.New("connection reset"))
	noAccess := &upgrade.RefusedError{Method: upgrade.SFTPMethod, Failures: []upgrade.Failure{{Message: "not now"}}}
	tests := map[string]struct {
		transport Transport
		size      int64 // 0 for the dump's own
		https     error // of each try
		sftp      error // of request_sftp_access; nil for a server that works
		tries     string
		err       string
	}{
		"small":                    {Auto, 0, nil, nil, "https", ""},
		"large":                    {Auto, Large, nil, answer(http.StatusNotFound), "sftp https", ""},
		"broken twice":             {Auto, 0, broken, nil, "https https sftp", ""},
		"too large for HTTPS":      {Auto, 0, answer(http.StatusRequestEntityTooLarge), nil, "https sftp", ""},
		"https alone":              {OverHTTPS, 0, answer(http.StatusRequestEntityTooLarge), nil, "https", "HTTP 413"},
		"https alone, broken":      {OverHTTPS, 0, broken, nil, "https https https https", "connection reset"},
		"sftp alone":               {OverSFTP, 0, nil, answer(http.StatusNotFound), "sftp", "HTTP 404"},
		"neither":                  {Auto, 0, broken, answer(http.StatusNotFound), "https https sftp", "HTTP 404"},
		"refused":                  {Auto, 0, &upgrade.RefusedError{Failures: []upgrade.Failure{{Reason: "X:Y"}}}, nil, "https", "X:Y"},
		"large, SFTP refused":      {Auto, Large, nil, noAccess, "sftp https", ""},
		"broken, then refused":     {Auto, 0, broken, noAccess, "https https sftp https", "connection reset"},
		"sftp alone, refused":      {OverSFTP, 0, nil, noAccess, "sftp", "not now"},
		"large, SFTP breaks twice": {Auto, Large, nil, broken, "sftp sftp https", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := os.Truncate(s.File(), 0); err != nil {
				t.Fatal(err)
			}
			var tries []string
			d := dumpOf(t, content(100_000))
			overSSH := client(t, s, s.Address)
			works := overSSH.API
			overSSH.API = counted{func() (upgrade.SFTPAccess, error) {
				tries = append(tries, "sftp")
				if test.sftp != nil {
					return upgrade.SFTPAccess{}, test.sftp
				}
				return works.RequestSFTPAccess(t.Context(), ticket, nil)
			}}
			overHTTPS := HTTPS{poster(func(context.Context, func() (io.ReadCloser, error)) error {
				tries = append(tries, "https")
				return test.https
			})}
			told := 0
			c := &Carrier{Transport: test.transport, HTTPS: overHTTPS, SFTP: overSSH, Tell: func(string) { told++ }}
			if test.size > 0 {
				if err := os.Truncate(d.Path, test.size); err != nil { // takes no room
					t.Fatal(err)
				}
				var err error
				if d, err = dump.Inspect(t.Context(), d.Path, dump.Options{}); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			for range 4 {
				if err = c.Upload(t.Context(), ticket, d, untold); !retry.IsTransient(err) {
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
	ask func() (upgrade.SFTPAccess, error)
}

func (c counted) RequestSFTPAccess(context.Context, upgrade.Ticket, []byte) (upgrade.SFTPAccess, error) {
	return c.ask()
}
