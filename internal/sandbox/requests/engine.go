package requests

import (
	"context"
	"io"

	"odoo-upgrade-action/internal/dump"
)

// Engine upgrades what was uploaded.
type Engine interface {
	// Name is a word for the engine, which every response has in its header. Clients take "copy"
	// for one that upgrades nothing: they do not miss the target version then.
	Name() string
	// About is one sentence on what the engine does, for the sandbox's pages.
	About() string
	// Prepare checks that the engine can work, and removes what an earlier process left
	// of it that had the same data folder; log gets what cannot be removed. It is called
	// once, before Upgrade.
	Prepare(ctx context.Context, data string, log func(string)) error
	// Upgrade writes the upgraded database. An earlier call for the same request may have
	// been interrupted anywhere: what it left is replaced. It returns ctx's cause when
	// ctx ends, an *AgainError to be called again later, a *FailedError for an upgrade
	// that failed, and any other error for a failure of its own. It is called by several
	// goroutines at the same time, for a request each.
	Upgrade(context.Context, Work) (Result, error)
}

// Work is what an engine gets.
type Work struct {
	ID       int       // of the request
	Original string    // path of what was uploaded
	Upgraded string    // path for the upgraded database
	Filename string    // name of the upload, as the request has it
	Dump     dump.Info // what is known of the upload
	Target   string    // version to upgrade to
	Aim      string    // test or production

	Folder    string    // an empty folder for temporary files, which is removed afterwards
	Filestore string    // path of a folder, for files that the upgrade adds
	Log       io.Writer // of the work, for people
}

// Result is what an engine made.
type Result struct {
	Message string // to the customer
	Notes   string // on what the upgrade changed
	Name    string // of the upgraded file, for downloads

	Disabled []View // that it switched off
}

// FailedError says that an upgrade failed: the customer gets its text.
type FailedError struct{ Message string }

func (e *FailedError) Error() string { return e.Message }

// AgainError says that an upgrade could not be made now, and may be later.
type AgainError struct{ Err error }

func (e *AgainError) Error() string { return e.Err.Error() }
func (e *AgainError) Unwrap() error { return e.Err }
