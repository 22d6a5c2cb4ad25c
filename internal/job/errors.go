package job

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// UpgradeFailedError says that the platform ended a request badly.
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

// TimeoutError says that the platform took longer than the plan allowed. It
// works on, unless nobody knows.
type TimeoutError struct {
	After time.Duration
	State string
	Last  error // of the last looks, nil if they were answered
}

func (e *TimeoutError) Error() string {
	if e.Last != nil {
		return fmt.Sprintf("within %v nobody saw the platform end the upgrade; its state was %q, and then: %v", e.After, e.State, e.Last)
	}
	return fmt.Sprintf("the platform has not ended the upgrade within %v; its state is %q", e.After, e.State)
}

// DraftError says that nobody asked to process a request yet.
type DraftError struct{ ID string }

func (e *DraftError) Error() string {
	return fmt.Sprintf("request %s is a draft: no dump of it is being upgraded", e.ID)
}

// BranchError says that the real database would be upgraded on anybody's branch.
type BranchError struct{ Event string }

func (e *BranchError) Error() string {
	return fmt.Sprintf("aim production is refused on %s events: nobody's branch should upgrade the real database", e.Event)
}

// NotReadyError says that there is nothing upgraded to download.
type NotReadyError struct{ State string }

func (e *NotReadyError) Error() string {
	return fmt.Sprintf("there is no upgraded database yet: the state of the request is %q", e.State)
}

// resultOf tells the results of errors apart. A stop by the caller and a
// refusal count more than the step in which they came.
func resultOf(ctx context.Context, err error) Result {
	if ctx.Err() != nil {
		return Interrupted
	}
	refused, ok := errors.AsType[*upgrade.RefusedError](err)
	if ok && refused.Method != upgrade.SFTPMethod {
		return Refused
	}
	if step, ok := errors.AsType[*stepError](err); ok {
		return step.result
	}
	return Failure
}
