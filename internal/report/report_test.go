package report

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/digest"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

const key = "Aw7_It+VK/uZ~FOR3U8VFQ==" // with all that Markdown, URLs and base64 make of one

// tell reports events and an end, and returns log, outputs and summary.
func tell(t *testing.T, ending job.Ending, why Explanation, events ...event.Event) (log, outputs, summary string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": filepath.Join(dir, "outputs"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary")}
	var out bytes.Buffer
	r := New(actions.New(&out, func(name string) string { return files[name] }), time.Hour)
	r.Observe(event.Created{Ticket: upgrade.Ticket{ID: "10534", Key: key}})
	for _, e := range events {
		r.Observe(e)
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
	status := statusOf("failed", upgrade.Failed, "customer-message", "see https://h/10534/"+key+"/status", "filename", key, "issue", key[:4]+"\u200B"+key[4:],
		"notes-url", "https://elsewhere.example/a_secret_of_its_own")
	refused := &upgrade.RefusedError{Failures: []upgrade.Failure{{Reason: key, Message: "no " + key + " and https://elsewhere.example/a_secret_of_its_own", Expected: []string{key}}}}
	log, outputs, summary := tell(t, job.Ending{Result: job.Refused, Err: refused, Status: status}, Explanation{Title: "Refused " + key, Text: refused.Error()},
		event.StatusRead{Status: status})
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
	status := statusOf("a|b<i>", upgrade.Unknown, "customer-message", evil)
	log, _, summary := tell(t, job.Ending{Result: job.Failure, Status: status, Ticket: upgrade.Ticket{ID: "1"}}, Explanation{Title: "T", Text: evil}, event.StatusRead{Status: status})
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
	unknown := event.StatusRead{Status: statusOf("limbo", upgrade.Unknown, "elapsed", "00:01")}
	later := event.StatusRead{Status: statusOf("limbo", upgrade.Unknown, "elapsed", "00:02")}
	log, outputs, _ := tell(t, job.Ending{Result: job.Timeout}, Explanation{}, unknown, later, later)
	if n := strings.Count(log, "title=Unknown state"); n != 1 {
		t.Errorf("the unknown state was told %d times", n)
	}
	if n := strings.Count(outputs, "state<<"); n != 1 {
		t.Errorf("the state was handed on %d times", n)
	}
	if n := strings.Count(outputs, "elapsed<<"); n != 1 { // alone, it is not news
		t.Errorf("the time was handed on %d times", n)
	}
}

// statusOf is a status with fields, by name and value.
func statusOf(state string, phase upgrade.Phase, fields ...string) upgrade.Status {
	s := upgrade.Status{State: state, Phase: phase}
	for i := 0; i+1 < len(fields); i += 2 {
		if strings.HasSuffix(fields[i], "-url") {
			s.SetLink(upgrade.Link(fields[i]), fields[i+1])
		} else {
			s.Set(upgrade.Field(fields[i]), fields[i+1])
		}
	}
	return s
}

// TestHeartbeat waits on virtual time: a line after a minute, and then ever fewer.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := New(actions.New(&out, func(string) string { return "" }), time.Hour)
		r.Observe(event.Began{Step: event.Wait})
		same := event.StatusRead{Status: statusOf("pending", upgrade.Working)}
		for range 5 * 60 * 2 { // five hours, checked twice a minute
			r.Observe(same)
			time.Sleep(30 * time.Second)
		}
		lines := strings.Count(out.String(), "Still \"pending\"")
		if first, _, _ := strings.Cut(out.String(), "Still \"pending\", "); lines < 10 || lines > 25 || !strings.HasSuffix(first, "State: pending\n") {
			t.Errorf("%d lines in five hours:\n%s", lines, &out)
		}
		if !strings.Contains(out.String(), "Still \"pending\", 1 min after the start.") {
			t.Errorf("no line after a minute:\n%s", &out)
		}
	})
}

// TestSentOnATerminal says that all was sent, where the bar that said so is gone.
func TestSentOnATerminal(t *testing.T) {
	var out, terminal bytes.Buffer
	r := New(actions.New(&out, func(string) string { return "" }), time.Hour)
	r.Live(&terminal)
	r.Observe(event.Began{Step: event.Upload})
	for _, done := range []int64{1 << 20, 2 << 20, 4 << 20, 4 << 20} {
		r.Observe(event.Progress{Step: event.Upload, Done: done, Total: 4 << 20})
	}
	if n := strings.Count(out.String(), "sent; waiting for the response"); n != 1 || terminal.Len() == 0 {
		t.Errorf("told %d times:\n%s", n, &out)
	}
}

