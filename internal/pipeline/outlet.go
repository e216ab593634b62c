package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Destination is one place that every event goes to.
type Destination struct {
	Name        string // as logs, holds, metrics and letters name it; unique among the destinations
	To          Deliverer
	MaxInFlight int  // attempts at once, over all partitions; default: that of the Config
	Adaptive    bool // below MaxInFlight, find how many attempts at once the destination bears: for what answers one by one
}

// outlet is a destination at work: the gate before it, the attempts in flight, and what proves that it takes writes.
type outlet struct {
	Destination
	index   int // its place among the outlets, and its leg's in an item
	gate    *gate
	batch   BatchDeliverer // nil: one event at a time
	checker Checker        // nil: it can't tell beforehand
	limit   *limit         // of the attempts in flight
	p       *Pipeline

	mu   sync.Mutex         // guards last
	last *openlineage.Event // the last terminal event delivered, a harmless write to test the backend with
}

func newOutlet(p *Pipeline, index int, d Destination) *outlet {
	d.MaxInFlight = orDefault(d.MaxInFlight, p.MaxInFlight)
	o := &outlet{Destination: d, index: index, p: p, gate: newGate(d.Name, p.Backoff, p.Log)}
	o.batch, _ = d.To.(BatchDeliverer)
	o.checker, _ = d.To.(Checker)
	o.limit = newLimit(d.MaxInFlight, d.Adaptive)
	o.gate.ended = o.limit.restart
	return o
}

// enter waits until an attempt may pass the gate and has its place in flight. Who probes an outage needs no place: all
// of them may be held by attempts that hang. Neither does what does not write: its time would say nothing of the backend.
func (o *outlet) enter(ctx context.Context, it *item, writes bool) (pass, error) {
	for {
		probe, err := o.gate.enter(ctx, func(code, text string) { o.p.hold(it, o.Name, code, text) })
		if err != nil {
			return pass{}, err
		}
		if probe || !writes {
			return pass{probe: probe}, nil
		}
		if err := o.limit.acquire(ctx); err != nil {
			return pass{}, err
		}
		if !o.gate.closed() {
			return pass{limit: o.limit, began: time.Now()}, nil
		}
		o.limit.release(0) // an outage began while this one waited for its place: it takes its turn like the others
	}
}

// pass is the right to make one attempt, with a place in flight or without.
type pass struct {
	probe bool
	limit *limit // nil: it has no place
	began time.Time
}

// end gives the place back. answered says whether the destination took or refused the event: only such answers tell how
// much it bears.
func (p pass) end(answered bool) {
	if p.limit == nil {
		return
	}
	took := time.Since(p.began)
	if !answered {
		took = 0
	}
	p.limit.release(took)
}

// attempt tries until the destination answers for good. It returns the message's fault (or a bug) if there is one, and
// an error only when ctx ended. counts says that the attempt is a write: its success proves that the destination takes them.
func (o *outlet) attempt(ctx context.Context, it *item, run *openlineage.Run, try func() error, counts bool) (*fault.Error, error) {
	defer o.p.release(it, o.Name)
	for {
		pass, err := o.enter(ctx, it, counts)
		if err != nil {
			return nil, err
		}
		outcome, err := once(ctx, try)
		pass.end(err == nil && (outcome == nil || outcome.Kind == fault.Message))
		if err != nil {
			o.gate.leave(pass.probe, nil, true)
			return nil, err
		}
		if outcome == nil {
			o.gate.leave(pass.probe, nil, !counts)
			return nil, nil
		}
		if outcome.Kind != fault.Backend {
			o.gate.leave(pass.probe, outcome, false)
			return outcome, nil
		}
		if exhausted, err := o.failed(ctx, it, run, pass.probe, outcome); exhausted != nil || err != nil {
			return exhausted, err
		}
	}
}

// once makes one attempt. A panic in a destination is our bug, not the process's end.
func once(ctx context.Context, try func() error) (outcome *fault.Error, err error) {
	defer func() {
		if r := recover(); r != nil {
			outcome, err = panicked(r), nil
		}
	}()
	err = try()
	if err == nil {
		return nil, nil
	}
	if ctx.Err() != nil { // asked before blame: a stop is nobody's fault
		return nil, ctx.Err()
	}
	return fault.Of(err), nil
}

