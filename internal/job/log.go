package job

import (
	"context"
	"time"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/upgrade"
)

// Limits of one look at the platform's log: it must hold up neither the check of the
// status nor this machine.
const (
	logTime  = 30 * time.Second
	logReads = 8
)

// followLog tells what is new in the platform's log. An error is not told: the next check
// of the status will show whether the platform is there.
func (r *run) followLog(ctx context.Context, t upgrade.Ticket) {
	reader, ok := r.platform.(LogReader)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	for range logReads {
		text, err := reader.ReadLog(ctx, t, r.logged)
		if err != nil || len(text) == 0 {
			return
		}
		r.logged += int64(len(text))
		r.tell(event.LogRead{Text: text})
	}
}
