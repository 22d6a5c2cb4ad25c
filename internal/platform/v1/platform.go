// Package v1 speaks version 1 of the vendor's upgrade API: requests over HTTPS,
// files over HTTPS or SFTP.
//
// New connects a Platform, which package job drives. Sections named in comments are
// those of the specification, the "Database Upgrade" page of Odoo's documentation.
package v1

import (
	"net/http"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// Config says how to reach a platform, and what is known of the request.
type Config struct {
	Server   string            // address, like https://upgrade.odoo.com
	HTTP     http.RoundTripper // for the API and for transfers
	Dial     dial.Dialer       // for SFTP; nil takes the proxies in the environment
	Getenv   func(string) string
	Transfer dial.TransferSettings
	Folder   *workspace.Folder // for downloads; nil without any
	Tell     func(event.Event)

	// States that mean success and failure, in place of the platform's own.
	Success, Failure []string

	HostKey  string // SSH host key that the request met before, "" for none
	DumpSize int64  // bytes of the request's dump, 0 if not known
	// SameDump says that whatever the platform has of an upload is of the dump
	// that is sent now.
	SameDump bool
}

// states are those that documents of the platform name. The specification has draft
// and done, the documentation of Odoo 12 to 14 delivered; the others are those of the
// vendor's newer protocol, and words that a failure may have.
var states = upgrade.States{
	Draft:   []string{"draft"},
	Queued:  []string{"new", "pending"},
	Working: []string{"progress"},
	Done:    []string{"done", "delivered"},
	Failed:  []string{"failed", "cancelled", "canceled", "cancel", "error", "refused"},
}

// Platform is a platform that speaks API v1. It is for one request and one
// goroutine.
type Platform struct {
	*client
	*transfers
}

// New returns a platform. It connects to nothing yet; its error says which input is
// wrong.
func New(c Config) (*Platform, error) {
	api, err := newClient(c.Server, c.HTTP)
	if err != nil {
		return nil, err
	}
	api.states = states.With(c.Success, c.Failure)
	t := &transfers{setting: c.Transfer.Transport, tell: c.Tell, size: c.DumpSize}
	t.https = newHTTPS(api, c.HTTP, c.Folder)
	if t.setting == dial.Auto || t.setting == dial.SFTP {
		if t.sftp, err = newSFTP(c, api); err != nil {
			return nil, err
		}
	}
	return &Platform{api, t}, nil
}

// Required returns the inputs that a request needs ("The create method").
func Required() []string {
	return []string{"contract", "email", "target", "aim", "filename"}
}

// Forms returns the forms of dumps that the platform takes: one file each.
func (p *Platform) Forms() []dump.Form {
	return []dump.Form{"custom", "custom.gz", "tar", "tar.gz", "sql", "sql.gz", "odoo-zip"}
}

// Items returns what can be downloaded.
func Items() []upgrade.Item {
	return []upgrade.Item{upgrade.UpgradedDump, upgrade.UpgradedSQL, upgrade.OriginalDump, upgrade.OriginalSQL, upgrade.Notes, upgrade.Modules}
}

// Items returns what can be downloaded.
func (p *Platform) Items() []upgrade.Item { return Items() }
