package outage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// failing fails so many times, then succeeds.
func failing(times int, f *fault.Error) func(context.Context) error {
	return func(context.Context) error {
		if times--; times >= 0 {
			return f
		}
		return nil
	}
}

func unclear() *fault.Error {
	return &fault.Error{Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")}
}

func TestEachFaultHasItsAnswer(t *testing.T) {
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context //nolint:containedctx // one of the case's inputs
		try     func(context.Context) error
		never   bool // refuses
		answer  Answer
		code    string
		attempt int
	}{
		"taken":                     {t.Context(), failing(0, nil), false, Taken, "", 0},
		"refused":                   {t.Context(), failing(1, fault.MessageError(fault.Rejected, "http_422", "no")), false, Refused, "http_422", 0},
		"an error of nobody":        {t.Context(), func(context.Context) error { return errors.New("x") }, false, Refused, "bug", 0},
		"a panic":                   {t.Context(), func(context.Context) error { panic("x") }, false, Refused, "panic", 0},
		"away, then back":           {t.Context(), failing(3, fault.BackendError("connection", "no")), false, Taken, "", 3},
		"a letter refused":          {t.Context(), failing(3, fault.MessageError(fault.Rejected, "http_422", "no")), true, Taken, "", 3},
		"a letter that has a bug":   {t.Context(), failing(3, &fault.Error{Code: "bug"}), true, Taken, "", 3},
		"a stop before the attempt": {stopped, failing(0, nil), false, Stopped, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := New(Config{NeverRefuses: c.never, Backoff: Backoff{Initial: time.Millisecond, Max: time.Millisecond}})
			h := &Holder{Topic: "t"}
			out := g.Make(c.ctx, Attempt{For: h, Try: c.try})
			code := ""
			if out.Fault != nil {
				code = out.Fault.Code
			}
			if n, _ := h.Attempts(); out.Answer != c.answer || code != c.code || n != c.attempt {
				t.Errorf("answer %d, code %q, %d failed attempts; want %d, %q, %d", out.Answer, code, n, c.answer, c.code, c.attempt)
			}
			if holds := g.Holds(); len(holds) != 0 {
				t.Errorf("still held: %v", holds)
			}
		})
	}
}

// A backend that asks to be left alone for a while is left alone, whoever it said so to.
func TestRetryAfterIsKept(t *testing.T) {
	for name, alone := range map[string]bool{"to the one that closed the gate": true, "to one that was under way": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				throttled := &fault.Error{Kind: fault.Backend, Code: "http_429", RetryAfter: 90 * time.Second, Err: errors.New("answered 429")}
				g := New(Config{})
				began := time.Now()
				var wg sync.WaitGroup
				if !alone {
					wg.Go(func() {
						g.Make(t.Context(), Attempt{For: new(Holder), Try: failing(1, fault.BackendError("http_503", "answered 503"))})
					})
					synctest.Wait()
					p := pass{g: g}
					p.end(away, throttled)
				} else {
					wg.Go(func() { g.Make(t.Context(), Attempt{For: new(Holder), Try: failing(1, throttled)}) })
				}
				wg.Wait()
				if took := time.Since(began); took < 90*time.Second || took > 91*time.Second {
					t.Errorf("tried again after %s, want 90 s", took)
				}
			})
		})
	}
}

// What the answers showed before an outage says nothing of what comes back: the number of attempts at once is found anew, from few.
func TestAfterAnOutageFewAttemptsAreMadeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{MaxInFlight: 64, Adaptive: true})
		var mu sync.Mutex
		down, now, most := false, 0, 0
		slow := func(context.Context) error {
			mu.Lock()
			down := down
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(10 * time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			if down {
				return fault.BackendError("connection", "no connection")
			}
			return nil
		}
		drive := func(lasting time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), lasting)
			defer cancel()
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for g.Make(ctx, Attempt{For: new(Holder), Try: slow}).Answer != Stopped {
					}
				})
			}
			wg.Wait()
		}
		drive(time.Minute)
		if most < 60 {
			t.Fatalf("%d attempts at once before the outage: nothing is shown", most)
		}
		down = true
		drive(time.Minute)
		down, most = false, 0
		go func() {
			for g.gate.closed.Load() {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(50 * time.Millisecond) // shorter than a window of learning
			mu.Lock()
			defer mu.Unlock()
			if most > minInFlight+1 {
				t.Errorf("%d attempts at once after the outage, want at most %d", most, minInFlight+1)
			}
		}()
		drive(time.Minute)
	})
}

