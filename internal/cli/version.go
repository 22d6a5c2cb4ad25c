package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are set when a release is built.
var version, commit = "", ""

// Version returns the program's version: the release's, else what Go knows of
// the build.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// revision is the commit that was built, "" if not known.
func revision() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return ""
}

func (c *versionCommand) run(p *program) int {
	if !c.Format.json {
		_, _ = fmt.Fprintln(p.stdout, "odoo-upgrade "+Version())
		return 0
	}
	encoder := json.NewEncoder(p.stdout)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(struct {
		Version string `json:"version"`
		Commit  string `json:"commit"`
		Go      string `json:"go"`
		OS      string `json:"os"`
		Arch    string `json:"arch"`
	}{Version(), revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH})
	if err != nil {
		return 1
	}
	return 0
}
