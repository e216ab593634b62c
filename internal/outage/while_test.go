package outage

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// Whatever an attempt waits for, the end of While ends its waiting at once.
func TestTheEndOfWhileEndsAllWaiting(t *testing.T) {
	nothingElse := func(context.Context, *Guard) {}
	slow := Backoff{Initial: time.Hour, Max: 10 * time.Hour}
	for name, c := range map[string]struct {
		cfg  Config
		try  func(context.Context) error
		also func(ctx context.Context, g *Guard) // goes on beside it
	}{
		"for a destination that is away": {Config{Backoff: slow}, failing(100, fault.BackendError("away", "away")), nothingElse},
		"for a place": {Config{MaxInFlight: 1}, failing(0, nil), func(ctx context.Context, g *Guard) {
			g.Make(ctx, Attempt{For: &Holder{}, Try: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
		}},
		"for its turn": {Config{Pace: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, failing(0, nil), nothingElse},
		"for a while, since others are taken": {Config{Backoff: Backoff{Initial: time.Second, Max: 1000 * time.Hour}}, failing(1000, unclear()), func(ctx context.Context, g *Guard) {
			for ctx.Err() == nil {
				g.Make(ctx, Attempt{For: &Holder{}, Try: func(context.Context) error { return nil }})
				_ = sleep(ctx, time.Second)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(c.cfg)
				ctx, end := context.WithCancel(t.Context())
				defer end()
				while, enough := context.WithCancel(ctx)
				beside := make(chan struct{})
				go func() { defer close(beside); c.also(ctx, g) }()
				time.Sleep(time.Millisecond)
				out := make(chan Outcome, 1)
				go func() { out <- g.Make(ctx, Attempt{For: &Holder{Offset: 1}, While: while, Try: c.try}) }()
				time.Sleep(time.Minute)
				began := time.Now()
				enough()
				if got := <-out; got.Answer != Stopped || time.Since(began) > 0 {
					t.Errorf("%+v after %s", got, time.Since(began))
				}
				end()
				<-beside
			})
		})
	}
}

func TestTheEndOfWhileLeavesWhatIsUnderWay(t *testing.T) {
	while, enough := context.WithCancel(t.Context())
	g := New(Config{MaxInFlight: 1})
	out := g.Make(t.Context(), Attempt{For: &Holder{}, While: while, Try: func(ctx context.Context) error { enough(); return ctx.Err() }})
	if out.Answer != Taken {
		t.Errorf("%+v", out)
	}
	if out := g.Make(t.Context(), Attempt{For: &Holder{}, While: while, Try: func(context.Context) error { t.Error("it was begun"); return nil }}); out.Answer != Stopped {
		t.Errorf("%+v", out)
	}
	if out := g.Make(t.Context(), Attempt{For: &Holder{}, While: while, GoesOn: true, Try: failing(0, nil)}); out.Answer != Taken {
		t.Errorf("what was begun is not ended: %+v", out)
	}
	away := failing(100, fault.BackendError("away", "away"))
	if out := g.Make(t.Context(), Attempt{For: &Holder{}, While: while, GoesOn: true, Try: away}); out.Answer != Stopped {
		t.Errorf("what was begun waits for a destination that is away: %+v", out)
	}
}