// In an outage one attempt at a time is made, in turn over all who wait: one bad record is not the only witness.
func TestAnOutageIsProbedInTurnByOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var mu sync.Mutex
		var order []int
		now := 0
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				g.Make(ctx, Attempt{For: &Holder{Topic: "t", Partition: int32(i)}, Try: func(context.Context) error {
					mu.Lock()
					order = append(order, i)
					now++
					if len(order) > 5 && now > 1 {
						t.Errorf("%d attempts at once in an outage", now)
					}
					mu.Unlock()
					time.Sleep(100 * time.Millisecond)
					mu.Lock()
					now--
					mu.Unlock()
					return fault.BackendError("connection", "no connection")
				}})
			})
			synctest.Wait()
		}
		wg.Wait()
		if len(order) < 15 {
			t.Fatalf("%d attempts in ten minutes", len(order))
		}
		for i := 5; i+5 < len(order); i++ {
			if order[i] != order[i+5] {
				t.Fatalf("attempts in the order %v", order)
			}
		}
	})
}

// A record that comes while an outage is probed waits for what the probe shows.
func TestNobodyPassesDuringAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{})
		slow := failing(3, fault.BackendError("connection", "no connection"))
		probing := make(chan struct{}, 10)
		var wg sync.WaitGroup
		wg.Go(func() {
			g.Make(t.Context(), Attempt{For: new(Holder), Try: func(ctx context.Context) error {
				probing <- struct{}{}
				time.Sleep(time.Minute)
				return slow(ctx)
			}})
		})
		<-probing
		<-probing
		began := time.Now()
		g.Make(t.Context(), Attempt{For: new(Holder), Try: failing(0, nil)})
		if took := time.Since(began); took < time.Minute {
			t.Errorf("passed after %s", took)
		}
		wg.Wait()
	})
}

// A record that must wait for others says so before it waits at the gate: it must not take the turn of the record that it waits for.
func TestARecordIsReadyBeforeItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{})
		var wg sync.WaitGroup
		settled := make(chan struct{})
		wg.Go(func() { // the record before it
			g.Make(t.Context(), Attempt{For: new(Holder), Try: failing(5, fault.BackendError("connection", "no connection"))})
			close(settled)
		})
		synctest.Wait()
		order := []string{}
		g.Make(t.Context(), Attempt{For: new(Holder),
			Ready: func(context.Context) error { <-settled; order = append(order, "ready"); return nil },
			Try: func(context.Context) error {
				if order = append(order, "try"); len(order) == 2 {
					return fault.BackendError("connection", "no connection")
				}
				return nil
			}})
		wg.Wait()
		// Once as the gate is closed, and again before it is tried again.
		if got := slices.Compact(order); !slices.Equal(got, []string{"ready", "try", "ready", "try"}) {
			t.Errorf("%v", order)
		}
		// Also where others are taken meanwhile, so that the gate is open.
		order = nil
		g.Make(t.Context(), Attempt{For: new(Holder),
			Ready: func(context.Context) error { order = append(order, "ready"); return nil },
			Try: func(context.Context) error {
				g.gate.leave(false, taken, nil)
				if order = append(order, "try"); len(order) < 6 {
					return unclear()
				}
				return nil
			}})
		if got := slices.Compact(order); !slices.Equal(got, []string{"try", "ready", "try", "ready", "try"}) {
			t.Errorf("%v", order)
		}
	})
}

// What succeeded before a record's first failure is no witness: it may all have been before the outage.
func TestASuccessBeforeAnOutageIsNoWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Write: func(context.Context, openlineage.Event) error { return unclear() }, Pace: func(context.Context) error { return nil }})
		event := openlineage.Event{Type: openlineage.Complete}
		for range 3 {
			if out := g.Make(t.Context(), Attempt{For: new(Holder), Event: &event, Try: failing(0, nil)}); out.Answer != Taken {
				t.Fatal(out)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		h := new(Holder)
		if out := g.Make(ctx, Attempt{For: h, Event: &event, Try: func(context.Context) error { return unclear() }}); out.Answer != Stopped {
			t.Errorf("answer %d after a day of outage, want none", out.Answer)
		}
		if h.tries.witnessed != 0 {
			t.Errorf("%d failures count as the record's own", h.tries.witnessed)
		}
	})
}

