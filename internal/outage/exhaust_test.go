package outage

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// A process that is stopped, or whose machine is, finds an old answer when it goes on: what it did not try in that time it may not count.
func TestTimeInWhichNothingWasTriedExhaustsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{ExhaustAttempts: 2, ExhaustAfter: time.Minute, Backoff: Backoff{Initial: time.Millisecond, Max: time.Millisecond},
			Write: func(context.Context, openlineage.Event) error { return nil }})
		n := 0
		out := g.Make(t.Context(), Attempt{For: &Holder{Topic: "t"}, Minimal: func() openlineage.Event { return openlineage.Event{} },
			Try: func(context.Context) error {
				if n++; n == 4 {
					return nil
				}
				if n == 3 {
					time.Sleep(time.Hour)
				}
				return unclear()
			}})
		if out.Answer != Taken || n != 4 {
			t.Errorf("answer %d after %d attempts, want it taken by the fourth", out.Answer, n)
		}
	})
}

// An outage in the midst of what a record fails alone is no time in which others were taken: it had failed as the outage began, and fails a few times more behind it.
func TestTheTimeOfAnOutageExhaustsNothing(t *testing.T) {
	for name, asks := range map[string]time.Duration{"it is tried in it": 0, "it waits for its end": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{ExhaustAttempts: 3, ExhaustAfter: time.Minute, Backoff: Backoff{Initial: time.Millisecond, Max: time.Second}})
				began, n := time.Now(), 0
				out := g.Make(t.Context(), Attempt{For: new(Holder), Try: func(context.Context) error {
					if n > 1 && time.Since(began) < time.Hour {
						return unclear() // in the outage: nobody is taken
					}
					if n++; n == 8 {
						return nil
					}
					g.gate.leave(false, taken, nil) // another one is taken
					if n == 2 {
						f := fault.BackendError("http_503", "away")
						f.RetryAfter = asks
						g.gate.leave(false, away, f) // and the next is not
					}
					return unclear()
				}})
				if out.Answer != Taken || n != 8 || time.Since(began) < time.Hour {
					t.Errorf("answer %d after %d attempts outside of the outage and %s, want it taken by the eighth", out.Answer, n, time.Since(began))
				}
			})
		})
	}
}

// What fails alone is exhausted all the same, when it has been tried for as long as it takes.
func TestARecordThatFailsAloneForLongEnoughIsExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{ExhaustAttempts: 8, ExhaustAfter: 2 * time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		out := g.Make(ctx, Attempt{For: new(Holder), Try: func(context.Context) error {
			g.gate.leave(false, taken, nil)
			return unclear()
		}})
		if took := time.Since(began); out.Answer != Exhausted || took < 2*time.Minute || took > 4*time.Minute {
			t.Errorf("answer %d after %s", out.Answer, took)
		}
	})
}

// However long its pauses are, a record has so many attempts: the first failure has no witness.
func TestARecordHasAllItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{ExhaustAttempts: 5, ExhaustAfter: time.Millisecond})
		n := 0
		out := g.Make(t.Context(), Attempt{For: new(Holder), Try: func(context.Context) error {
			n++
			g.gate.leave(false, taken, nil)
			return unclear()
		}})
		if out.Answer != Exhausted || n != 6 {
			t.Errorf("answer %d after %d attempts, want it exhausted by the sixth", out.Answer, n)
		}
	})
}

// Only what may be the record's own fault counts against it: one whose destination is plainly away is never blamed, whoever is taken meanwhile.
func TestWhatIsPlainlyAnOutageExhaustsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h, n := New(Config{ExhaustAttempts: 2, ExhaustAfter: time.Millisecond}), new(Holder), 0
		out := g.Make(t.Context(), Attempt{For: h, Try: func(context.Context) error {
			if n++; n > 100 {
				return nil
			}
			g.gate.leave(false, taken, nil) // another one is taken
			return noConnection
		}})
		if out.Answer != Taken || h.tries.witnessed != 0 {
			t.Errorf("answer %d, %d failures count as the record's own", out.Answer, h.tries.witnessed)
		}
	})
}
