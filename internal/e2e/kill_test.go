//go:build unix

package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/realtest"
)

// TestKilledAtEveryStep kills one run after the other over API v1.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	killAtEveryStep(t, killed{
		inputs: map[string]string{"transport": "sftp", "streams": "1"}, transfer: "request_sftp_access", process: "process",
		partial: ".upgraded-dump.part", last: `There are already the first (\d+) of \d+ bytes: resuming there`,
	})
}

// TestKilledWithJSONRPC does it over the other protocol.
func TestKilledWithJSONRPC(t *testing.T) {
	t.Parallel()
	killAtEveryStep(t, killed{
		inputs: map[string]string{"protocol": "json-rpc"}, transfer: "transfer-start", process: "rpc-process",
		partial: ".upgraded-dump.part.d/arriving/*", last: `Continuing request \d+`,
	})
}

// killed is what differs between the protocols.
type killed struct {
	inputs            map[string]string
	transfer, process string // calls that hang, as faults name them
	partial           string // file of a download that is not complete
	last              string // in the log of the run that is not killed
}

// killAtEveryStep kills runs without a warning, each at another step, and continues by
// the handle: with one request all the way, and without sending an acknowledged byte
// twice.
func killAtEveryStep(t *testing.T, k killed) {
	realtest.Long(t)
	work, data := t.TempDir(), t.TempDir()
	randomFile(t, work+"/db.dump", 24<<20)
	const some = 2 << 20 // bytes that are acknowledged when a transfer is killed
	log := func() string { text, _ := os.ReadFile(work + "/log"); return string(text) }
	larger := func(path string) func() bool {
		return func() bool {
			found, _ := filepath.Glob(path)
			if len(found) != 1 {
				return false
			}
			info, err := os.Stat(found[0])
			return err == nil && info.Size() > some
		}
	}
	listen, handle := realtest.Address(t), ""
	for _, step := range []struct {
		name   string
		flags  []string
		until  func() bool // when it is killed; nil lets it end
		expect string      // in the log
	}{
		{"after create", []string{"--fault", k.transfer + "=hang"}, func() bool { set, _ := realtest.Outputs(work + "/outputs"); return set["handle"] != "" }, `Request \d+ created`},
		{"in the upload", []string{"--fault", "sftp=rate:2000000", "--fault", k.process + "=hang"}, larger(data + "/requests/*/original"), `Continuing request \d+`},
		{"at process", []string{"--fault", k.process + "=hang"}, func() bool { return strings.Contains(log(), "Starting the upgrade.") }, `The platform already has the first (\d+) of`},
		{"while waiting", []string{"--pace", "1h"}, func() bool { return strings.Contains(log(), "Waiting for the upgrade") }, `The platform already has the first (\d+) of`},
		{"in the download", []string{"--pace", "10ms", "--fault", "sftp=rate:2000000"}, larger(work + "/odoo-upgrade/" + k.partial), `Continuing request \d+`},
		{"not at all", nil, nil, k.last},
	} {
		url, _, stop := sandboxOn(t, data, listen, step.flags...)
		listen = strings.TrimPrefix(url, "http://")
		inputs := map[string]string{"preflight": "off", "handle": handle}
		maps.Copy(inputs, k.inputs)
		command := stepWithLog(t, work, url, inputs)
		if step.until == nil {
			if err := command.Run(); err != nil {
				t.Errorf("%v\n%s", err, log())
			}
		} else {
			killWhen(t, command, step.until)
		}
		stop()
		set, _ := realtest.Outputs(work + "/outputs")
		if set["handle"] != "" {
			handle = set["handle"]
		}
		found := regexp.MustCompile(step.expect).FindStringSubmatch(log())
		if found == nil {
			t.Fatalf("killed %s; no %q in\n%s", step.name, step.expect, log())
		}
		if len(found) > 1 {
			if n, _ := strconv.Atoi(found[1]); n < some/2 {
				t.Errorf("%s: it resumed at byte %d although %d were there", step.name, n, some)
			}
		}
	}
	requests, _ := filepath.Glob(data + "/requests/*/request.json")
	if len(requests) != 1 {
		t.Errorf("%d requests were made", len(requests))
	}
	if text, err := exec.Command("cmp", work+"/db.dump", work+"/odoo-upgrade/upgraded-dump.zip").CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, text)
	}
}

// stepWithLog is a step whose log goes to a file.
func stepWithLog(t *testing.T, work, url string, inputs map[string]string) *exec.Cmd {
	t.Helper()
	command := step(t, work, url, inputs)
	file, err := os.Create(work + "/log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	command.Stdout, command.Stderr = file, file
	return command
}

// killWhen starts a command and kills it as soon as it has come so far.
func killWhen(t *testing.T, command *exec.Cmd, so func() bool) {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for range 60_000 {
		if so() {
			_ = command.Process.Kill()
			_ = command.Wait()
			return
		}
		time.Sleep(5 * time.Millisecond) // what another process does can only be polled
	}
	_ = command.Process.Kill()
	_ = command.Wait()
	t.Fatal("it did not come so far")
}