func TestAnOutageIsToldOnceAnError(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	g := newGate("marquez", Backoff{Initial: time.Nanosecond, Max: time.Nanosecond}, zap.New(core))
	connection := func(port int, rest string) *fault.Error {
		return fault.BackendError("connection", "posting event: read tcp 127.0.0.1:%d->127.0.0.1:5000: %s", port, rest)
	}
	for i, c := range []struct {
		shown result
		f     *fault.Error
		lines int // so far
	}{
		{taken, nil, 0},
		{away, connection(40001, "reset"), 1},
		{away, connection(40002, "reset"), 1}, // our own end's port is another each time
		{nothing, nil, 1},
		{away, connection(40003, "timeout"), 2},
		{away, fault.BackendError("http_503", "answered 503"), 3},
		{away, fault.BackendError("http_503", "read tcp [::1]:4->[::1]:5: reset"), 4},
		{away, fault.BackendError("http_503", "read tcp [::1]:6->[::1]:5: reset"), 4},
		{away, fault.BackendError("http_503", "busy since 12:00:01, request 7f3a9c"), 5},
		{away, fault.BackendError("http_503", "busy since 12:00:02, request 81b0d2"), 5}, // a clock and an id are
		{taken, nil, 6},
		{refused, nil, 6},
	} {
		if g.leave(true, c.shown, c.f); logs.Len() != c.lines {
			t.Errorf("%d: %d lines, want %d: %v", i, logs.Len(), c.lines, logs.All())
		}
	}
}

// A destination that mixes successes and failures is not told with each answer; an outage that follows is.
func TestABackendThatMixesItsAnswersIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		g := newGate("marquez", Backoff{Initial: time.Second, Max: time.Second}, zap.New(core))
		for range 100 {
			g.leave(false, away, unclear())
			time.Sleep(100 * time.Millisecond)
			g.leave(false, taken, nil)
		}
		if logs.Len() != 2 {
			t.Errorf("%d lines of a mix, want a start and an end", logs.Len())
		}
		g.leave(false, away, unclear())
		time.Sleep(2 * time.Second)
		if g.leave(true, away, unclear()); logs.Len() != 3 {
			t.Errorf("%d lines, want the outage that lasts to be told", logs.Len())
		}
		g.leave(true, taken, nil)
		time.Sleep(time.Minute)
		g.leave(false, away, unclear())
		if g.leave(true, taken, nil); logs.Len() != 6 {
			t.Errorf("%d lines, want the end, and another outage's start and end", logs.Len())
		}
	})
}

// While others go on, the hold says that it is this record alone which is not taken.
func TestAHoldOfOneRecordAloneSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Name: "marquez"})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		began := time.Now()
		wg.Go(func() {
			g.Make(ctx, Attempt{For: &Holder{Topic: "in", Partition: 1}, Try: func(context.Context) error { return unclear() }})
		})
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			if out := g.Make(ctx, Attempt{For: new(Holder), Try: failing(0, nil)}); out.Answer != Taken {
				t.Fatal(out)
			}
		}
		want := Hold{Topic: "in", Partition: 1, Destination: "marquez", Code: "http_500",
			Reason: "others are taken, this record is not: answered 500", Since: began}
		if got := g.Holds(); len(got) != 1 || got[0] != want {
			t.Errorf("held %+v, want %+v", got, want)
		}
		g.gate.leave(false, away, noConnection)
		if got := g.Holds(); len(got) != 1 || got[0].Code != noConnection.Code || got[0].Reason != noConnection.Error() {
			t.Errorf("in an outage held %+v, want it for that", got)
		}
		cancel()
		wg.Wait()
	})
}

