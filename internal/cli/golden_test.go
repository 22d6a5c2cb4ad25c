package cli

import (
	"context"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/sandbox"
	"odoo-upgrade-action/internal/sandbox/engine"
	"odoo-upgrade-action/internal/sandbox/requests"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestGolden holds what people see of each result, with both protocols, against the files
// in testdata/golden: the log and the summary of a whole run in virtual time. With -update
// it writes them.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, c := range goldenCases {
		for _, protocol := range protocols()[1:] {
			t.Run(c.name+"-"+protocol, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { c.play(t, protocol) })
			})
		}
	}
}

// golden is a run that ends in one way.
type golden struct {
	name    string
	result  string
	inputs  map[string]string // in place of a good run's
	v1, rpc []string          // faults, by protocol
	outcome string
	stop    time.Duration
	engine  sandbox.Engine
	dump    string            // "" for a good one
	before  map[string]string // inputs of a run before it, whose handle it continues
}

var goldenCases = []golden{
	{name: "success", result: "success"},
	{name: "upgraded", result: "success", engine: losing()},
	{name: "pending", result: "pending", inputs: map[string]string{"command": "start"}},
	{name: "later-job", result: "success", engine: losing(), before: map[string]string{"command": "start"}},
	{name: "status", result: "pending", before: map[string]string{"command": "start"}, inputs: map[string]string{"command": "status"}},
	{name: "error", result: "error", v1: []string{"create=404"}, rpc: []string{"rpc-create=404"}},
	{name: "invalid-input", result: "invalid-input", inputs: map[string]string{"target": "seventeen"}},
	{name: "preflight-failed", result: "preflight-failed", dump: "-- PostgreSQL database dump\n\nCREATE TABLE public.ir_module_module (\n    id integer\n);\n"},
	{name: "refused", result: "refused", inputs: map[string]string{"target": "99.0"}},
	{name: "upload-failed", result: "upload-failed", v1: []string{"upload=cut:1000"}, rpc: []string{"rsync=disk-full:1000"}},
	{name: "upgrade-failed", result: "upgrade-failed", outcome: "failed"},
	{name: "timeout", result: "timeout", inputs: map[string]string{"timeout": "30m"}},
	{name: "download-failed", result: "download-failed", v1: []string{"page=404"}, rpc: []string{"transfer-start:2-=404"}},
	{name: "check-failed", result: "check-failed", engine: toTruncated{losing()}},
	{name: "compared", result: "success", engine: losing("view", "rows:3")},
	{name: "gated", result: "check-failed", engine: losing("rows:3", "cent", "unit", "view", "action", "field"), inputs: map[string]string{"fail-on": "rows, ledger, stock"}},
	{name: "interrupted", result: "interrupted", stop: 75 * time.Minute},
}

