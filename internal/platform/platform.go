// Package platform is what the back ends have in common: the contract between them and the
// flow, in package job, and what each says of itself.
//
// A back end is a package below this one. It exports a function Spec, and package cli has a
// list of those: inputs, help and documents follow from it. A back end that only creates
// requests and reports on them embeds Base, and its Spec takes no dumps and offers no files.
package platform

import (
	"context"
	"errors"
	"net/http"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// Platform is a platform that is ready to be called, for one request. A call is made once;
// what may pass is marked for package retry.
type Platform interface {
	// Spec describes the back end. What it takes and offers may be known better after the
	// first call.
	Spec() Spec
	// Create creates a request, and returns its reference and first status. Its error is
	// ErrOtherProtocol if the platform turns out to have another protocol than the one that
	// the dump was checked for; the next call creates the request.
	Create(context.Context, upgrade.Request) (upgrade.Ticket, upgrade.Status, error)
	// Status returns the status of a request.
	Status(context.Context, upgrade.Ticket) (upgrade.Status, error)
	// Upload sends the dump once, and calls sent with the bytes that were sent so far. It
	// returns how many of them the next try need not send again.
	Upload(ctx context.Context, t upgrade.Ticket, d dump.Info, sent func(int64)) (kept int64, err error)
	// Process asks for the upgrade of what was uploaded.
	Process(context.Context, upgrade.Ticket) error
	// Fetch downloads an item once, and calls progress with the bytes that are here and all
	// that there will be, -1 while that is not known. It returns the file and how far the
	// try came, in bytes.
	Fetch(
		ctx context.Context,
		s upgrade.Status,
		item upgrade.Item,
		progress func(done, total int64),
	) (a upgrade.Artifact, kept int64, err error)
}

// ErrOtherProtocol is what Create may return, see there.
var ErrOtherProtocol = errors.New("the platform has another protocol")

// ErrAlwaysTests is the error of a Platform that has to skip the test and cannot.
var ErrAlwaysTests = advice.New("this platform always tests the upgraded database", "Set {skip-test} to false.")

// SkipTester is a Platform that can deliver the upgraded database untested.
type SkipTester interface {
	SkipTest(context.Context, upgrade.Ticket) error
}

// LogReader is a Platform that shows the log of its work.
type LogReader interface {
	// ReadLog returns what the log has from a byte on, nothing if that is all so far.
	ReadLog(ctx context.Context, t upgrade.Ticket, from int64) ([]byte, error)
}

// Closer is a Platform that has something to end, whatever became of the request.
type Closer interface {
	Close(context.Context)
}

// Base does what a back end leaves out that takes no dumps and offers no files.
type Base struct{}

var errNoFiles = errors.New("this platform transfers no files")

// Upload implements Platform.
func (Base) Upload(context.Context, upgrade.Ticket, dump.Info, func(int64)) (int64, error) {
	return 0, errNoFiles
}

// Process implements Platform.
func (Base) Process(context.Context, upgrade.Ticket) error { return errNoFiles }

// Fetch implements Platform.
func (Base) Fetch(context.Context, upgrade.Status, upgrade.Item, func(done, total int64)) (upgrade.Artifact, int64, error) {
	return upgrade.Artifact{}, 0, errNoFiles
}

// Spec is what a back end says of itself. No call changes what it holds.
type Spec struct {
	Name     string         // as users name it, like v1
	About    []Fact         // for the documents
	Requires []string       // inputs that a new request needs
	Takes    []dump.Form    // dumps; none if it takes no uploads, and starts what it creates by itself
	Offers   []upgrade.Item // files to download
	Inputs   []string       // inputs that not every back end has
	New      func(Config) (Platform, error)
}

// Fact is a row of the table that compares back ends.
type Fact struct{ About, Text string }

// Reference is what a later job needs to continue a request.
type Reference struct {
	Protocol   string
	Ticket     upgrade.Ticket
	HostKey    string // SSH host key that was trusted on first use, as authorized_keys has it
	DumpSHA256 string // of the dump that the request was created for
	DumpSize   int64
}

// Keeper keeps the current reference of a run's request.
type Keeper interface {
	// Keep takes what has changed: fields that are zero stay what they were.
	Keep(Reference)
}

// Config says how to reach a platform, and what is known of the request.
type Config struct {
	Server   string            // address, like https://upgrade.odoo.com
	HTTP     http.RoundTripper // for calls, and for transfers over HTTPS
	Dial     dial.Dialer       // for SSH; nil takes the proxies in the environment
	Getenv   func(string) string
	Transfer dial.TransferSettings
	Env      []string          // VAR=VALUE, handed to the platform
	Folder   *workspace.Folder // for downloads; nil without any
	Tell     func(event.Event)
	Keeper   Keeper

	// States that mean success and failure, in place of the platform's own.
	Success, Failure []string

	HostKey  string // SSH host key that the request met before, "" for none
	DumpSize int64  // bytes of the request's dump, 0 if not known
	// SameDump says that whatever the platform has of an upload is of the dump
	// that is sent now.
	SameDump bool
}
