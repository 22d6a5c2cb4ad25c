// Package event is the one stream of what happens in a run, for display. The flow, the back
// ends and the command line tell events; package report puts them into words, all of them.
// Nothing else writes to the log, and nothing depends on an event: values are returned.
package event

import (
	"time"

	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/digest"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/upgrade"
)

// Step is a part of the flow.
type Step string

// The steps, in their order.
const (
	Inspect  Step = "inspect"
	Create   Step = "create"
	Upload   Step = "upload"
	Process  Step = "process"
	Wait     Step = "wait"
	Download Step = "download"
	Check    Step = "check"
	Compare  Step = "compare"
)

// Event is something that happened: one of the types below.
type Event any

// Events of the command line.
type (
	// Started is told first.
	Started struct{ Version, Command, Server string }
	// Unencrypted says that everything, secrets included, goes over the network
	// in clear text.
	Unencrypted struct{}
	// Continuing says that the run continues an existing request.
	Continuing struct {
		Ticket  upgrade.Ticket
		Command string
	}
	// Leftover tells of a file from an earlier run where a download will go.
	Leftover struct{ Path string }
	// ProtocolChosen names the protocol that the platform speaks.
	ProtocolChosen struct{ Protocol string }
	// RuledOut says that a protocol is not used because an input that it needs is missing.
	RuledOut struct{ Protocol, Input string }
	// HandleNotSealed says why a handle is missing.
	HandleNotSealed struct{ Err error }
)

// Events of the flow.
type (
	// Began says that a step begins.
	Began struct{ Step Step }
	// Ended says that a step is over, Err nil if it did its work.
	Ended struct {
		Step Step
		Took time.Duration
		Err  error
	}
	// Inspected tells of the dump.
	Inspected struct{ Dump dump.Info }
	// Created tells of a new request.
	Created struct{ Ticket upgrade.Ticket }
	// CreateRetried says that a second request may have been created.
	CreateRetried struct{}
	// StatusRead tells of a status.
	StatusRead struct{ Status upgrade.Status }
	// MayHaveAccepted says that the response to the call to process was lost, and that the
	// status is watched for so long.
	MayHaveAccepted struct{ Watching time.Duration }
	// StillDraft says that the status has not changed since process was accepted, a while ago.
	StillDraft struct{ State string }
	// SkipTestFailed says why the platform tests the upgraded database after all.
	SkipTestFailed struct{ Err error }
	// Progress tells how far a transfer is; Total is -1 while it is not known.
	Progress struct {
		Step        Step
		Item        upgrade.Item // of a download
		Done, Total int64        // in bytes
	}
	// Downloaded tells of a file that is complete.
	Downloaded struct{ Artifact upgrade.Artifact }
	// Checked tells of the upgraded database.
	Checked struct {
		Dump        dump.Info
		Copied      bool // by a sandbox: it is what was sent
		Changes     dump.Changes
		Compared    bool   // with what was sent, so that Changes is known
		ChangesPath string // of the list of changes, as users know it
	}
	// Counted tells of the inventory of the dump that was sent.
	Counted struct{ Path string } // of its file, as users know it
	// Compared tells what the upgraded database lacks, or has otherwise.
	Compared struct {
		Result compare.Result
		Path   string         // of a file with all of it, as users know it, "" for none
		Gates  []compare.Area // whose findings fail the run
	}
	// ReportRead tells what the platform's report of the upgrade lists.
	ReportRead struct {
		Report *digest.Report
		Path   string // of a file with it, as users know it, "" for none
	}
	// NotesMissing says why the platform's report is not there.
	NotesMissing struct{ Err error }
	// NotCompared says why the two databases were not compared.
	NotCompared struct{ Why string }
	// CheckWarning tells of something odd about the upgraded database that does not fail
	// the run.
	CheckWarning struct{ Text string }
	// Retrying says that something is tried again after a pause.
	Retrying struct {
		Err   error
		Pause time.Duration
	}
	// LogRead hands on what is new in the platform's log of the request. It may end in
	// the middle of a line, and of a character.
	LogRead struct{ Text []byte }
	// ItemMissing says that there is nothing to download for an item.
	ItemMissing struct{ Item upgrade.Item }
	// DumpWarning tells of something odd about the dump that does not stop the run.
	DumpWarning struct{ Text string }
)

// Events of a back end.
type (
	// Notice is something that the platform, or what it says, makes worth knowing.
	Notice struct{ Text string }
	// HostKeyLearned says that a server's SSH host key was trusted on first use.
	HostKeyLearned struct {
		Address     string // host:port
		Fingerprint string
		KnownHosts  string // the line that pins it
	}
	// SwitchedTransport says that files take another way from now on.
	SwitchedTransport struct {
		From, To string
		Err      error // why
	}
	// Resumed says that a transfer continues behind the first Done bytes of Total.
	Resumed struct {
		Step        Step
		Done, Total int64
	}
	// ReadBack tells how much of an upload was read back from the platform and was found to be
	// the same; Over says that no more will be. Bytes is 0 where that is not possible.
	ReadBack struct {
		Bytes, Total int64
		Over         bool
	}
	// StartedOver says that a transfer starts from its first byte, because what
	// was there is not a part of the file.
	StartedOver struct{ Step Step }
)
