// Command odoo-upgrade takes an Odoo database through the vendor's upgrade
// platform, as a step of a GitHub workflow or from a command line.
package main

import (
	"os"
	"runtime/debug"

	"odoo-upgrade-action/internal/cli"
)

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(76 << 20) // collect garbage sooner, for small runners; no bound on what is needed
	}
	os.Exit(cli.Main(cli.Signals(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
