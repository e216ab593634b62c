package outage

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// A backend that hangs holds its partitions long before the attempt's own timeout ends it.
func TestAnAttemptThatIsOverdueHoldsItsPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Name: "to", MaxInFlight: 4})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan Outcome, 2)
		began := time.Now()
		for p := range 2 {
			go func() {
				h := &Holder{Topic: "in", Partition: int32(p)}
				tries := 0
				done <- g.Make(ctx, Attempt{For: h, Try: func(ctx context.Context) error {
					if tries++; tries > 1 || p == 1 {
						return nil
					}
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(30 * time.Second):
						return fault.BackendError("timeout", "no answer: %w", errors.New("timed out"))
					}
				}})
			}()
		}
		time.Sleep(overdueAfter - time.Second)
		synctest.Wait()
		if h := g.Holds(); len(h) != 0 {
			t.Errorf("held too early: %+v", h)
		}
		time.Sleep(2 * time.Second)
		if h := g.Holds(); len(h) != 1 || h[0].Partition != 0 || h[0].Code != "overdue" || !h[0].Since.Equal(began) || h[0].Reason == "" {
			t.Errorf("overdue: %+v, want partition 0 since %s", h, began)
		}
		<-done
		<-done
		if h := g.Holds(); len(h) != 0 {
			t.Errorf("still held: %+v", h)
		}
		if g.under.first != nil || g.under.last != nil {
			t.Error("an attempt that ended is under way still")
		}
		stop()
	})
}

func TestAttemptsUnderWayLeaveInAnyOrder(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
		var u underway
		hs := []*Holder{{Partition: 0}, {Partition: 1}, {Partition: 2}}
		now := time.Now()
		for _, h := range hs {
			u.add(h, now)
		}
		for n, i := range order {
			u.remove(hs[i])
			left := 0
			u.overdue(now.Add(1), func(place, time.Time) { left++ })
			if left != 2-n {
				t.Errorf("%v: %d left after %d", order, left, n+1)
			}
		}
		if u.first != nil || u.last != nil {
			t.Errorf("%v: not empty", order)
		}
	}
}
