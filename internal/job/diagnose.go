package job

import (
	"context"
	"fmt"

	"odoo-upgrade-action/internal/digest"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// diagnose finds out why the platform could not upgrade the database: its log says so, and nothing
// else. The log is kept, all of it. That it cannot be read changes nothing about how the request
// ended.
func (r *run) diagnose(ctx context.Context) {
	reader, ok := r.platform.(platform.LogReader)
	if !ok || r.seen.Status.Phase != upgrade.Failed || ctx.Err() != nil {
		return
	}
	var log digest.Log
	if _, downloaded := r.artifact(upgrade.Log); downloaded {
		r.saveLog = nil
	}
	artifact, err := r.keepLog(ctx, reader, &log)
	if artifact.Size > 0 {
		r.seen.Artifacts = append(r.seen.Artifacts, artifact)
		r.tell(event.Downloaded{Artifact: artifact})
	}
	if err != nil && !retry.IsTransient(err) && r.saveLog != nil { // the disk may be full: the causes are needed all the more
		log, r.saveLog = digest.Log{}, nil
		_, _ = r.keepLog(ctx, reader, &log)
	}
	if err != nil && ctx.Err() == nil {
		r.tell(event.Notice{Text: fmt.Sprintf("The platform's log could not be kept: %v.", err)})
	}
	r.seen.Causes = log.Causes()
}