// failed takes a failed attempt. An outage closes the gate. A failure that others do not meet (an unclear answer while
// they succeed) only lets this record wait, and after enough of them over enough time it is exhausted.
func (o *outlet) failed(ctx context.Context, it *item, run *openlineage.Run, probe bool, outcome *fault.Error) (*fault.Error, error) {
	t := &it.legs[o.index].tries
	t.attempts++
	now := time.Now()
	if t.first.IsZero() {
		t.first, t.seen = now, o.gate.count()
		o.gate.leave(probe, outcome, false)
		return nil, nil
	}
	if outcome.Unclear && o.gate.count() == t.seen && o.gate.alone() && !o.testify(ctx, it, run) {
		c := *outcome
		c.Err = fmt.Errorf("%w (nothing else is there to deliver that could show whether it is the record's fault)", outcome)
		outcome = &c
	}
	successes := o.gate.count()
	if !outcome.Unclear || successes == t.seen {
		o.gate.leave(probe, outcome, false)
		return nil, nil
	}
	t.seen = successes
	t.witnessed++
	if t.from.IsZero() {
		t.from = now
	}
	if t.witnessed >= o.p.ExhaustAttempts && now.Sub(t.from) >= o.p.ExhaustAfter {
		c := *outcome
		c.Kind, c.Disposition = fault.Message, fault.Exhausted
		o.gate.leave(probe, &c, false)
		return &c, nil
	}
	// The destination took others: it is there, and only this record waits.
	o.gate.leave(probe, &fault.Error{Kind: fault.Message}, false)
	o.p.hold(it, o.Name, outcome.Code, "others are taken, this record is not: "+outcome.Error())
	return nil, sleep(ctx, max(o.ownPause(t.witnessed), outcome.RetryAfter))
}

// testify makes a write that is harmless when it repeats, to see whether the destination takes anything while nothing
// else is in hand: the last terminal event that this process delivered, else the failing run's own without facets, else a
// further record of another key, ahead of its turn. It reports whether there was one to make.
func (o *outlet) testify(ctx context.Context, it *item, run *openlineage.Run) bool {
	o.mu.Lock()
	witness := o.last
	o.mu.Unlock()
	if witness == nil && run != nil && run.Minimal != nil {
		minimal := run.Minimal()
		witness = &minimal
	}
	var events []openlineage.Event
	if witness != nil {
		events = []openlineage.Event{*witness}
	} else {
		events = o.further(it)
	}
	for _, ev := range events {
		if outcome, err := once(ctx, func() error { return o.To.Deliver(ctx, ev) }); err != nil || outcome != nil {
			return true
		}
		o.gate.leave(false, nil, false)
		if ev.Type.Terminal() {
			o.remember(ev)
		}
	}
	return len(events) > 0
}

// further are the events of the next record that waits on the item's partition, of a key of which nothing is in hand: sent ahead of its
// turn it overtakes nothing. When its turn comes it is delivered again.
func (o *outlet) further(it *item) (events []openlineage.Event) {
	if o.p.Next == nil {
		return nil
	}
	rec := o.p.Next(it.rec, func(rec *kgo.Record) bool {
		// Which key a record without one gets, only its events tell.
		return rec.Key != nil && it.lanes[string(rec.Key)] == nil
	})
	if rec == nil {
		return nil
	}
	next := o.p.newItem(rec)
	if o.p.decode(next); next.bad != nil {
		return nil
	}
	return eventsOf([]*item{next})
}

// remember keeps a delivered terminal event as a later witness.
func (o *outlet) remember(ev openlineage.Event) {
	o.mu.Lock()
	o.last = &ev
	o.mu.Unlock()
}

// ownPause is how long a record that fails alone waits: full jitter under a doubling bound.
func (o *outlet) ownPause(n int) time.Duration {
	bound := o.p.Backoff.Initial << min(n, 16)
	bound = min(bound, o.p.Backoff.Max)
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