// Ten thousand records that wait must not wake each other at each probe.
func TestManyWhoWaitCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{})
		back := time.Now().Add(time.Hour)
		var wg sync.WaitGroup
		for i := range 10_000 {
			wg.Go(func() {
				g.Make(t.Context(), Attempt{For: &Holder{Topic: "t", Partition: int32(i % 10)}, Try: func(context.Context) error {
					if time.Now().Before(back) {
						return fault.BackendError("connection", "no connection")
					}
					return nil
				}})
			})
		}
		synctest.Wait()
		if n := len(g.Holds()); n != 10 {
			t.Errorf("%d partitions held, want 10", n)
		}
		wg.Wait()
	})
}

// A transaction is an attempt that begins in one place and ends in another.
func TestATransactionProbesLikeAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Name: "kafka"})
		who := []*Holder{{Topic: "in", Partition: 1}, {Topic: "in", Partition: 2}}
		began := time.Now()
		for i, end := range []error{nil, context.Canceled, fault.BackendError("kafka", "no leader"), fault.BackendError("kafka", "no leader"), nil, nil,
			fault.BackendError("kafka", "no leader"), fault.MessageError(fault.Oversize, "oversize", "it is too large"), nil} {
			if i == 3 {
				go func() {
					time.Sleep(time.Nanosecond)
					if holds := g.Holds(); g.gate.closed.Load() && (len(holds) != 2 || holds[0].Code != "kafka") {
						t.Error(fmt.Sprint("held ", holds))
					}
				}()
			}
			p, err := g.Begin(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			if holds := g.Holds(); len(holds) != 0 {
				t.Errorf("%d: held while it goes on: %v", i, holds)
			}
			p.End(end)
			if closed := g.gate.closed.Load(); closed != (i == 2 || i == 3 || i == 6) {
				t.Errorf("%d: closed %v", i, closed)
			}
		}
		if time.Since(began) == 0 {
			t.Error("nothing was waited for")
		}
	})
}

func TestAnAttemptThatGoesWellAllocatesNothing(t *testing.T) {
	for name, g := range map[string]*Guard{"no bound": New(Config{}), "a bound": New(Config{MaxInFlight: 64})} {
		h, try := new(Holder), func(context.Context) error { return nil }
		if n := testing.AllocsPerRun(1000, func() { g.Make(t.Context(), Attempt{For: h, Try: try}) }); n > 0 {
			t.Errorf("%s: %.0f allocations", name, n)
		}
	}
}

func BenchmarkMake(b *testing.B) {
	g := New(Config{})
	h, try := new(Holder), func(context.Context) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		g.Make(b.Context(), Attempt{For: h, Try: try})
	}
}

// Who waits for the turn of a destination that is to get few events has no slow destination: nothing is held, and the limit is not lowered.
func TestTheWaitForATurnIsNoPartOfTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := make(chan struct{}, 1) // of a Mutex, synctest does not see that it waits
		g := New(Config{MaxInFlight: 64, Adaptive: true, Pace: func(context.Context) error {
			turn <- struct{}{}
			time.Sleep(200 * time.Millisecond)
			<-turn
			return nil
		}})
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				for range 5 {
					h := &Holder{Topic: "t", Partition: int32(i)}
					out := g.Make(t.Context(), Attempt{For: h, Try: func(context.Context) error { time.Sleep(5 * time.Millisecond); return nil }})
					if out.Answer != Taken || out.Took > 10*time.Millisecond {
						t.Errorf("%+v", out)
					}
				}
			})
		}
		time.Sleep(30 * time.Second)
		if holds := g.Holds(); len(holds) > 0 {
			t.Errorf("%d partitions are held, such as %+v", len(holds), holds[0])
		}
		all.Wait()
		if n := g.Limit(); n < startInFlight {
			t.Errorf("the limit is %d, want at least the %d that it began with", n, startInFlight)
		}
	})
}

func TestAStopDoesNotWaitForATurn(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	g := New(Config{MaxInFlight: 1, Pace: func(ctx context.Context) error { stop(); <-ctx.Done(); return ctx.Err() }})
	if out := g.Make(ctx, Attempt{For: &Holder{}, Try: func(context.Context) error { t.Error("it was made"); return nil }}); out.Answer != Stopped {
		t.Errorf("%+v", out)
	}
	g.cfg.Pace = nil
	if out := g.Make(t.Context(), Attempt{For: &Holder{}, Try: func(context.Context) error { return nil }}); out.Answer != Taken {
		t.Errorf("its place was not given back: %+v", out)
	}
}
