package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

const key = "Aw7_It+VK/uZ~FOR3U8VFQ==" // with all that Markdown, URLs and base64 make of one

// tell reports events and an end, and returns log, outputs and summary.
func tell(t *testing.T, ending job.Ending, why Explanation, events ...job.Event) (log, outputs, summary string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": filepath.Join(dir, "outputs"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary")}
	var out bytes.Buffer
	r := New(actions.New(&out, func(name string) string { return files[name] }), job.Plan{})
	r.Ticket(upgrade.Ticket{ID: "10534", Key: key})
	for _, event := range events {
		r.Observe(event)
	}
	r.Finish(ending, why)
	o, err1 := os.ReadFile(files["GITHUB_OUTPUT"])
	s, err2 := os.ReadFile(files["GITHUB_STEP_SUMMARY"])
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return out.String(), string(o), string(s)
}

func TestTheKeyInForeignText(t *testing.T) {
	status := upgrade.Status{
		State: "failed", CustomerMessage: "see https://h/10534/" + key + "/status", Filename: key, Issue: key,
		NotesURL: "https://elsewhere.example/a_secret_of_its_own",
	}
	refused := &upgrade.RefusedError{Method: "create", Failures: []upgrade.Failure{{Reason: key, Message: "no " + key + " and https://elsewhere.example/a_secret_of_its_own", Expected: []string{key}}}}
	log, outputs, summary := tell(t, job.Ending{Result: job.Refused, Err: refused, Status: status}, Explanation{Title: "Refused " + key, Text: refused.Error()},
		job.Looked{Status: status, Known: true})
	for _, secret := range []string{"Aw7", "FOR3U8VFQ", "secret_of_its_own", "secret&#95;of"} {
		for line := range strings.Lines(log) {
			if strings.Contains(line, secret) && !strings.HasPrefix(line, "::add-mask::") {
				t.Errorf("in the log: %s", line)
			}
		}
		if strings.Contains(summary, secret) {
			t.Errorf("%s in the summary: %s", secret, summary)
		}
	}
	if strings.Count(outputs, "secret_of_its_own") != 1 { // in notes-url
		t.Errorf("a URL's secret in other outputs:\n%s", outputs)
	}
	if strings.Count(outputs, key) != 1 { // in request-key
		t.Errorf("the key stands %d times in the outputs", strings.Count(outputs, key))
	}
}

func TestForeignTextIsPlain(t *testing.T) {
	evil := "| x |\n# head <script>alert(1)</script> [a](http://evil.example) `code` **bold** ![i](x) ::error::x ##[error]y"
	status := upgrade.Status{State: "a|b<i>", CustomerMessage: evil}
	log, _, summary := tell(t, job.Ending{Result: job.Failure, Status: status, Ticket: upgrade.Ticket{ID: "1"}}, Explanation{Title: "T", Text: evil}, job.Looked{Status: status})
	for _, mark := range []string{"<script", "](", "**bold", "`code", "<i>", "\n# head", "http://evil"} {
		if strings.Contains(summary, mark) {
			t.Errorf("%q in the summary:\n%s", mark, summary)
		}
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, "##[") || strings.HasPrefix(line, "::error::") {
			t.Errorf("a command in the log: %s", line)
		}
	}
}

func TestWhatIsToldOnce(t *testing.T) {
	unknown := job.Looked{Status: upgrade.Status{State: "limbo", Elapsed: "00:01"}}
	later := job.Looked{Status: upgrade.Status{State: "limbo", Elapsed: "00:02"}}
	log, outputs, _ := tell(t, job.Ending{Result: job.Timeout}, Explanation{}, unknown, later, later)
	if n := strings.Count(log, "title=Unknown state"); n != 1 {
		t.Errorf("the unknown state was told %d times", n)
	}
	if n := strings.Count(outputs, "state<<"); n != 1 {
		t.Errorf("the state was handed on %d times", n)
	}
	if n := strings.Count(outputs, "elapsed<<"); n != 1 { // alone, it is no news
		t.Errorf("the time was handed on %d times", n)
	}
}
