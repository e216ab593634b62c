package outage

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// drive keeps so many clients busy for a while (of the test's own time) at a backend of so many workers that each need so long
// for an answer, and gives the limit that they ended with and the answers a second of the last half.
func drive(t *testing.T, clients, workers int, service, lasting time.Duration) (limit int, rate float64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(clients, true)
		ctx, cancel := context.WithTimeout(t.Context(), lasting)
		defer cancel()
		half := time.Now().Add(lasting / 2)
		busy := make(chan struct{}, workers)
		var mu sync.Mutex
		answers := 0
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for l.acquire(ctx, nil, false) == nil {
					began := time.Now()
					busy <- struct{}{}
					time.Sleep(service)
					<-busy
					l.release(time.Since(began))
					if mu.Lock(); time.Now().After(half) {
						answers++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		limit, rate = l.allowed(), float64(answers)/(lasting/2).Seconds()
	})
	return limit, rate
}

func TestTheLimitFindsWhatTheBackendBears(t *testing.T) {
	for name, c := range map[string]struct {
		workers     int
		service     time.Duration
		least, most int // of the limit
		lasting     time.Duration
		full        float64 // answers a second of the backend with all its workers, or all clients, busy
	}{
		"a gateway that takes all":  {1000, 5 * time.Millisecond, 64, 64, 4 * time.Second, 12_800},
		"Marquez on one core":       {1, 50 * time.Millisecond, minInFlight, 14, 3 * time.Minute, 20},
		"Marquez on four":           {4, 200 * time.Millisecond, minInFlight, 14, 3 * time.Minute, 20},
		"sixteen workers":           {16, 20 * time.Millisecond, 16, 44, 40 * time.Second, 800},
		"a quick one on one core":   {1, 100 * time.Microsecond, 64, 64, 4 * time.Second, 10_000},
		"two workers of 3 ms":       {2, 3 * time.Millisecond, minInFlight, 16, 40 * time.Second, 666},
		"a start":                   {1000, 5 * time.Millisecond, 64, 64, 200 * time.Millisecond, 12_000},
		"a slow one that takes all": {1000, 2 * time.Second, 64, 64, 10 * time.Minute, 32},
	} {
		t.Run(name, func(t *testing.T) {
			limit, rate := drive(t, 64, c.workers, c.service, c.lasting)
			if limit < c.least || limit > c.most {
				t.Errorf("the limit is %d, want %d to %d", limit, c.least, c.most)
			}
			if rate < 0.95*c.full {
				t.Errorf("%.0f answers a second, want nearly %.0f", rate, c.full)
			}
		})
	}
}

func TestAPlaceIsWaitedForInTurnAndGivenUpAtAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(1, true) // a fixed one: below the smallest that adapts
		if err := l.acquire(t.Context(), nil, false); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var order []string
		var wg sync.WaitGroup
		wait := func(ctx context.Context, name string) {
			wg.Go(func() {
				if err := l.acquire(ctx, nil, false); err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					return
				}
				order = append(order, name)
				l.release(time.Second)
			})
			synctest.Wait()
		}
		wait(t.Context(), "first")
		wait(ctx, "gone")
		wait(t.Context(), "second")
		cancel()
		synctest.Wait()
		l.release(0)
		wg.Wait()
		if len(order) != 2 || order[0] != "first" || order[1] != "second" {
			t.Errorf("places went to %v", order)
		}
		if l.inUse != 0 || len(l.waiting) != 0 {
			t.Errorf("%d in use, %d waiting at the end", l.inUse, len(l.waiting))
		}
	})
}

func TestAfterAnOutageTheLimitStartsLowAgain(t *testing.T) {
	l := newLimit(64, true)
	l.now = 64
	l.restart()
	if got := l.allowed(); got != minInFlight {
		t.Errorf("%d attempts at once after an outage, want %d", got, minInFlight)
	}
}

// A run whose START was taken is ended before another is begun: what waits to begin is not begun by a crash.
func TestWhatWasBegunGoesBeforeWhatWasNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(1, false)
		if err := l.acquire(t.Context(), nil, false); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		wait := func(name string, goesOn bool) {
			wg.Go(func() {
				if err := l.acquire(t.Context(), nil, goesOn); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				l.release(0)
			})
			synctest.Wait()
		}
		wait("begin 1", false)
		wait("end 1", true)
		wait("begin 2", false)
		wait("end 2", true)
		gone, leave := context.WithCancel(t.Context())
		wg.Go(func() { _ = l.acquire(gone, nil, true) })
		synctest.Wait()
		leave() // who leaves takes nobody's place along
		synctest.Wait()
		wait("end 3", true)
		l.release(0)
		wg.Wait()
		if got := strings.Join(order, ", "); got != "end 1, end 2, end 3, begin 1, begin 2" {
			t.Error(got)
		}
	})
}

// A place that is given to somebody who has just been stopped goes to the next one.
func TestAPlaceThatComesTooLateIsHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(1, false)
		if err := l.acquire(t.Context(), nil, false); err != nil {
			t.Fatal(err)
		}
		stopped, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, ctx := range []context.Context{stopped, t.Context()} {
			wg.Go(func() {
				if err := l.acquire(ctx, nil, false); err != nil {
					return
				}
				if ctx == stopped {
					t.Error("who was stopped got a place")
				}
				l.release(0)
			})
			synctest.Wait()
		}
		l.mu.Lock()
		stop() // acquire sees the stop, and waits for mu to give its turn up
		l.inUse--
		l.admit()
		l.mu.Unlock()
		wg.Wait()
		if l.inUse != 0 {
			t.Errorf("%d in use at the end", l.inUse)
		}
	})
}

// The limit grows only where all of it was used, whether or not somebody had to wait for a place.
func TestTheLimitGrowsWhereItIsUsed(t *testing.T) {
	for used, grows := range map[int]bool{minInFlight: true, minInFlight - 1: false} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimit(64, true)
			l.learning, l.now, l.base, l.again = false, minInFlight, time.Second, time.Now().Add(time.Hour)
			l.begin(0)
			for range windowAnswers/used + 1 {
				for range used {
					if err := l.acquire(t.Context(), nil, false); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Millisecond)
				for range used {
					l.release(time.Millisecond)
				}
			}
			if got := l.allowed() > minInFlight; got != grows {
				t.Errorf("%d of %d used: the limit is %d", used, minInFlight, l.allowed())
			}
		})
	}
}

// What failed tells nothing of how much the destination bears, however quickly.
func TestTheLimitLearnsOfAnswersOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(64, true)
		for range 100 * windowAnswers {
			if err := l.acquire(t.Context(), nil, false); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			l.release(0)
		}
		if !l.learning || len(l.answers) != 0 {
			t.Errorf("it has %d answers, and learns: %t", len(l.answers), l.learning)
		}
	})
}

// How long an answer takes without a crowd is learned again and again: a backend that has changed would else have the wrong limit for ever.
func TestTheLimitLearnsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(64, true)
		learned := 0
		for range 100 * windowAnswers {
			if err := l.acquire(t.Context(), nil, false); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			was := l.learning
			if l.release(time.Second); was && !l.learning {
				learned++
			}
		}
		if learned < 2 || l.base != time.Second {
			t.Errorf("it learned %d times in %s that an answer takes %s", learned, 100*windowAnswers*time.Second, l.base)
		}
	})
}
