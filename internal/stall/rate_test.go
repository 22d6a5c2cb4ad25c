package stall

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/retry"
)

func TestRate(t *testing.T) {
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
				ctx, rate := NewRate(t.Context())
				defer rate.Stop()
				for minute := range int64(60) {
					rate.At(c.begin+minute*c.step, c.total)
					time.Sleep(time.Minute)
				}
				if slow := ctx.Err() != nil; slow != c.slow || slow && !retry.IsTransient(context.Cause(ctx)) {
					t.Errorf("%v", context.Cause(ctx))
				}
			})
		})
	}
}

// TestRateOfWhatIsCompared has nothing moved for an hour, because what is here is compared, and
// then something that arrives damaged again and again.
func TestRateOfWhatIsCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, rate := NewRate(t.Context())
		defer rate.Stop()
		rate.At(1000, 1<<40)
		for range 60 {
			time.Sleep(time.Minute)
			rate.At(1000, 1<<40)
		}
		if ctx.Err() != nil {
			t.Fatal(context.Cause(ctx))
		}
		for range 10 {
			time.Sleep(time.Minute)
			rate.At(1001, 1<<40)
			rate.At(1000, 1<<40)
		}
		if !retry.IsTransient(context.Cause(ctx)) {
			t.Errorf("damaged bytes are taken for progress: %v", context.Cause(ctx))
		}
	})
}