func (g golden) play(t *testing.T, protocol string) {
	s := newSchedule(t, 1)
	s.faults, s.cuts, s.pace, s.stop, s.outcome, s.engine = g.v1, nil, 45*time.Minute, 0, "done", g.engine
	if protocol == "json-rpc" {
		s.faults = g.rpc
	}
	if g.outcome != "" {
		s.outcome = g.outcome
	}
	s.inputs = map[string]string{
		"contract": "M123456-abcdef", "email": "john.doe@example.com", "target": "17.0", "dump": "bakery.zip",
		"server-url": "http://platform.test", "protocol": protocol, "transport": "https", "download": "upgraded-dump,notes",
	}
	path := filepath.Join(s.dir, "bakery.zip")
	if g.dump == "" {
		if err := sandbox.WriteSample(path); err != nil {
			t.Fatal(err)
		}
	} else if err := os.WriteFile(path, []byte(g.dump), 0o600); err != nil {
		t.Fatal(err)
	}
	end := s.platform(s.faults)
	defer end()
	if g.before != nil {
		first := maps.Clone(s.inputs)
		maps.Copy(s.inputs, g.before)
		_, set := s.run(t.Context(), nil)
		s.inputs = map[string]string{"contract": first["contract"], "handle": set["handle"], "protocol": protocol}
		if g.inputs["command"] == "" {
			s.inputs["inventory"] = set["inventory-path"]
		}
		_ = os.Remove(filepath.Join(s.dir, "summary"))
		s.log.Reset()
		time.Sleep(10 * time.Minute)
	}
	maps.Copy(s.inputs, g.inputs)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if g.stop > 0 {
		defer time.AfterFunc(g.stop, cancel).Stop()
	}
	result, _ := s.run(ctx, nil)
	if result != g.result {
		t.Errorf("it ended as %s, want %s\n%s", result, g.result, s.log.String())
	}
	summary, err := os.ReadFile(filepath.Join(s.dir, "summary"))
	if err != nil {
		t.Fatal(err)
	}
	if folder := os.Getenv("ODOO_UPGRADE_TEST_SUMMARIES"); folder != "" { // as they are, for pictures of them
		if err := os.WriteFile(filepath.Join(folder, g.name+"-"+protocol+".md"), summary, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	compareGolden(t, g.name+"-"+protocol+".log", steady(s.log.String()))
	compareGolden(t, g.name+"-"+protocol+".md", steady(string(summary)))
}

// often matches what is reported again and again, so often as random pauses have it.
var often = regexp.MustCompile(`Retrying in N s\.$|waiting for the response$`)

// saidOnce drops such lines that are there already.
func saidOnce(text string) string {
	seen := map[string]bool{}
	var out strings.Builder
	for line := range strings.Lines(text) {
		again := seen[line]
		if seen[line] = often.MatchString(strings.TrimSpace(line)); !again || !seen[line] {
			out.WriteString(line)
		}
	}
	return out.String()
}

// steady replaces what is random, and what follows from the pauses between two checks of the
// status, which are.
func steady(text string) string {
	for _, r := range [][2]string{
		{`(?m)^Still .*\n`, ""},
		{`(?m)^.* INFO db\S+ odoo\.(modules\.loading|upgrade\.testing|addons\.base\.models\.ir.*attachment): .*\n`, ""}, // of which a failed upgrade has thousands
		{`/\S*/TestGolden[^/]*/[0-9]+`, "/workspace"},
		{`(platform|gives it) \| [0-9:]+`, "$1 | N:NN"},
		{`Retrying in \S+\.`, "Retrying in N s."},
		{`[0-9]+ h( [0-9]+ min)?|[0-9]+ min( [0-9]+ s)?|(under )?[0-9]+ s\b`, "TIME SPAN"},
		{`[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}`, "TIME"},
		{`(?m)(^::add-mask::.*\n)+`, "::add-mask::SECRET\n"},
		{`odoo-upgrade-1\.[A-Za-z0-9_-]+`, "odoo-upgrade-1.SEALED"},
		{`odoo-upgrade \S+:`, "odoo-upgrade VERSION:"},
		{`SHA-256 [0-9a-f]{64}`, "SHA-256 DIGEST"},
		{`<code>[0-9a-f]{64}</code>`, "<code>DIGEST</code>"},
		{`(ssh-ed25519|SHA256:)[ A-Za-z0-9+/]+`, "HOST KEY"},
	} {
		text = regexp.MustCompile(r[0]).ReplaceAllString(text, r[1])
	}
	return saidOnce(text)
}

func compareGolden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != text {
		t.Errorf("%s (%v) is now:\n%s\nif that is as it should be: go test ./internal/cli -run TestGolden -update", name, err, text)
	}
}

// losing is an engine that upgrades the sample to 17.0, but for what it loses.
func losing(texts ...string) *engine.Losing {
	e, err := engine.ParseLosses(texts)
	if err != nil {
		panic(err)
	}
	return e
}

// toTruncated is an engine whose result ends early.
type toTruncated struct{ *engine.Losing }

func (e toTruncated) Upgrade(ctx context.Context, w requests.Work) (requests.Result, error) {
	result, err := e.Losing.Upgrade(ctx, w)
	if err == nil {
		err = os.Truncate(w.Upgraded, 400)
	}
	return result, err
}

// TestEveryResultHasItsGolden finds a result without one.
func TestEveryResultHasItsGolden(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range goldenCases {
		seen[c.result] = true
	}
	for _, e := range ends() {
		if !seen[string(e.result)] {
			t.Errorf("no golden file shows %s", e.result)
		}
	}
}