// TestProgressIsPaced has a transfer that reports every 250 ms for an hour.
func TestProgressIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := New(actions.New(&out, func(string) string { return "" }), time.Hour)
		r.Observe(event.Began{Step: event.Upload})
		const total = 4 * 3600
		for n := range int64(total) {
			r.Observe(event.Progress{Step: event.Upload, Done: n << 20, Total: total << 20})
			time.Sleep(250 * time.Millisecond)
		}
		if lines := strings.Count(out.String(), "%, "); lines < 12 || lines > 40 {
			t.Errorf("%d lines of progress in an hour:\n%s", lines, &out)
		}
		if !strings.Contains(out.String(), ", 4.0 MiB/s, 28 min left\n") {
			t.Errorf("no estimate:\n%s", &out)
		}
	})
}

func TestEveryOutputIsExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range Outputs() {
		if o.Help == "" || seen[o.Name] {
			t.Errorf("output %s: help %q, declared before: %t", o.Name, o.Help, seen[o.Name])
		}
		seen[o.Name] = true
	}
}

// TestEveryEventIsReported finds an event that the report has no words for.
func TestEveryEventIsReported(t *testing.T) {
	err := os.ErrDeadlineExceeded
	d := dump.Info{File: dump.File{Name: "db.dump"}}
	checked := map[string]bool{}
	for _, e := range []event.Event{
		event.Started{Version: "1"}, event.Unencrypted{}, event.Notice{Text: "x"}, event.ItemMissing{}, event.ProtocolChosen{}, event.LogRead{Text: []byte("x\n")},
		event.Continuing{}, event.Leftover{Path: "x"}, event.HandleNotSealed{Err: err}, event.CreateRetried{}, event.MayHaveAccepted{}, event.StillDraft{},
		event.SkipTestFailed{Err: err}, event.Retrying{Err: err}, event.DumpWarning{Text: "x"}, event.CheckWarning{Text: "x"}, event.HostKeyLearned{},
		event.SwitchedTransport{Err: err}, event.Resumed{}, event.StartedOver{}, event.Downloaded{}, event.Created{}, event.StatusRead{Status: statusOf("x", upgrade.Working)},
		event.Inspected{Dump: d}, event.Checked{Dump: d}, event.Began{Step: event.Upload}, event.Ended{Step: event.Upload}, event.ReadBack{Bytes: 1, Total: 1, Over: true},
		event.Progress{Step: event.Upload, Done: 1, Total: 2}, event.Counted{Path: "x"}, event.Compared{}, event.NotCompared{Why: "x"},
		event.NotesMissing{Err: err}, event.RuledOut{}, event.ReportRead{Report: &digest.Report{Steps: []digest.Step{{Categories: []*digest.Category{{Name: "x", Total: 1}}}}}},
	} {
		name := reflect.TypeOf(e).Name()
		checked[name] = true
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			r := New(actions.New(&out, func(string) string { return "" }), time.Hour)
			r.Observe(event.Began{Step: event.Wait})
			time.Sleep(time.Hour) // progress is told now and then
			out.Reset()
			if r.Observe(e); strings.TrimSpace(out.String()) == "" {
				t.Errorf("nothing is said about %s", name)
			}
		})
	}
	for _, name := range eventTypes(t) {
		if !checked[name] {
			t.Errorf("%s is not in this test", name)
		}
	}
}

// eventTypes lists the types of package event that are events: its structs.
func eventTypes(t *testing.T) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../event/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if _, isStruct := spec.Type.(*ast.StructType); isStruct {
				names = append(names, spec.Name.Name)
			}
		}
		return true
	})
	if len(names) < 20 {
		t.Fatalf("only %v", names)
	}
	return names
}

// TestPlatformLog reads a log in pieces that end anywhere.
func TestPlatformLog(t *testing.T) {
	whole := "first\r\nünï çødé\n::error::evil ##[group]x\n\nlast without an end"
	var pieces []event.Event
	for i := 0; i < len(whole); i += 3 {
		pieces = append(pieces, event.LogRead{Text: []byte(whole[i:min(i+3, len(whole))])})
	}
	ending := job.Ending{Result: job.UpgradeFailed, Ticket: upgrade.Ticket{ID: "1"}}
	log, _, summary := tell(t, ending, Explanation{Title: "T"}, append(pieces, event.LogRead{Text: []byte(" " + key + "\n")}, event.StatusRead{Status: statusOf("failed", upgrade.Failed)})...)
	want := "::group::The platform's log\nfirst\nünï çødé\n: :error::evil # #[group]x\nlast without an end ***\n::endgroup::\nState: failed\n"
	if !strings.Contains(log, want) {
		t.Errorf("%s", log)
	}
	if !strings.Contains(summary, "<pre>\nfirst\nünï çødé\n") || !strings.Contains(summary, "last without an end &#42;&#42;&#42;\n</pre>") {
		t.Error(summary)
	}
}

