// Package v1 speaks version 1 of the vendor's upgrade API: requests over HTTPS,
// files over HTTPS or SFTP.
//
// New connects a Platform, which package job drives. Sections named in comments are
// those of the specification, the "Database Upgrade" page of Odoo's documentation.
package v1

import (
	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/upgrade"
)

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
func New(c platform.Config) (*Platform, error) {
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

// spec describes the back end. Requires: "The create method".
var spec = platform.Spec{
	Name: "v1",
	About: []platform.Fact{
		{About: "documented", Text: "in Odoo's documentation, up to that of Odoo 14"},
		{About: "used by", Text: "existing integrations"},
		{About: "files travel by", Text: "HTTPS or SFTP"},
		{About: "has to be open", Text: "TCP 443, and the port of the SFTP server"},
		{About: "shows while it waits", Text: "the state"},
	},
	Requires: []string{"contract", "email", "target", "aim", "filename"},
	Takes: []dump.Form{
		{Kind: dump.Custom}, {Kind: dump.Custom, Wrapper: dump.InGzip}, {Kind: dump.Tar}, {Kind: dump.Tar, Wrapper: dump.InGzip},
		{Kind: dump.SQL}, {Kind: dump.SQL, Wrapper: dump.InGzip}, {Kind: dump.OdooZip},
	},
	Offers: []upgrade.Item{
		upgrade.UpgradedDump,
		upgrade.UpgradedSQL,
		upgrade.OriginalDump,
		upgrade.OriginalSQL,
		upgrade.Notes,
		upgrade.Modules,
	},
	Inputs: []string{"email", "skip-test", "timezone", "transport", "streams"},
}

// Spec describes the back end. Its New connects to nothing yet.
func Spec() platform.Spec {
	s := spec
	s.New = func(c platform.Config) (platform.Platform, error) { return New(c) }
	return s
}

// Spec implements platform.Platform.
func (p *Platform) Spec() platform.Spec { return Spec() }
