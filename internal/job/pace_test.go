package job

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/retry"
)

func TestPace(t *testing.T) {
	for name, c := range map[string]struct {
		step, begin, total int64 // bytes a minute, and at first, and in all
		slow               bool
	}{
		"a byte a minute":                      {1, 1, 1 << 30, true},
		"a byte a minute of who knows":         {1, 1, -1, true},
		"a megabyte a minute":                  {1 << 20, 1, 1 << 30, false},
		"nothing yet":                          {0, 0, 1 << 30, false},
		"all is sent":                          {0, 1 << 20, 1 << 20, false},
		"a byte a minute, behind what is here": {1, 1 << 29, 1 << 30, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, pace := newPace(t.Context())
				defer pace.stop()
				for minute := range int64(60) {
					pace.moved(c.begin+minute*c.step, c.total)
					time.Sleep(time.Minute)
				}
				if slow := ctx.Err() != nil; slow != c.slow || slow && !retry.IsTransient(context.Cause(ctx)) {
					t.Errorf("%v", context.Cause(ctx))
				}
			})
		})
	}
}

// TestPaceWithoutNews has a transfer that stops to tell: its peer only shows that it is alive.
func TestPaceWithoutNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, pace := newPace(t.Context())
		defer pace.stop()
		for minute := range int64(20) {
			pace.moved(1+minute<<20, 1<<30)
			time.Sleep(time.Minute)
		}
		if ctx.Err() != nil {
			t.Fatal(context.Cause(ctx))
		}
		began := time.Now()
		<-ctx.Done()
		if took := time.Since(began); took > 2*paceWindow || !retry.IsTransient(context.Cause(ctx)) {
			t.Errorf("it ended after %v with %v", took, context.Cause(ctx))
		}
	})
}
