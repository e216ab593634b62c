package outage

import (
	"container/list"
	"context"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// gate stands before one destination. While the destination answers, everybody passes. While it does not, one attempt
// at a time passes, after a growing pause, in turn over all who wait: so that one bad record can't be the only witness
// against its backend. An outage is three log lines: its start, a change of its error, its end.
type gate struct {
	name string
	log  *zap.Logger

	closed    atomic.Bool   // written with mu held; read alone where an attempt begins or goes well
	successes atomic.Uint64 // writes that the destination took

	mu      sync.Mutex // guards all below
	code    string     // of the error that closed the gate
	text    string     // of that error
	same    string     // what of code and text tells one error from another
	since   time.Time
	until   time.Time // end of the outage before
	told    bool      // this outage is in the log
	pauses  *backoff.ExponentialBackOff
	next    time.Time // when the next attempt may pass
	probing bool      // an attempt is under way
	queue   list.List // of *ticket: who waits, in turn
	ended   func()    // called when an outage ends, with mu held; nil: nobody
}

func newGate(name string, cfg Backoff, log *zap.Logger) *gate {
	pauses := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(cfg.Initial),
		backoff.WithMaxInterval(cfg.Max),
		backoff.WithMultiplier(2),
		// Half the interval either way around half of it is full jitter: anything from zero to the bound.
		backoff.WithRandomizationFactor(1),
		backoff.WithMaxElapsedTime(0),
	)
	return &gate{name: name, log: log, pauses: pauses}
}

// ticket is a place in the queue.
type ticket struct {
	wake chan struct{} // has room for one: look again
	out  bool          // the gate opened, and the ticket is in the queue no more; guarded by the gate's mu
}

// wait waits at a closed gate until it opens (it may have closed again since), or until it is this one's turn to probe. Whoever probes calls leave once.
func (g *gate) wait(ctx context.Context) (probe bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed.Load() {
		return false, nil
	}
	t := &ticket{wake: make(chan struct{}, 1)}
	place := g.queue.PushBack(t)
	for !t.out {
		var timer *time.Timer
		var due <-chan time.Time
		if g.queue.Front() == place && !g.probing {
			pause := time.Until(g.next)
			if pause <= 0 {
				g.probing = true
				g.queue.Remove(place)
				return true, nil
			}
			timer = time.NewTimer(pause)
			due = timer.C
		}
		g.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-t.wake:
		case <-due:
		}
		if timer != nil {
			timer.Stop()
		}
		g.mu.Lock()
		if err := ctx.Err(); err != nil {
			g.queue.Remove(place)
			g.wakeFirst()
			return false, err
		}
	}
	return false, nil
}

// leave takes what an attempt showed; f is the fault of one that showed the destination to be away.
func (g *gate) leave(probe bool, shown result, f *fault.Error) {
	if shown == taken {
		g.successes.Add(1)
	}
	if !probe && shown != away && !g.closed.Load() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if probe {
		g.probing = false
	}
	switch shown {
	case taken, refused, apart:
		g.reopen()
	case away:
		g.close(probe, f)
	}
	if probe {
		g.wakeFirst()
	}
}

// reopen lets everybody pass again. The caller holds mu.
func (g *gate) reopen() {
	if !g.closed.Load() {
		return
	}
	g.closed.Store(false)
	g.pauses.Reset()
	g.until = time.Now()
	if g.told {
		g.told = false
		g.log.Info("outage ended", zap.String("of", g.name), zap.Duration("lasted", g.until.Sub(g.since).Round(time.Millisecond)))
	}
	for e := g.queue.Front(); e != nil; e = g.queue.Front() {
		t := g.queue.Remove(e).(*ticket)
		t.out = true
		t.look()
	}
	if g.ended != nil {
		g.ended()
	}
}

// close starts an outage, or prolongs it after a probe. The caller holds mu.
func (g *gate) close(probe bool, f *fault.Error) {
	same := f.Code + " " + changing.ReplaceAllString(f.Error(), "#")
	switch {
	case !g.closed.Load():
		g.closed.Store(true)
		g.since, g.next = time.Now(), time.Time{}
		if same != g.same || g.since.Sub(g.until) > calm {
			g.tell("outage: partitions hold until it ends; nothing is lost", f)
		}
	case !probe:
		// Attempts that were under way when the gate closed change nothing but the time that the destination asks for.
		g.notBefore(time.Now().Add(f.RetryAfter))
		return
	case !g.told && time.Since(g.since) > brief:
		g.tell("outage: partitions hold until it ends; nothing is lost", f)
	case g.told && same != g.same:
		g.tell("outage goes on with another error", f)
	}
	g.code, g.text, g.same = f.Code, f.Error(), same
	// The next pause is anything from zero to a bound that doubles.
	g.notBefore(time.Now().Add(max(g.pauses.NextBackOff()/2, f.RetryAfter)))
}

// A destination that takes some and fails on others opens and closes its gate with each answer. That is told like one outage: what
// follows within calm with the same error only if it is more than brief.
const (
	calm  = 10 * time.Second
	brief = time.Second
)

// tell writes the outage to the log. The caller holds mu.
func (g *gate) tell(what string, f *fault.Error) {
	g.told = true
	hint := zap.Skip()
	if f.Hint != "" {
		hint = zap.String("hint", f.Hint)
	}
	g.log.Warn(what, zap.String("of", g.name), zap.String("error", f.Error()), hint)
}

// changing finds what may differ from attempt to attempt in one error's text: whatever holds a digit, such as the port of our own end, a clock,
// the id of a request.
var changing = regexp.MustCompile(`\S*\d\S*`)

// notBefore lets no attempt pass before t. The caller holds mu.
func (g *gate) notBefore(t time.Time) {
	if t.After(g.next) {
		g.next = t
	}
}

// why is the error of the outage that is on, or was on last, and since when.
func (g *gate) why() (code, text string, since time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.code, g.text, g.since
}

// alone reports whether nobody else waits at a closed gate.
func (g *gate) alone() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queue.Len() == 0
}

// wakeFirst lets the first in the queue look again. The caller holds mu.
func (g *gate) wakeFirst() {
	if e := g.queue.Front(); e != nil {
		e.Value.(*ticket).look()
	}
}

// look lets the ticket's holder look again.
func (t *ticket) look() {
	select {
	case t.wake <- struct{}{}:
	default: // it was woken already
	}
}
