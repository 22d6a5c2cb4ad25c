package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"odoo-upgrade-action/internal/report"
)

// signals is what main.go does.
func signals() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// maskedOutputs are the outputs that are declared to hold the key.
func maskedOutputs() map[string]bool {
	names := map[string]bool{}
	for _, o := range report.Outputs() {
		names[o.Name] = o.Secret
	}
	return names
}
