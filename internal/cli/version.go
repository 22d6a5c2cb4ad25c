package cli

import (
	"fmt"
	"runtime/debug"
)

// version is set when a release is built.
var version = ""

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

func (versionCommand) run(p *program) int {
	_, _ = fmt.Fprintln(p.stdout, "odoo-upgrade "+Version())
	return 0
}
