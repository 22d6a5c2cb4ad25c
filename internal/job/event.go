package job

import (
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/upgrade"
)

// Step is a part of the way.
type Step string

// The steps, in their order.
const (
	Inspect  Step = "inspect"
	Create   Step = "create"
	Upload   Step = "upload"
	Process  Step = "process"
	Wait     Step = "wait"
	Download Step = "download"
)

// Event is something that happened.
type Event interface{ isEvent() }

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
	// Looked tells of a status. Known is false where no document names its state.
	Looked struct {
		Status upgrade.Status
		Known  bool
	}
	// Progress tells how far a transfer is; Total is -1 while it is not known.
	Progress struct {
		Step        Step
		Item        upgrade.Item // of a download
		Done, Total int64        // in bytes
	}
	// Fetched tells of a file that has landed.
	Fetched struct{ Artifact upgrade.Artifact }
	// Retrying says that something is tried again after a pause.
	Retrying struct {
		Step  Step
		Err   error
		Pause time.Duration
	}
	// Warned tells of something that does not end the job.
	Warned struct{ Text string }
)

func (Began) isEvent()     {}
func (Ended) isEvent()     {}
func (Inspected) isEvent() {}
func (Created) isEvent()   {}
func (Looked) isEvent()    {}
func (Progress) isEvent()  {}
func (Fetched) isEvent()   {}
func (Retrying) isEvent()  {}
func (Warned) isEvent()    {}
