package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/upgrade"
)

// stepError is an error whose result does not follow from its kind.
type stepError struct {
	result Result
	err    error
}

func (e *stepError) Error() string { return e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// as gives err a result. It returns nil for nil.
func as(result Result, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{result, err}
}

// UpgradeFailedError says that the platform ended a request without an upgraded
// database.
type UpgradeFailedError struct {
	State   string
	Message string // the platform's message to the customer, or ""
}

func (e *UpgradeFailedError) Error() string {
	text := fmt.Sprintf("the platform ended the upgrade as %q", e.State)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// TimeoutError says that the platform took longer than the plan allowed. It works
// on, unless the last checks failed.
type TimeoutError struct {
	After time.Duration
	State string
	Last  error // of the last checks, nil if they succeeded
}

func (e *TimeoutError) Error() string {
	if e.Last != nil {
		return fmt.Sprintf(
			"the platform did not report a final state within %s; its last state was %q, and then: %v",
			show.Limit(e.After),
			e.State,
			e.Last,
		)
	}
	return fmt.Sprintf("the platform did not finish the upgrade within %s; the state of the request is %q", show.Limit(e.After), e.State)
}

// DraftError says that a request has not been processed yet.
type DraftError struct{ ID string }

func (e *DraftError) Error() string {
	return fmt.Sprintf("request %s is a draft: its dump has not been uploaded and processed yet", e.ID)
}

// Advice implements advice.Adviser.
func (e *DraftError) Advice() string {
	return "Use the command run or start, with {handle} and {dump}."
}

// BranchError says that the real database would be upgraded from a branch that
// anyone may have written.
type BranchError struct{ Event string }

func (e *BranchError) Error() string {
	return fmt.Sprintf("aim production is refused on %s events: a pull request must not upgrade the real database", e.Event)
}

// NotReadyError says that the upgraded database is not there yet.
type NotReadyError struct{ State string }

func (e *NotReadyError) Error() string {
	return fmt.Sprintf("the upgraded database is not there yet: the state of the request is %q", e.State)
}

// Advice implements advice.Adviser.
func (e *NotReadyError) Advice() string { return "Use the command run, which waits for it." }

// resultOf returns the result of an error. A stop by the caller and a refusal count
// more than the step in which they came.
func resultOf(ctx context.Context, err error) Result {
	if ctx.Err() != nil {
		return Interrupted
	}
	refused, ok := errors.AsType[*upgrade.RefusedError](err)
	if ok && refused.Kind != upgrade.AccessRefusal {
		return Refused
	}
	if step, ok := errors.AsType[*stepError](err); ok {
		return step.result
	}
	return Failure
}
