package outage

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lease"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// doubtful is an Owner that is sure until a time, and then not until another; zero: for ever.
type doubtful struct {
	until time.Time
	again chan struct{} // nil: sure
}

func (d *doubtful) Owned(now time.Time) (time.Time, <-chan struct{}) {
	if d.again == nil || now.Before(d.until) {
		return d.until, nil
	}
	select {
	case <-d.again:
		return time.Time{}, nil
	default:
		return now, d.again
	}
}

func TestWhatMayBeAnothersIsNotBegun(t *testing.T) {
	for name, c := range map[string]struct {
		ends, lost bool
		want       Answer
		after      time.Duration
	}{
		"it waits until there is no doubt":       {want: Taken, after: time.Minute},
		"the end of a run does not":              {ends: true, want: Taken},
		"what is lost is stopped":                {lost: true, want: Stopped, after: time.Second},
		"and the end of a run goes on till then": {ends: true, lost: true, want: Taken},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, owner := New(Config{}), &doubtful{again: make(chan struct{})}
				while, lost := context.WithCancel(t.Context())
				defer lost()
				if c.lost {
					time.AfterFunc(time.Second, lost)
				} else {
					time.AfterFunc(time.Minute, func() { close(owner.again) })
				}
				began := time.Now()
				out := g.Make(t.Context(), Attempt{For: &Holder{}, While: while, GoesOn: true, Owner: owner, Ends: c.ends, Try: failing(0, nil)})
				if took := time.Since(began); out.Answer != c.want || took != c.after {
					t.Errorf("answer %d after %s, want %d after %s", out.Answer, took, c.want, c.after)
				}
				time.Sleep(time.Minute) // for the timers
			})
		})
	}
}

// The process may stand still between the question and the write: whoever writes asks the lease.
func TestAnAttemptHasALeaseAsLongAsTheRecordIsOwned(t *testing.T) {
	until := time.Now().Add(time.Hour)
	for ends, want := range map[bool]time.Time{false: until, true: {}} {
		g := New(Config{})
		g.Make(t.Context(), Attempt{For: &Holder{}, Owner: &doubtful{until: until}, Ends: ends, Try: func(ctx context.Context) error {
			if got := lease.End(ctx); !got.Equal(want) {
				t.Errorf("the end of a run: %t: a lease until %s, want %s", ends, got, want)
			}
			return nil
		}})
	}
}

// What fails while the record may be another's tells nothing: the process stood still, and all its answers came too late.
func TestWhatFailsInDoubtIsNoOutage(t *testing.T) {
	unsent := fault.BackendError("connection", "%w", lease.ErrOver)
	for name, c := range map[string]struct {
		f    *fault.Error
		ends bool
	}{"no answer": {fault.BackendError("timeout", "no answer"), false}, "not begun in time": {unsent, false}, "nor an end that went with it": {unsent, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, h, owner := New(Config{}), &Holder{}, &doubtful{until: time.Now().Add(time.Minute), again: make(chan struct{})}
				n := 0
				out := g.Make(t.Context(), Attempt{For: h, Owner: owner, Ends: c.ends, Try: func(context.Context) error {
					if n++; n > 1 {
						return nil
					}
					if c.f != unsent {
						time.Sleep(time.Hour)
						time.AfterFunc(time.Second, func() { close(owner.again) })
					}
					return c.f
				}})
				if failed, _ := h.Attempts(); out.Answer != Taken || n != 2 || failed != 0 {
					t.Errorf("answer %d after %d attempts, %d counted as failed", out.Answer, n, failed)
				}
				if code, _, _ := g.gate.why(); code != "" {
					t.Errorf("it was an outage: %s", code)
				}
			})
		})
	}
}

// A process that stands still between two attempts has tried nothing in that time.
func TestTimeInDoubtExhaustsNothing(t *testing.T) {
	for name, ends := range map[string]bool{"found before an attempt": false, "found when the end of a run fails": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{ExhaustAttempts: 2, ExhaustAfter: time.Minute, Backoff: Backoff{Initial: time.Millisecond, Max: time.Millisecond},
					Write: func(context.Context, openlineage.Event) error { return nil }})
				owner := &doubtful{until: time.Now().Add(time.Minute), again: make(chan struct{})}
				n := 0
				out := g.Make(t.Context(), Attempt{For: &Holder{}, Owner: owner, Ends: ends, Minimal: func() openlineage.Event { return openlineage.Event{} },
					Ready: func(context.Context) error {
						if n == 3 {
							time.Sleep(time.Hour) // it stands still between two attempts
							time.AfterFunc(time.Second, func() { close(owner.again) })
						}
						return nil
					},
					Try: func(context.Context) error {
						if n++; n == 5 {
							return nil
						}
						return unclear()
					}})
				if out.Answer != Taken || n != 5 {
					t.Errorf("answer %d after %d attempts, want it taken by the fifth", out.Answer, n)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

func TestWhatMayBeAnothersIsNotStarted(t *testing.T) {
	g := New(Config{})
	if _, ok := g.Start(t.Context(), nil, &doubtful{again: make(chan struct{})}, &Holder{}); ok || g.under.first != nil {
		t.Error("it was started")
	}
	if _, ok := g.Start(t.Context(), nil, &doubtful{}, &Holder{}); !ok {
		t.Error("what is owned was not started")
	}
}

// The end of a run is tried in doubt too, but when it fails it waits like any other: nobody is asked again and again without a pause.
func TestAnEndThatFailsInDoubtWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h, owner, began := New(Config{}), &Holder{}, &doubtful{again: make(chan struct{})}, time.Now()
		out := g.Make(t.Context(), Attempt{For: h, Owner: owner, Ends: true, Try: failing(20, fault.BackendError("connection", "no"))})
		if n, _ := h.Attempts(); out.Answer != Taken || n != 20 || time.Since(began) < 10*time.Second {
			t.Errorf("answer %d after %d failures and %s", out.Answer, n, time.Since(began))
		}
	})
}

// Who waits for its owner is held for that; what it waited for before is not forgotten.
func TestAPartitionThatMayBeAnothersIsHeld(t *testing.T) {
	for name, c := range map[string]struct {
		failures     int
		doubt, after string // the code of its hold while it is in doubt, and while its attempt is under way behind that
	}{
		"a new record":              {0, "<not_owned>", ""},
		"one that failed before it": {1, "<not_owned>", "<http_503>"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, owner, n := New(Config{}), &doubtful{until: time.Now().Add(time.Minute), again: make(chan struct{})}, 0
				if c.failures == 0 {
					time.Sleep(time.Minute)
				}
				held := func(want string) {
					t.Helper()
					synctest.Wait()
					code := ""
					for _, h := range g.Holds() {
						code += "<" + h.Code + ">"
					}
					if code != want {
						t.Errorf("held with %q, want %q", code, want)
					}
				}
				ended := make(chan Outcome)
				go func() {
					ended <- g.Make(t.Context(), Attempt{For: &Holder{}, Owner: owner,
						Ready: func(context.Context) error { time.Sleep(time.Minute); return nil },
						Try: func(context.Context) error {
							if n++; n <= c.failures {
								return fault.BackendError("http_503", "no")
							}
							time.Sleep(time.Second)
							return nil
						}})
				}()
				time.Sleep(3 * time.Minute)
				held(c.doubt)
				close(owner.again)
				held(c.after)
				if out := <-ended; out.Answer != Taken {
					t.Errorf("answer %d", out.Answer)
				}
				held("")
			})
		})
	}
}
