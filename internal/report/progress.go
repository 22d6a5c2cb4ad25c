package report

import (
	"fmt"
	"time"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/upgrade"
)

// When the first line of a transfer's progress is due, and how far apart the last ones are.
const (
	firstProgress = 10 * time.Second
	lastProgress  = 5 * time.Minute
)

// transfer is one that is in progress.
type transfer struct {
	step  event.Step
	item  upgrade.Item
	began time.Time
	from  int64 // bytes that were there when it began
	done  int64 // bytes that are there now
}

// transfers shows how far uploads and downloads are.
type transfers struct {
	*console
	moving   transfer
	progress pace           // of its lines
	back     event.ReadBack // of the upload
}

// transferred reports how far a transfer is, now and then.
func (t *transfers) transferred(e event.Progress) {
	now := time.Now()
	if m := t.moving; m.step != e.Step || m.item != e.Item || e.Done < m.done {
		t.moving = transfer{step: e.Step, item: e.Item, began: now, from: e.Done}
		t.startBar(e)
	} else if t.bar != nil { // the first time, no speed is known
		_ = t.bar.Set64(e.Done)
		if e.Step == event.Upload && e.Done == e.Total && t.moving.done < e.Total {
			t.clearBar()
			t.info(t.moving.line(e, now))
		}
	}
	t.moving.done = e.Done
	if t.bar != nil {
		return
	}
	if t.progress.due(now) {
		t.info(t.moving.line(e, now))
	}
}

// line says how far a transfer is, how fast it goes, and how long it will take.
func (m transfer) line(e event.Progress, now time.Time) string {
	line := size(e.Done)
	if e.Total > 0 {
		line = fmt.Sprintf("%3d%%, %s of %s", e.Done*100/e.Total, size(e.Done), size(e.Total))
	}
	if e.Item != "" {
		line = string(e.Item) + ": " + line
	}
	if e.Step == event.Upload && e.Done == e.Total {
		return line + ", sent; waiting for the response"
	}
	speed := rate(e.Done-m.from, now.Sub(m.began))
	if speed <= 0 {
		return line
	}
	line += ", " + size(speed) + "/s"
	if left := e.Total - e.Done; left > 0 {
		line += ", " + show.Duration(estimate(left, speed)) + " left"
	}
	return line
}

// estimate is how long bytes take at a speed, as exactly as that can be known.
func estimate(bytes, speed int64) time.Duration {
	d := time.Duration(float64(bytes) / float64(speed) * float64(time.Second))
	switch {
	case d > 10*time.Minute:
		return d.Round(time.Minute)
	case d > time.Minute:
		return d.Round(10 * time.Second)
	}
	return d
}

// readBack reports how much of an upload was read back, now and then and in the end.
func (t *transfers) readBack(e event.ReadBack) {
	t.back = e
	switch {
	case !e.Over:
		if t.progress.due(time.Now()) {
			t.info(fmt.Sprintf("Comparing what the platform has with the dump: %d%%.", e.Bytes*100/max(1, e.Total)))
		}
	case e.Bytes == e.Total:
		t.info("All of the upload was read back from the platform: it is the dump.")
	default:
		t.info("The upload was " + t.backText() + ".")
	}
}

// backText says how much of an upload was compared, "" for none that could be.
func (t *transfers) backText() string {
	switch e := t.back; {
	case e == event.ReadBack{} || !e.Over:
		return ""
	case e.Bytes == e.Total:
		return "all of it read back and compared"
	case e.Bytes == 0:
		return "not read back: the platform's server does not allow that, or was too slow. Its size is right"
	default:
		return fmt.Sprintf(
			"compared in part: %s of %s, which is what could be read back in as much time as the upload took, or half a minute",
			size(e.Bytes),
			size(e.Total),
		)
	}
}
