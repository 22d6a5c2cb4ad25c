package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// levels is how the packages are layered: an import goes to a lower level, never to
// the same one.
var levels = map[string]int{
	module:                                       14,
	module + "/internal/e2e":                     14,
	module + "/internal/cli/gen":                 14,
	module + "/internal/cli":                     13,
	module + "/internal/run":                     12,
	module + "/internal/report":                  11,
	module + "/internal/job":                     10,
	module + "/internal/platform":                8,
	module + "/internal/sandbox/service":         9,
	module + "/internal/sandbox":                 8,
	module + "/internal/sandbox/v1":              7,
	module + "/internal/sandbox/jsonrpc":         7,
	module + "/internal/sandbox/engine":          6,
	module + "/internal/sandbox/plain":           6,
	module + "/internal/sandbox/requests":        5,
	module + "/internal/sandbox/fault":           3,
	module + "/internal/sandbox/program":         2,
	module + "/internal/sandbox/service/engines": 7,
	module + "/internal/event":                   7,
	module + "/internal/compare":                 6,
	module + "/internal/inventory":               5,
	module + "/internal/digest":                  3,
	module + "/internal/handle":                  3,
	module + "/internal/httpcall":                3,
	module + "/internal/workspace":               3,
	module + "/internal/dial":                    3,
	module + "/internal/sftp":                    3,
	module + "/internal/dump":                    4,
	module + "/internal/dump/archive":            3,
	module + "/internal/dump/zip":                2,
	module + "/internal/dump/script":             2,
	module + "/internal/show":                    0,
	module + "/internal/dump/stream":             1,
	module + "/internal/rsync":                   3,
	module + "/internal/realtest":                2, // for tests only
	module + "/internal/actions":                 1,
	module + "/internal/confine":                 1,
	module + "/internal/proxy":                   1,
	module + "/internal/retry":                   0,
	module + "/internal/advice":                  0,
	module + "/internal/sshclient":               2,
	module + "/internal/stall":                   1,
	module + "/internal/upgrade":                 1,
}

const module = "odoo-upgrade-action"

// never lists what some packages must not import, and why.
var never = map[string][]string{
	module + "/internal/job":       {"net/http", "golang.org/x/crypto/ssh", module + "/internal/actions"}, // the flow knows no protocol, and no log
	module + "/internal/upgrade":   {"os", "net", "net/http", "encoding/json", "time"},                    // pure
	module + "/internal/workspace": {"net/http"},
}

func TestImportsPointDown(t *testing.T) {
	text, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		names := strings.Fields(line)
		importer := names[0]
		level, known := levelOf(importer)
		if !known {
			t.Errorf("%s has no level: give it one here", importer)
		}
		found++
		for _, used := range names[1:] {
			if below, ours := levelOf(used); ours && below >= level {
				t.Errorf("%s (level %d) imports %s (level %d)", importer, level, used, below)
			}
			if slices.Contains(never[importer], used) {
				t.Errorf("%s must not import %s", importer, used)
			}
			if strings.HasPrefix(importer, module+"/internal/sandbox") && isOfClient(used) { // a shared type would hide a wrong name
				t.Errorf("%s, of the sandbox, imports the client's %s", importer, used)
			}
			if isBackEnd(used) && (isBackEnd(importer) || importer != module+"/internal/cli" && !(importer == module+"/internal/run" && used == module+"/internal/platform/auto")) {
				t.Errorf("%s imports the back end %s: only cli may", importer, used)
			}
		}
	}
	if found < len(levels) {
		t.Errorf("%d packages found, %d have a level", found, len(levels))
	}
}

// levelOf returns a package's level; all back ends have the same.
func levelOf(name string) (level int, known bool) {
	if isBackEnd(name) {
		return 9, true
	}
	level, known = levels[name]
	return level, known
}

// isOfClient reports whether a package has types of the client's side of a protocol.
func isOfClient(name string) bool {
	rest := strings.TrimPrefix(name, module+"/internal/")
	return rest == "upgrade" || rest == "httpcall" || rest == "job" || strings.HasPrefix(rest, "platform")
}

func isBackEnd(name string) bool { return strings.HasPrefix(name, module+"/internal/platform/") }

// TestOneFilePicksTheBackEnd finds back ends in other files of cli than wire.go.
func TestOneFilePicksTheBackEnd(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, _ := os.ReadFile(file)
		uses := strings.Contains(string(text), `"`+module+"/internal/platform/")
		if uses != (file == "wire.go") && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s imports a back end: %t", file, uses)
		}
	}
}
