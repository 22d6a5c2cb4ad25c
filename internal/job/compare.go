package job

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/inventory"
	"odoo-upgrade-action/internal/upgrade"
)

// Names of the files that a comparison writes.
const (
	InventoryFile  = "inventory"
	ComparisonFile = "comparison"
)

// GateError says that the upgraded database differs in what {fail-on} does not accept.
type GateError struct {
	Findings []compare.Finding
	Path     string // of the file with all of them, "" for none
}

func (e *GateError) Error() string {
	text := "1 finding"
	if n := len(e.Findings); n > 1 {
		text = fmt.Sprintf("%d findings", n)
	}
	return text + " that fail-on does not accept: " + compare.Texts(e.Findings)
}

// Advice implements advice.Adviser.
func (e *GateError) Advice() string {
	where := ""
	if e.Path != "" {
		where = " The details are in " + e.Path + "."
	}
	return "The files are kept." + where + " If the upgrade may do that, take its area out of {fail-on}."
}

// UndecidedError says that a gate has nothing to decide by.
type UndecidedError struct{ Why string }

func (e *UndecidedError) Error() string {
	return "fail-on is set, but could not be decided: " + strings.TrimSuffix(e.Why, ".")
}

// Advice implements advice.Adviser.
func (e *UndecidedError) Advice() string { return "To accept that, remove {fail-on}." }

// counting makes the inventory of the dump that was sent, while the platform works.
type counting struct {
	cancel    context.CancelFunc
	done      chan struct{}
	inventory *inventory.Inventory
	err       error
}

// count begins to make the inventory of the dump.
func (r *run) count(ctx context.Context, d dump.Info) {
	if !r.plan.Compare || r.counting != nil || d.Path == "" || !d.Odoo || d.Opaque {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &counting{cancel: cancel, done: make(chan struct{})}
	r.counting = c
	go func() {
		defer close(c.done)
		c.inventory, c.err = inventory.Of(ctx, d)
	}()
}

// stopCounting ends what still counts: it is not needed any more.
func (r *run) stopCounting() {
	if r.counting != nil {
		r.counting.cancel()
		<-r.counting.done
	}
}

// keepInventory waits until the dump is counted, and writes the inventory for later jobs. That it
// cannot be made is told when it is needed.
func (r *run) keepInventory(ctx context.Context) error {
	if r.counting == nil {
		return nil
	}
	<-r.counting.done // which ends with ctx
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.counting.err != nil || r.save == nil {
		return nil
	}
	r.counting.inventory.Dump.Request = r.seen.Ticket.ID
	var content bytes.Buffer
	if err := r.counting.inventory.Write(&content); err != nil {
		return err
	}
	path, err := r.save(InventoryFile, ".json", content.Bytes())
	if err != nil {
		r.tell(event.CheckWarning{Text: fmt.Sprintf("The inventory of the dump could not be written: %v.", err)})
		return nil
	}
	r.tell(event.Counted{Path: path})
	return nil
}

// sent returns the inventory of the dump that was sent, or why there is none.
func (r *run) sent() (*inventory.Inventory, string) {
	switch c := r.counting; {
	case c != nil && c.err == nil:
		return c.inventory, ""
	case c != nil:
		return nil, fmt.Sprintf("The dump could not be counted: %v.", c.err)
	case r.plan.Inventory != nil:
		return r.plan.Inventory, ""
	}
	return nil, "This run has neither the dump that was sent nor its inventory. Set {inventory} to the file that the output inventory-path of the job that started the upgrade names."
}

// compare compares the upgraded database with the dump that was sent, and applies the gates.
func (r *run) compare(ctx context.Context) error {
	a, ok := r.artifact(upgrade.UpgradedDump)
	if !ok || !r.plan.Compare {
		return nil
	}
	old, why := r.sent()
	if why != "" {
		return r.notCompared(why)
	}
	return r.step(event.Compare, func() error {
		now, err := r.upgraded(ctx, a)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return r.notCompared(fmt.Sprintf("The upgraded database could not be counted: %v.", err))
		}
		if err := r.sameDatabase(old, now); err != nil {
			return as(InvalidInput, err)
		}
		return r.gate(compare.Compare(old, now))
	})
}

// upgraded returns the inventory of the upgraded database.
func (r *run) upgraded(ctx context.Context, a upgrade.Artifact) (*inventory.Inventory, error) {
	var info dump.Info
	if r.seen.Checked != nil {
		info = r.seen.Checked.Dump
	} else {
		var err error
		if info, err = dump.Inspect(ctx, a.Location, dump.Options{}); err != nil {
			return nil, err
		}
	}
	switch {
	case info.Problem != nil:
		return nil, info.Problem
	case info.Opaque:
		return nil, errors.New("its format is not known")
	}
	return inventory.Of(ctx, info)
}

// sameDatabase returns an error if an inventory from a file is of another database. A restore may
// change the UUID, so it counts only where nothing else says which request the file is of.
func (r *run) sameDatabase(old, now *inventory.Inventory) error {
	known := r.counting != nil || r.plan.DumpSHA256 != "" || old.Dump.Request != ""
	if known || old.Dump.UUID == "" || now.Dump.UUID == "" || old.Dump.UUID == now.Dump.UUID {
		return nil
	}
	return fmt.Errorf("the {inventory} is of another database: its UUID is %s, and that of the upgraded database %s", old.Dump.UUID, now.Dump.UUID)
}

// notCompared tells why nothing was compared. That fails a run that has gates.
func (r *run) notCompared(why string) error {
	if slices.ContainsFunc(r.plan.FailOn, func(a compare.Area) bool { return a != compare.DisabledViews }) {
		return as(CheckFailed, &UndecidedError{why})
	}
	r.tell(event.NotCompared{Why: why})
	return nil
}

// gate tells what a comparison found, and returns an error if a gate does not accept it.
func (r *run) gate(found compare.Result) error {
	compared := event.Compared{Result: found, Gates: r.plan.FailOn}
	if r.save != nil {
		var err error
		if compared.Path, err = r.saveJSON(ComparisonFile, found); err != nil {
			r.tell(event.CheckWarning{Text: fmt.Sprintf("The comparison could not be written: %v.", err)})
		}
	}
	r.seen.Compared = &compared
	r.tell(compared)
	return as(CheckFailed, Gate(compared))
}

// saveJSON writes a small file beside what is downloaded, and returns its path as users know it.
func (r *run) saveJSON(name string, value any) (string, error) {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return "", err
	}
	return r.save(name, ".json", append(text, '\n'))
}

// Gate returns an error for what a gate does not accept of a comparison, or has nothing to decide
// by.
func Gate(c event.Compared) error {
	if list := c.Result.In(c.Gates); len(list) > 0 {
		return &GateError{list, c.Path}
	}
	if open := c.Result.Open(c.Gates); len(open) > 0 {
		return &UndecidedError{open[0].Text}
	}
	return nil
}
