package outage

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gx-ol/gx-ol/internal/fault"
)

var noConnection = fault.BackendError("connection", "no connection")

// Who is next to probe may be stopped while it waits, say as its partition moves: then the one behind it is next.
func TestWhoStopsWaitingMakesRoomForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Backoff: Backoff{Initial: time.Minute, Max: time.Minute}})
		g.gate.leave(false, away, noConnection)
		stopped, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if out := g.Make(stopped, Attempt{For: new(Holder), Try: failing(0, nil)}); out.Answer != Stopped {
				t.Errorf("answer %d of the one that was stopped", out.Answer)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if out := g.Make(t.Context(), Attempt{For: new(Holder), Try: failing(0, nil)}); out.Answer != Taken {
				t.Errorf("answer %d of the one behind it", out.Answer)
			}
		})
		synctest.Wait()
		stop()
		wg.Wait() // else nobody goes on, which synctest tells
	})
}

// A question that is answered in an outage shows nothing, and lets the next one probe.
func TestAQuestionThatProbesLetsTheNextOneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{})
		g.gate.leave(false, away, noConnection)
		for _, asks := range []bool{true, false} {
			if out := g.Make(t.Context(), Attempt{For: new(Holder), Asks: asks, Try: failing(0, nil)}); out.Answer != Taken {
				t.Errorf("answer %d", out.Answer)
			}
		}
	})
}

// What one outage has cost in pauses the next one does not begin with.
func TestEachOutageBeginsWithShortPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("marquez", Backoff{Initial: time.Second, Max: time.Hour}, zap.NewNop())
		for range 20 {
			g.leave(false, away, noConnection)
			if pause := time.Until(g.next); pause > time.Second {
				t.Fatalf("the first pause of an outage is %s", pause)
			}
			for range 20 {
				g.leave(true, away, noConnection)
			}
			g.leave(true, taken, nil)
		}
	})
}

func TestAnOutageIsToldWithItsHintAndNotAgainWhileItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		g := newGate("marquez", Backoff{Initial: time.Second, Max: time.Second}, zap.New(core))
		refuses := &fault.Error{Kind: fault.Backend, Code: "http_401", Err: noConnection, Hint: "check the token"}
		g.leave(false, away, refuses)
		if hint := logs.All()[0].ContextMap()["hint"]; hint != refuses.Hint {
			t.Errorf("told with the hint %v", hint)
		}
		for range 100 {
			time.Sleep(time.Minute)
			g.leave(true, away, refuses)
		}
		if logs.Len() != 1 {
			t.Errorf("%d lines of one outage with one error", logs.Len())
		}
	})
}

func TestAPlaceIsGivenBackWhateverTheAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		try   func(context.Context) error
		doubt bool // whether the record is this process's
	}{
		"taken":           {try: failing(0, nil)},
		"refused":         {try: failing(1, fault.MessageError(fault.Poison, "http_422", "no"))},
		"away":            {try: failing(1, noConnection)},
		"away, and doubt": {try: func(context.Context) error { time.Sleep(time.Second); return noConnection }, doubt: true},
		"a bug":           {try: func(context.Context) error { panic("ours") }},
		"stopped":         {try: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{MaxInFlight: 1})
				owner := &doubtful{until: time.Now().Add(time.Hour)}
				if c.doubt {
					*owner = doubtful{until: time.Now().Add(time.Millisecond), again: make(chan struct{})}
				}
				for i, a := range []Attempt{{Try: c.try, Owner: owner}, {Try: failing(0, nil)}} {
					within, stop := context.WithTimeout(t.Context(), time.Hour)
					a.For = new(Holder)
					if out := g.Make(within, a); i == 1 && out.Answer != Taken {
						t.Errorf("answer %d: it got no place", out.Answer)
					}
					stop()
				}
			})
		})
	}
}

// A partition is held since its first attempt that did not go well began, whatever became known first.
func TestAPartitionIsHeldSinceItsFirstAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, began := New(Config{}), time.Now()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, lasts := range []time.Duration{10 * time.Second, time.Second} { // the second one begins later, and fails first
			wg.Go(func() {
				g.Make(ctx, Attempt{For: &Holder{Topic: "in"}, Try: func(context.Context) error {
					time.Sleep(lasts)
					return noConnection
				}})
			})
			time.Sleep(time.Second)
		}
		for _, what := range []string{"overdue", "failed"} {
			time.Sleep(6 * time.Second)
			if held := g.Holds(); len(held) != 1 || !held[0].Since.Equal(began) {
				t.Errorf("the first is %s: %+v, want one hold since %s", what, held, began)
			}
		}
		stop()
		wg.Wait()
	})
}

func TestWhatIsNotSaidHasADefault(t *testing.T) {
	cfg := New(Config{}).cfg
	if cfg.ExhaustAttempts != 8 || cfg.ExhaustAfter != 2*time.Minute || cfg.Backoff != (Backoff{Initial: 200 * time.Millisecond, Max: 30 * time.Second}) {
		t.Errorf("%+v", cfg)
	}
}
