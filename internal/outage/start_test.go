package outage

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
)

func TestNothingIsStartedThatMustWait(t *testing.T) {
	over, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		cfg     Config
		stopped bool
		while   context.Context //nolint:containedctx // of the attempt
		closed  bool
		want    bool
	}{
		"nothing to wait for":    {want: true},
		"a bound in flight":      {cfg: Config{MaxInFlight: 64}},
		"a pace":                 {cfg: Config{Pace: func(context.Context) error { return nil }}},
		"an outage":              {closed: true},
		"a stop":                 {stopped: true},
		"nothing more may begin": {while: over},
	} {
		t.Run(name, func(t *testing.T) {
			g := New(c.cfg)
			if c.closed {
				g.gate.leave(false, away, fault.BackendError("kafka", "no leader"))
			}
			ctx := t.Context()
			if c.stopped {
				ctx = over
			}
			if _, ok := g.Start(ctx, c.while, nil, &Holder{}); ok != c.want {
				t.Errorf("started: %t", ok)
			}
			if (g.under.first != nil) != c.want {
				t.Error("what is under way is not what was started")
			}
		})
	}
}

// An attempt that was started is one like another: it is under way, holds its partition when it is overdue, and is a success when it went well.
func TestAStartedAttemptIsUnderWayUntilItWent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Name: "to"})
		h := &Holder{Topic: "in"}
		pass, ok := g.Start(t.Context(), nil, nil, h)
		time.Sleep(2 * overdueAfter)
		if held := g.Holds(); !ok || len(held) != 1 || held[0].Code != overdue {
			t.Errorf("started: %t, held %+v", ok, held)
		}
		if took := pass.Went(h); took != 2*overdueAfter {
			t.Errorf("it took %s", took)
		}
		if held := g.Holds(); len(held) != 0 || g.gate.successes.Load() != 1 {
			t.Errorf("held %+v after %d successes", held, g.gate.successes.Load())
		}
	})
}

// Make goes on with what was started: it is one attempt, and its failure the first.
func TestMakeGoesOnWithWhatWasStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Name: "to", Backoff: Backoff{Initial: time.Millisecond, Max: time.Millisecond}})
		h := &Holder{Topic: "in"}
		pass, ok := g.Start(t.Context(), nil, nil, h)
		if !ok {
			t.Fatal("not started")
		}
		began := time.Now()
		time.Sleep(time.Second)
		tries := 0
		a := Attempt{For: h, Begun: pass, Try: func(context.Context) error {
			if tries++; tries == 1 {
				if g.under.first != h || !h.under.began.Equal(began) {
					t.Error("the attempt was begun again")
				}
				return fault.BackendError("kafka", "no leader")
			}
			return nil
		}}
		if out := g.Make(t.Context(), a); out.Answer != Taken || tries != 2 {
			t.Errorf("%+v after %d tries", out, tries)
		}
		if n, _ := h.Attempts(); n != 1 || g.under.first != nil {
			t.Errorf("%d failures", n)
		}
	})
}
