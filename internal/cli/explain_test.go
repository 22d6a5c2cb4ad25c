package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// TestWhatIsSaidOfTheEnd holds what is said of a request against what is known of
// it.
func TestWhatIsSaidOfTheEnd(t *testing.T) {
	o := &order{stateFlags: stateFlags{SuccessStates: list{"done"}, FailureStates: list{"failed"}}}
	refusal := func(reason string) error {
		return &upgrade.RefusedError{Method: "process", Failures: []upgrade.Failure{{Reason: reason, Message: "No"}}}
	}
	end := func(result job.Result, state string, asked bool, err error) job.Ending {
		return job.Ending{Result: result, Err: err, Ticket: upgrade.Ticket{ID: "7", Key: "secret"}, Status: upgrade.Status{State: state}, Asked: asked}
	}
	for name, c := range map[string]struct {
		ending        job.Ending
		command       string
		says, saysNot string // between them, a bar
		goOn          string
		fine          bool
	}{
		"started":                 {end(job.Pending, "pending", true, nil), "start", "works on it", "draft", "run", true},
		"started, not seen":       {end(job.Pending, "draft", true, nil), "start", "asked for|may be at work on it", "nothing is being", "run", true},
		"a draft":                 {end(job.Pending, "Draft", false, nil), "status", "not started|nothing is being upgraded", "at work", "run", true},
		"stopped as a draft":      {end(job.Interrupted, "draft", false, context.Canceled), "run", "nothing is being upgraded", "goes on", "run", false},
		"stopped, perhaps asked":  {end(job.Interrupted, "draft", true, context.Canceled), "run", "may be at work on it", "nothing is being", "run", false},
		"stopped at work":         {end(job.Interrupted, "pending", true, context.Canceled), "run", "goes on there", "had ended", "run", false},
		"stopped in the download": {end(job.Interrupted, "done", true, context.Canceled), "run", `had ended request 7 as "done"`, "goes on there", "run", false},
		"late":                    {end(job.Timeout, "pending", true, &job.TimeoutError{After: time.Hour, State: "pending"}), "run", `its state is "pending". It goes on working`, "nobody saw", "run", false},
		"late, and nobody there":  {end(job.Timeout, "pending", true, &job.TimeoutError{After: time.Hour, State: "pending", Last: errors.New("connection refused")}), "run", `its state was "pending", and then: connection refused`, "goes on working", "run", false},
		"process refused":         {end(job.Refused, "draft", true, refusal("REQUEST:STATE")), "run", `Request 7 was "draft" at the platform before`, "Check request-id", "run", false},
		"a wrong key":             {end(job.Refused, "", false, refusal("REQUEST:NOT_FOUND")), "wait", "Check request-id and request-key", "before", "", false},
		"failed":                  {end(job.UpgradeFailed, "failed", true, &job.UpgradeFailedError{State: "failed"}), "run", `ended request 7 as "failed"`, "", "download", false},
		"failed right at start":   {end(job.UpgradeFailed, "failed", true, nil), "start", `ended request 7 as "failed"`, "", "download", false},
		"looked at a failed one":  {end(job.UpgradeFailed, "failed", false, nil), "status", `ended request 7 as "failed"`, "", "download", true},
		"fetched of a failed one": {end(job.UpgradeFailed, "failed", false, nil), "download", "Download finished, upgrade failed", "", "", true},
		"fetched of a draft":      {end(job.Pending, "draft", false, nil), "download", "Download finished, upgrade not started", "", "", true},
		"stopped before a look":   {end(job.Interrupted, "", false, context.Canceled), "wait", "had not seen request 7 yet", "goes on there", "run", false},
		"fetched of one at work":  {end(job.Pending, "pending", false, nil), "download", "Download finished, upgrade under way", "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			why := explain(c.ending, c.command, o)
			text := why.Title + ". " + why.Text + " " + why.Next
			for part := range strings.SplitSeq(c.says, "|") {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in: %s", part, text)
				}
			}
			if c.saysNot != "" && strings.Contains(text, c.saysNot) {
				t.Errorf("%q is in: %s", c.saysNot, text)
			}
			if why.GoOn != c.goOn || why.Fine != c.fine {
				t.Errorf("go on with %q, fine: %t", why.GoOn, why.Fine)
			}
		})
	}
}
