package stall

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/retry"
)

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, w, stop := Context(t.Context(), Body)
		for range 10 {
			time.Sleep(Body - time.Second)
			w.Feed()
		}
		w.Allow(Response)
		time.Sleep(Response - time.Second)
		if ctx.Err() != nil {
			t.Fatalf("it ended although it was fed: %v", context.Cause(ctx))
		}
		time.Sleep(2 * time.Second)
		if context.Cause(ctx) != ErrIdle || !retry.IsTransient(context.Cause(ctx)) {
			t.Errorf("it ended with %v", context.Cause(ctx))
		}
		stop()
		ctx, _, stop = Context(t.Context(), Body)
		stop()
		time.Sleep(2 * Body)
		if context.Cause(ctx) != context.Canceled {
			t.Errorf("after its end: %v", context.Cause(ctx))
		}
	})
}
