package lease

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestALeaseLetsNothingBeginAfterItsEndAndEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := Until(t.Context(), time.Now().Add(time.Minute))
		if err := Check(ctx); err != nil {
			t.Error(err)
		}
		within, cancel := context.WithCancel(ctx)
		defer cancel()
		time.Sleep(time.Minute)
		for name, ctx := range map[string]context.Context{"itself": ctx, "a child": within} {
			if err := Check(ctx); !errors.Is(err, ErrOver) {
				t.Errorf("%s at its end: %v", name, err)
			}
			if ctx.Err() != nil {
				t.Errorf("%s has ended: %v", name, ctx.Err())
			}
		}
	})
}

func TestWithoutALeaseAllMayBegin(t *testing.T) {
	for name, ctx := range map[string]context.Context{"none": t.Context(), "one without an end": Until(t.Context(), time.Time{})} {
		if err := Check(ctx); err != nil || !End(ctx).IsZero() {
			t.Errorf("%s: %v, until %s", name, err, End(ctx))
		}
	}
}