// TestLongLineWithASecret has a secret where a line is cut.
func TestLongLineWithASecret(t *testing.T) {
	for _, before := range []int{longLine - len(key)/2, longLine + longSecret - len(key)/2} {
		text := strings.Repeat("é", before/2) + key + strings.Repeat("y", longLine)
		log, _, summary := tell(t, job.Ending{Result: job.UpgradeFailed, Ticket: upgrade.Ticket{ID: "1"}}, Explanation{}, event.LogRead{Text: []byte(text[:before+4])}, event.LogRead{Text: []byte(text[before+4:] + "\n")})
		for _, half := range []string{key[:len(key)/2], key[len(key)-len(key)/2:], "\uFFFD"} {
			_, shown, _ := strings.Cut(log, logHeading)
			if strings.Contains(shown, half) || strings.Contains(summary, half) {
				t.Errorf("after %d bytes, %q shows", before, half)
			}
		}
		if n := strings.Count(log, "é"); n != before/2 {
			t.Errorf("%d characters of %d", n, before/2)
		}
	}
}

// TestLongLog has more than is shown.
func TestLongLog(t *testing.T) {
	text := bytes.Repeat([]byte("a line of the log\n"), 2500)
	log, _, summary := tell(t, job.Ending{Result: job.UpgradeFailed}, Explanation{}, event.LogRead{Text: text}, event.LogRead{Text: append(bytes.Repeat([]byte("x"), 40<<10), '\n')})
	if n := strings.Count(log, "\na line of the log"); n != 2000 {
		t.Errorf("%d lines were shown", n)
	}
	if !strings.Contains(log, "\n503 lines of the platform's log were left out.\n") || strings.Count(log, "is cut here") != 1 {
		t.Error(log[len(log)-500:])
	}
	if n := strings.Count(summary, "a line of the log"); n != 37 {
		t.Errorf("%d lines in the summary", n)
	}
}

func TestFenceHoldsAnyName(t *testing.T) {
	for _, code := range []string{"with:", "dump: '```\n# Hello\n```'", "dump: '`````'"} {
		if fence := fenceFor(code); strings.Contains(code, fence) || len(fence) < 3 {
			t.Errorf("%q: %s", code, fence)
		}
	}
}

// TestWordsInPlaceOfURLs is a platform whose URL fields hold plain words: to mask them would
// tear the log apart.
func TestWordsInPlaceOfURLs(t *testing.T) {
	status := statusOf("done", upgrade.Done, "notes-url", "success", "upgraded-dump-url", "upgraded-dump")
	log, outputs, _ := tell(t, job.Ending{Result: job.Success, Status: status}, Explanation{Title: "Upgraded", Fine: true}, event.StatusRead{Status: status})
	if strings.Contains(log, "::add-mask::success") || strings.Contains(log, "::add-mask::upgraded-dump") || !strings.Contains(outputs, "success") {
		t.Errorf("%s\n%s", log, outputs)
	}
}

// TestFloodOfAddresses is a platform with new addresses in each status, each a secret.
func TestFloodOfAddresses(t *testing.T) {
	var events []event.Event
	for n := range 2000 {
		events = append(events, event.StatusRead{Status: statusOf("pending", upgrade.Working, "notes-url", "https://elsewhere.example/secret-"+strconv.Itoa(n)+"-x", "customer-message", "see https://elsewhere.example/secret-"+strconv.Itoa(n)+"-x")})
	}
	log, outputs, summary := tell(t, job.Ending{Result: job.Success, Status: events[1999].(event.StatusRead).Status}, Explanation{Title: "Upgraded", Fine: true}, events...)
	if n := strings.Count(log, "::add-mask::https://"); n > mostURLs+1 {
		t.Errorf("%d masks", n)
	}
	if n := strings.Count(log, "too many URLs to mask"); n != 1 {
		t.Errorf("said %d times", n)
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, "secret-") && !strings.HasPrefix(line, "::add-mask::") {
			t.Fatalf("an address is in the log: %s", line)
		}
	}
	if strings.Contains(outputs, "secret-1999") || strings.Contains(summary, "1999") {
		t.Error("the last status, whose address is not masked, is in the outputs or in the summary")
	}
	for n := range 300 {
		if address := "https://elsewhere.example/secret-" + strconv.Itoa(n) + "-x"; !strings.Contains(log, "::add-mask::"+address+"\n") {
			t.Fatalf("%s has no mask", address)
		}
	}
}

// TestFloodedOutputs is a platform whose message changes at each check of the status.
func TestFloodedOutputs(t *testing.T) {
	var events []event.Event
	for n := range 200 {
		status := statusOf("pending", upgrade.Working, "customer-message", strings.Repeat(strconv.Itoa(n)+" ", 4000))
		events = append(events, event.StatusRead{Status: status})
	}
	log, outputs, _ := tell(t, job.Ending{Result: job.Success}, Explanation{Title: "Upgraded", Fine: true}, events...)
	if len(outputs) > maxOutputs+(64<<10) || len(outputs) > 1<<20 || !strings.Contains(outputs, "result<<") {
		t.Errorf("%d bytes of outputs", len(outputs))
	}
	if n := strings.Count(log, "outputs are full"); n != 1 {
		t.Errorf("said %d times", n)
	}
}
