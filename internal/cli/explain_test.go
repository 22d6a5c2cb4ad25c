package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/digest"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// TestWhatIsSaidOfTheEnd holds what is said of a request against what is known of
// it.
func TestWhatIsSaidOfTheEnd(t *testing.T) {
	phases := map[string]upgrade.Phase{"draft": upgrade.Draft, "pending": upgrade.Working, "done": upgrade.Done, "failed": upgrade.Failed}
	refusal := func(kind upgrade.Kind) error {
		return &upgrade.RefusedError{Kind: kind, Failures: []upgrade.Failure{{Kind: kind, Message: "No"}}}
	}
	end := func(result job.Result, state string, sent bool, err error) job.Ending {
		return job.Ending{Result: result, Err: err, Ticket: upgrade.Ticket{ID: "7", Key: "secret"}, Status: upgrade.Status{State: state, Phase: phases[state]}, ProcessSent: sent}
	}
	for name, c := range map[string]struct {
		ending        job.Ending
		command       string
		says, saysNot string // between them, a bar
		next          string
		fine          bool
	}{
		"started":                 {end(job.Pending, "pending", true, nil), "start", "is working on request 7", "draft", "run", true},
		"started, not seen":       {end(job.Pending, "draft", true, nil), "start", "requested|may be at work on it", "nothing is being", "run", true},
		"a draft":                 {end(job.Pending, "draft", false, nil), "status", "not started|nothing is being upgraded", "at work", "run", true},
		"stopped as a draft":      {end(job.Interrupted, "draft", false, context.Canceled), "run", "nothing is being upgraded", "continues", "run", false},
		"stopped, perhaps sent":   {end(job.Interrupted, "draft", true, context.Canceled), "run", "may be at work on it", "nothing is being", "run", false},
		"stopped at work":         {end(job.Interrupted, "pending", true, context.Canceled), "run", "keeps working on request 7", "had already ended", "run", false},
		"stopped in the download": {end(job.Interrupted, "done", true, context.Canceled), "run", `had already ended request 7 as "done"`, "continues", "run", false},
		"late":                    {end(job.Timeout, "pending", true, &job.TimeoutError{After: time.Hour, State: "pending"}), "run", `the state of the request is "pending". The platform keeps working on it`, "did not report", "run", false},
		"late, and still a draft": {end(job.Timeout, "draft", true, &job.TimeoutError{After: time.Hour, State: "draft"}), "run", "has not changed since: it is still a draft|A proxy or a cache", "keeps working", "run", false},
		"late, and no response":   {end(job.Timeout, "pending", true, &job.TimeoutError{After: time.Hour, State: "pending", Last: errors.New("connection refused")}), "run", `its last state was "pending", and then: connection refused`, "continues", "run", false},
		"process refused":         {end(job.Refused, "draft", true, refusal(upgrade.OtherRefusal)), "run", `request 7 was "draft" on the platform`, "Check request-id", "run", false},
		"a wrong key":             {end(job.Refused, "", false, refusal(upgrade.KeyRefusal)), "wait", "Check request-id and request-key", "before", "", false},
		"failed":                  {end(job.UpgradeFailed, "failed", true, &job.UpgradeFailedError{State: "failed"}), "run", `ended request 7 as "failed"`, "", "download", false},
		"failed right at start":   {end(job.UpgradeFailed, "failed", true, nil), "start", `ended request 7 as "failed"`, "", "download", false},
		"checked a failed one":    {end(job.UpgradeFailed, "failed", false, nil), "status", `ended request 7 as "failed"`, "", "download", true},
		"fetched of a failed one": {end(job.UpgradeFailed, "failed", false, nil), "download", "Download finished, upgrade failed", "", "", true},
		"fetched of a draft":      {end(job.Pending, "draft", false, nil), "download", "Download finished, upgrade not started", "", "", true},
		"stopped before a check":  {end(job.Interrupted, "", false, context.Canceled), "wait", "had not checked the status of request 7 yet", "continues", "run", false},
		"fetched of one at work":  {end(job.Pending, "pending", false, nil), "download", "Download finished, upgrade in progress", "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			command := job.CommandNamed(c.command)
			why := (&program{step: true}).explain(c.ending, command)
			text := why.Title + ". " + why.Text + " " + why.Next
			for part := range strings.SplitSeq(c.says, "|") {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in: %s", part, text)
				}
			}
			if c.saysNot != "" && strings.Contains(text, c.saysNot) {
				t.Errorf("%q is in: %s", c.saysNot, text)
			}
			if why.Command != c.next || command.IsFine(c.ending) != c.fine {
				t.Errorf("continue with %q, fine: %t", why.Command, command.IsFine(c.ending))
			}
		})
	}
}

// TestForeignTextKeepsItsBraces has a platform's message with the name of an input in it.
func TestForeignTextKeepsItsBraces(t *testing.T) {
	refused := &upgrade.RefusedError{Failures: []upgrade.Failure{{Message: "no {target} like that"}}}
	if why := (&program{}).explain(job.Ending{Result: job.Refused, Err: refused}, job.CommandNamed("run")); !strings.Contains(why.Text, "no {target} like that") {
		t.Error(why.Text)
	}
}

// TestEveryResultEnds has a way to end, with an exit status of its own, for each result.
func TestEveryResultEnds(t *testing.T) {
	seen := map[int]job.Result{}
	for _, result := range job.Results() {
		status := exitStatus(result)
		if endOf(result).result != result {
			t.Errorf("%s has no end", result)
		}
		if other, ok := seen[status]; ok && !(result == job.Pending || other == job.Pending) {
			t.Errorf("%s and %s end with %d", result, other, status)
		}
		seen[status] = result
	}
	if len(ends()) != len(job.Results()) {
		t.Errorf("%d ends of %d results", len(ends()), len(job.Results()))
	}
}

// TestRequestToTheSupport asks at the address of the aim, and without a secret.
func TestRequestToTheSupport(t *testing.T) {
	e := job.Ending{
		Result: job.UpgradeFailed, Ticket: upgrade.Ticket{ID: "7", Key: "secret-key"}, Status: upgrade.Status{State: "failed", Phase: upgrade.Failed},
		Causes: []digest.Cause{{Title: "The menu\nX cannot be opened", Advice: "Do.", Line: 12}, {Title: "b"}, {Title: "c"}, {Title: "d"}},
	}
	e.Status.Set(upgrade.AimField, "test")
	e.Status.Set(upgrade.TargetField, "18.0")
	text := explain(e, job.CommandNamed("run")).Request
	for _, want := range []string{
		"Send to: https://www.odoo.com/help?stage=migration\n", "Upgrade request: 7\n", "output request-key", "Aim: test\nTo: 18.0\nState: failed\nError 1: The menu X cannot be opened (line 12 of the log)\n",
		"The platform runs standard code only",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret-key") || strings.Contains(text, "Error 4") {
		t.Error(text)
	}
	e.Status.Set(upgrade.AimField, "production")
	if text := explain(e, job.CommandNamed("run")).Request; !strings.Contains(text, "https://www.odoo.com/help?stage=post_upgrade\n") {
		t.Error(text)
	}
	e.Status.Sandbox = true
	if text := explain(e, job.CommandNamed("run")).Request; text != "" {
		t.Errorf("for a sandbox: %s", text)
	}
}
