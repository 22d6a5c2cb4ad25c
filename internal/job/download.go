package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

// ready returns an error if the plan wants something upgraded of a request that has
// nothing.
func (r *run) ready(s upgrade.Status) error {
	upgraded := false
	for _, item := range r.plan.Items {
		upgraded = upgraded || item.IsUpgraded()
	}
	switch {
	case !upgraded:
		return nil
	case !s.Phase.Ended():
		return as(DownloadFailed, &NotReadyError{s.State})
	}
	return outcome(s)
}

// download fetches the plan's items.
func (r *run) download(ctx context.Context, s upgrade.Status) error {
	if len(r.plan.Items) == 0 {
		return nil
	}
	return r.step(event.Download, func() error {
		for _, item := range r.plan.Items {
			artifact, err := r.get(ctx, s, item)
			if _, missing := errors.AsType[*upgrade.MissingError](err); missing && item == upgrade.Filestore {
				r.tell(event.ItemMissing{Item: item}) // the upgrade added no files
				continue
			}
			if err != nil {
				return as(DownloadFailed, fmt.Errorf("downloading %s: %w", item, err))
			}
			r.seen.Artifacts = append(r.seen.Artifacts, artifact)
			r.tell(event.Downloaded{Artifact: artifact})
		}
		return nil
	})
}

// artifact returns an item that was downloaded.
func (r *run) artifact(item upgrade.Item) (a upgrade.Artifact, ok bool) {
	at := slices.IndexFunc(r.seen.Artifacts, func(a upgrade.Artifact) bool { return a.Item == item })
	if at < 0 {
		return a, false
	}
	return r.seen.Artifacts[at], true
}

// get downloads one item. The log comes by the call that shows it: it is there in every state.
func (r *run) get(ctx context.Context, s upgrade.Status, item upgrade.Item) (upgrade.Artifact, error) {
	reader, ok := r.platform.(platform.LogReader)
	if item != upgrade.Log || !ok || r.saveLog == nil {
		return r.fetch(ctx, s, item)
	}
	artifact, err := r.keepLog(ctx, reader, io.Discard)
	if err == nil && artifact.Size == 0 {
		err = &upgrade.MissingError{Item: item}
	}
	return artifact, err
}

// fetch downloads one item.
func (r *run) fetch(ctx context.Context, s upgrade.Status, item upgrade.Item) (artifact upgrade.Artifact, err error) {
	err = r.whileItProgresses(ctx, func(ctx context.Context) (kept int64, err error) {
		ctx, rate := stall.NewRate(ctx)
		defer rate.Stop()
		artifact, kept, err = r.platform.Fetch(ctx, s, item, func(done, total int64) {
			rate.At(done, total)
			r.tell(event.Progress{Step: event.Download, Item: item, Done: done, Total: total})
		})
		return kept, err
	})
	return artifact, err
}

// worthwhile is how many bytes a round of tries has to move in that time, for another one
// to follow.
func worthwhile(d time.Duration) int64 {
	return max(1, int64(stall.Bytes*d.Seconds()/stall.Window.Seconds()))
}

// whileItProgresses tries a transfer through outages, and again as long as each round of
// tries moves enough for the time that it takes. The transfer returns how far it came, in
// bytes.
func (r *run) whileItProgresses(ctx context.Context, transfer func(context.Context) (int64, error)) error {
	furthest := int64(0)
	for {
		before, began := furthest, time.Now()
		err := outagePolicy.Do(ctx, func(ctx context.Context) error {
			n, err := transfer(ctx)
			furthest = max(furthest, n)
			return err
		}, r.retrying)
		if err == nil || !retry.IsTransient(err) || furthest-before < worthwhile(time.Since(began)) {
			return err
		}
	}
}
