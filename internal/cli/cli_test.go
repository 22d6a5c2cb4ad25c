package cli

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/sandbox"
	"odoo-upgrade-action/internal/sandbox/engine"
	"odoo-upgrade-action/internal/sandbox/requests"
	"odoo-upgrade-action/internal/sandbox/service"
)

// TestMain lets test scripts run this binary as odoo-upgrade.
func TestMain(m *testing.M) {
	if os.Getenv(benchServer) != "" {
		serveBench()
		return
	}
	testscript.Main(realtest.Main(m), map[string]func(){
		"odoo-upgrade": func() {
			os.Exit(Main(Signals(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs testdata/*.txtar: what users type and what they see.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			// A step's environment, for those scripts that call the action.
			work := filepath.ToSlash(env.WorkDir)
			env.Setenv("GITHUB_WORKSPACE", work)
			env.Setenv("GITHUB_OUTPUT", work+"/outputs")
			env.Setenv("GITHUB_STEP_SUMMARY", work+"/summary")
			for _, name := range []string{"GITHUB_ACTIONS", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
				env.Setenv(name, "")
			}
			env.Values[held{}] = &held{released: make(chan struct{})}
			return sandbox.WriteSample(filepath.Join(env.WorkDir, "bakery.zip"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"action":  action,
			"output":  output,
			"recall":  recall,
			"once":    once,
			"serve":   serve,
			"fulldir": fulldir,
			"await":   await,
			"release": release,
			"tls":     serveTLS,

			"action-with-file": actionWithFile,
		},
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, errors.New("no such condition: " + name)
			}
			if os.Geteuid() != 0 && os.Getenv("CI") == "true" {
				return false, errors.New("skipped in CI: needs root")
			}
			return os.Geteuid() == 0, nil
		},
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// action [STATUS] NAME=VALUE …: runs the action as a step does, with inputs that
// would work but for those given, and wants that exit status, 0 without one.
func action(ts *testscript.TestScript, neg bool, args []string) {
	inputs := map[string]string{
		"contract": "M123456-abcdef", "email": "john.doe@example.com", "target": "17.0", "dump": "bakery.zip",
		"server-url": "sandbox?pace=20ms", "poll-interval": "20ms",
	}
	want := "0"
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		want, args = args[0], args[1:]
	}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		inputs[name] = value
	}
	for _, name := range []string{"outputs", "summary"} {
		_ = os.Remove(ts.MkAbs(name))
	}
	environment := map[string]string{"GITHUB_ACTIONS": "true"}
	for _, name := range []string{"GITHUB_WORKSPACE", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_NAME"} {
		environment[name] = ts.Getenv(name)
	}
	for name, value := range inputs {
		environment["INPUT_"+strings.ToUpper(name)] = value
	}
	var log bytes.Buffer
	status := Main(context.Background(), nil, func(name string) string { return environment[name] }, strings.NewReader(""), &log, &log)
	ts.Check(os.WriteFile(ts.MkAbs("log"), log.Bytes(), 0o600))
	if got := strconv.Itoa(status); got != want {
		ts.Fatalf("exit status %s, want %s; log:\n%s", got, want, log.String())
	}
	if n := strings.Count("\n"+log.String(), "\n::error "); n != map[bool]int{true: 0, false: 1}[want == "0"] {
		ts.Fatalf("%d error annotations with exit status %s; log:\n%s", n, want, log.String())
	}
}

// output NAME [VALUE]: the step set this output, to this value if one is given.
func output(ts *testscript.TestScript, neg bool, args []string) {
	values, err := realtest.Outputs(ts.MkAbs("outputs"))
	ts.Check(err)
	value, ok := values[args[0]]
	switch {
	case ok == neg && len(args) == 1, ok && !neg && len(args) == 2 && value != args[1], !ok && !neg:
		ts.Fatalf("output %s: set %t, %q", args[0], ok, value)
	}
}

// recall VARIABLE NAME: puts an output of the last step into a variable.
func recall(ts *testscript.TestScript, neg bool, args []string) {
	values, err := realtest.Outputs(ts.MkAbs("outputs"))
	ts.Check(err)
	ts.Setenv(args[0], values[args[1]])
}

// once TEXT FILE: the text stands in the file exactly once.
func once(ts *testscript.TestScript, neg bool, args []string) {
	if n := strings.Count(ts.ReadFile(args[1]), args[0]); n != 1 {
		ts.Fatalf("%q stands %d times in %s:\n%s", args[0], n, args[1], ts.ReadFile(args[1]))
	}
}

// held is an engine that waits for the script's command release.
type held struct {
	engine.Copy
	released chan struct{}
}

func (h *held) Upgrade(ctx context.Context, w requests.Work) (requests.Result, error) {
	select {
	case <-h.released:
		return h.Copy.Upgrade(ctx, w)
	case <-ctx.Done():
		return requests.Result{}, context.Cause(ctx)
	}
}

// release lets the upgrades end that serve held holds.
func release(ts *testscript.TestScript, neg bool, args []string) {
	close(ts.Value(held{}).(*held).released)
}

// serve [held] [FLAG …]: serves a sandbox until the script's end, at $URL; held ends no
// upgrade before release.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	config := service.Config{Config: sandbox.Config{Data: ts.MkAbs("sandbox-data"), Outcome: "done"}}
	for n := 2; isThere(config.Data); n++ { // an earlier one still serves there
		config.Data = ts.MkAbs(fmt.Sprintf("sandbox-data-%d", n))
	}
	for _, arg := range args {
		if arg == "held" {
			config.Engine = ts.Value(held{}).(*held)
			continue
		}
		address, _, err := sandbox.ParseAddress("sandbox?" + arg)
		ts.Check(err)
		config.Outcome, config.Pace, config.Contracts, config.Faults, config.Protocols = address.Outcome, address.Pace, address.Contracts, address.Faults, address.Protocols
		config.Cause = address.Cause
	}
	url, stop, err := service.Run(context.Background(), config)
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv("URL", url)
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// tls FILE: puts a server with TLS in front of $URL, at $TLS, and writes its
// certificate to the file.
func serveTLS(ts *testscript.TestScript, neg bool, args []string) {
	target, err := url.Parse(ts.Getenv("URL"))
	ts.Check(err)
	server := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(target))
	ts.Defer(server.Close)
	ts.Setenv("TLS", server.URL)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), certificate, 0o600))
}

// action-with-file NAME FILE …: action with an input that is the content of a file.
func actionWithFile(ts *testscript.TestScript, neg bool, args []string) {
	action(ts, neg, append(args[2:], args[0]+"="+ts.ReadFile(args[1])))
}

// await TEXT FILE: waits until a program in the background has written the text.
func await(ts *testscript.TestScript, neg bool, args []string) {
	for range 60_000 {
		if text, err := os.ReadFile(ts.MkAbs(args[1])); err == nil && strings.Contains(string(text), args[0]) {
			return
		}
		time.Sleep(10 * time.Millisecond) // what another process does can only be polled
	}
	ts.Fatalf("%q did not come to stand in %s", args[0], args[1])
}

// fulldir DIR SIZE: makes DIR a file system of that size, as mount takes it.
func fulldir(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	if text, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+args[1], "tmpfs", dir).CombinedOutput(); err != nil {
		ts.Fatalf("mount: %s", text)
	}
	ts.Defer(func() { _ = exec.Command("umount", dir).Run() })
}

func TestDocumentsDoNotDrift(t *testing.T) {
	got, err := os.ReadFile("../../action.yml")
	if err != nil || !bytes.Equal(got, ActionYAML()) {
		t.Errorf("action.yml is not what the grammar says (%v): go generate ./internal/cli", err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Readme(readme)
	if err != nil || !bytes.Equal(readme, want) {
		t.Errorf("the README's tables are not what the grammar says (%v): go generate ./internal/cli", err)
	}
	if _, err := Readme([]byte("no marks")); err == nil {
		t.Error("a README without places for the tables was taken")
	}
}

// TestEveryOutputIsDeclared compares what runs over both protocols set with what
// action.yml says.
func TestEveryOutputIsDeclared(t *testing.T) {
	t.Parallel()
	set := map[string]string{}
	for _, test := range []struct {
		protocol, download, server string
		status                     int
	}{
		{"v1", "upgraded-dump upgraded-sql original-dump original-sql notes modules", "sandbox?pace=100ms", 0},
		{"json-rpc", "upgraded-dump notes log", "sandbox?pace=100ms", 0},
		{"json-rpc", "upgraded-dump", "sandbox?pace=100ms&outcome=failed", 6},
	} {
		protocol, download := test.protocol, test.download
		out := t.TempDir()
		var log bytes.Buffer
		environment := demoEnvironment(out, protocol)
		environment["INPUT_DOWNLOAD"], environment["INPUT_SERVER-URL"] = download, test.server
		if protocol == "v1" {
			environment["INPUT_TIMEZONE"] = "Europe/Brussels"
		}
		if err := sandbox.WriteSample(filepath.Join(out, sampleName)); err != nil {
			t.Fatal(err)
		}
		if status := Main(t.Context(), nil, func(name string) string { return environment[name] }, nil, &log, &log); status != test.status {
			t.Fatalf("exit status %d\n%s", status, &log)
		}
		outputs, err := realtest.Outputs(filepath.Join(out, "outputs.txt"))
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(set, outputs)
	}
	declared := string(ActionYAML())
	_, declared, _ = strings.Cut(declared, "\noutputs:\n")
	declared, _, _ = strings.Cut(declared, "runs:\n")
	for name := range set {
		if !strings.Contains(declared, "  "+name+":\n") {
			t.Errorf("%s is set but not declared", name)
		}
	}
	unset := map[string]bool{"handle": true, "filestore-path": true, "filestore-sha256": true, // the embedded sandbox has none
		"estimated-time": true} // which it tells from earlier upgrades
	for line := range strings.Lines(declared) {
		name, isName := strings.CutSuffix(strings.TrimPrefix(line, "  "), ":\n")
		if isName && !strings.HasPrefix(line, "   ") && set[name] == "" && !unset[name] {
			t.Errorf("%s is declared but was not set", name)
		}
	}
}

// TestNoKeyAnywhere reads every byte that a whole run leaves: the contract and
// the key may stand behind a mask command and in masked outputs, nowhere else.
func TestNoKeyAnywhere(t *testing.T) {
	out := t.TempDir()
	var log bytes.Buffer
	environment := demoEnvironment(out, "v1")
	if err := sandbox.WriteSample(filepath.Join(out, sampleName)); err != nil {
		t.Fatal(err)
	}
	if status := Main(t.Context(), nil, func(name string) string { return environment[name] }, nil, &log, &log); status != 0 {
		t.Fatalf("exit status %d\n%s", status, &log)
	}
	set, _ := realtest.Outputs(filepath.Join(out, "outputs.txt"))
	key := strings.TrimRight(set["request-key"], "=")
	if len(key) != 22 {
		t.Fatalf("key %q", key)
	}
	first, _, _ := strings.Cut(log.String(), "\n")
	if first != "::add-mask::M123456-abcdef" {
		t.Errorf("the first line is %q, not the contract's mask", first)
	}
	if !strings.Contains(log.String(), "\n::add-mask::"+key+"\n") {
		t.Error("the key was not masked")
	}
	secrets := []string{key, "M123456-abcdef", set["upgraded-dump-url"]}
	for line := range strings.Lines(log.String()) {
		for _, secret := range secrets {
			if strings.Contains(line, secret) && !strings.HasPrefix(line, "::add-mask::") {
				t.Errorf("in the log: %s", line)
			}
		}
	}
	masked := maskedOutputs()
	for name, value := range set {
		for _, secret := range secrets {
			if strings.Contains(value, secret) && !masked[name] {
				t.Errorf("in output %s: %s", name, value)
			}
		}
	}
	for _, file := range files(t, out) {
		text, _ := os.ReadFile(file)
		for _, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) && filepath.Base(file) != "outputs.txt" {
				t.Errorf("in %s", file)
			}
		}
	}
}

// maskedOutputs are the outputs that are declared to hold the key.
func maskedOutputs() map[string]bool {
	names := map[string]bool{}
	for _, o := range report.Outputs() {
		names[o.Name] = o.Secret
	}
	return names
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			list = append(list, path)
		}
		return err
	})
	if err != nil || len(list) < 4 {
		t.Fatalf("%v, %v", list, err)
	}
	return list
}
