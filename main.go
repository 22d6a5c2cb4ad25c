// Command odoo-upgrade takes an Odoo database through the vendor's upgrade
// platform, as a step of a GitHub workflow or from a command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"odoo-upgrade-action/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(cli.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
