package outage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lease"
)

// tries counts a record's failed attempts at one destination.
type tries struct {
	attempts  int           // all of them
	first     time.Time     // the first failed attempt
	witnessed int           // those since whose predecessor another record succeeded
	waited    time.Duration // the pauses after those
	seen      uint64        // successes at the destination when the last attempt failed
}

// failed takes an attempt that failed, and ends its pass. An outage closes the gate. A failure that others do not meet (an unclear
// answer while they succeed) only lets this record wait, and after enough of them over enough time it is exhausted. again says that
// another attempt is due.
func (g *Guard) failed(ctx context.Context, a *Attempt, p pass, f *fault.Error) (out Outcome, again bool) {
	t := &a.For.tries
	now := time.Now()
	unsent := errors.Is(f, lease.ErrOver)
	if _, again := a.owned(now); unsent || again != nil && !a.Ends {
		p.end(nothing, nil)
		return Outcome{}, true
	}
	t.attempts++
	first := t.first.IsZero()
	if first {
		// What succeeded before is no witness: it may all have been before the outage.
		t.first, t.seen = now, g.gate.successes.Load()
	}
	g.holds.add(a.For, p.began)
	unclear := f.Unclear && !g.cfg.NeverRefuses
	if unclear && !first && g.gate.successes.Load() == t.seen && g.gate.alone() && !g.witness(ctx, a) {
		c := *f
		c.Err = fmt.Errorf("%w (nothing else is there to deliver that could show whether it is the record's fault)", f)
		f = &c
	}
	successes := g.gate.successes.Load()
	if !unclear || first || successes == t.seen {
		p.end(away, f)
		return Outcome{}, true
	}
	t.seen = successes
	t.witnessed++
	p.end(apart, nil)
	// Its own pauses count, and not what the clock says: of an outage in between, or a time in which this process stood still, there is nothing to blame on the record.
	if t.witnessed >= g.cfg.ExhaustAttempts && t.waited >= g.cfg.ExhaustAfter {
		c := *f
		c.Kind, c.Disposition = fault.Message, fault.Exhausted
		return Outcome{Answer: Exhausted, Fault: &c}, false
	}
	g.holds.explain(a.For, f.Code, "others are taken, this record is not: "+f.Error())
	waiting, free := until(ctx, a.While)
	defer free()
	pause := max(g.ownPause(t.witnessed), f.RetryAfter)
	if sleep(waiting, pause) != nil {
		return Outcome{Answer: Stopped}, false
	}
	t.waited += pause
	return Outcome{}, true
}

// witness makes a write that is harmless when it repeats, to see whether the destination takes anything while nothing else is in
// hand: the last terminal event that it took, else the failing run's own without facets. It reports whether there was one to make.
func (g *Guard) witness(ctx context.Context, a *Attempt) bool {
	ev := g.last.Load()
	if g.cfg.Write == nil || ev == nil && a.Minimal == nil || over(ctx, a.While) != nil {
		return false
	}
	shown, _ := once(ctx, func(ctx context.Context) error {
		if g.cfg.Pace != nil {
			if err := g.cfg.Pace(ctx); err != nil {
				return err
			}
		}
		if ev == nil {
			minimal := a.Minimal()
			ev = &minimal
		}
		return g.cfg.Write(ctx, *ev)
	})
	if shown == taken {
		g.gate.leave(false, taken, nil)
		g.last.Store(ev)
	}
	return true
}

// ownPause is how long a record that fails alone waits: full jitter under a doubling bound.
func (g *Guard) ownPause(n int) time.Duration {
	bound := min(g.cfg.Backoff.Initial<<min(n, 16), g.cfg.Backoff.Max)
	return rand.N(bound) + time.Millisecond
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
