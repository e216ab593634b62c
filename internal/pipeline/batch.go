package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// settleBatch settles items where at least one destination takes many events at once: all of them are prepared first,
// then each destination gets them in its own way, side by side, and then what was refused is buried.
func (p *Pipeline) settleBatch(ctx context.Context, items []*item) {
	p.inLanes(ctx, items, p.prepare)
	ready := items[:0:0]
	for _, it := range items {
		if !it.prepared {
			return // ctx ended
		}
		if it.bad == nil {
			ready = append(ready, it)
		}
	}
	var wg sync.WaitGroup
	single := false
	for _, o := range p.outlets {
		if o.batch == nil {
			single = true
			continue
		}
		wg.Go(func() { o.deliverBatch(ctx, ready) })
	}
	if single {
		p.inLanes(ctx, ready, p.deliverSingle)
	}
	wg.Wait()
	p.inLanes(ctx, items, func(ctx context.Context, it *item) bool {
		for i := range it.legs {
			if it.bad == nil && !it.legs[i].done {
				return false // ctx ended before it was delivered everywhere
			}
		}
		return p.finish(ctx, it)
	})
}

// deliverSingle brings an item to the destinations that take one event at a time.
func (p *Pipeline) deliverSingle(ctx context.Context, it *item) bool {
	for _, o := range p.outlets {
		if o.batch == nil && !o.deliver(ctx, it) {
			return false
		}
	}
	return true
}

// deliverBatch sends the events of all items at once and waits for them as a whole, so that a partition is not bound
// by one round trip a record. The destination keeps the order; what fails is sent again together with everything of
// the same key that followed it, so that the last delivery of a key is always its newest.
//
// When it returns, each item is delivered, or has its fault, or ctx ended and it is neither.
func (o *outlet) deliverBatch(ctx context.Context, pending []*item) {
	for len(pending) > 0 {
		first := pending[0]
		probe, err := o.gate.enter(ctx, func(code, text string) { o.p.hold(first, o.Name, code, text) })
		if err != nil {
			o.p.release(first, o.Name)
			return
		}
		now := pending
		if probe {
			now = pending[:1] // an outage is probed with one record
		}
		again, outcome := o.tryBatch(ctx, now)
		if ctx.Err() != nil {
			o.gate.leave(probe, nil, true)
			o.p.release(first, o.Name)
			return
		}
		o.gate.leave(probe, outcome, false)
		if outcome == nil {
			o.p.release(first, o.Name)
		}
		pending = append(again, pending[len(now):]...)
	}
}

// tryBatch makes one attempt and returns the items that need another, in order, with the fault that says why. When ctx
// ended, what the destination said means nothing, and the caller asks ctx.
func (o *outlet) tryBatch(ctx context.Context, items []*item) ([]*item, *fault.Error) {
	started := time.Now()
	errs := o.batch.DeliverAll(ctx, eventsOf(items))
	if ctx.Err() != nil {
		return items, nil //nolint:nilerr // the caller asks ctx itself
	}
	taken := 0
	for _, err := range errs {
		if err == nil {
			taken++
		}
	}
	if taken > 0 {
		o.p.Observer.EventsDelivered(o.Name, taken, time.Since(started))
	}

	var again []*item
	var outcome *fault.Error
	held := make(map[string]bool) // keys of which something is sent again
	for _, it := range items {
		l := &it.legs[o.index]
		backend := it.judge(l, &errs)
		if backend != nil {
			outcome = backend
			held[it.key] = true
			l.tries.attempts++
			if l.tries.first.IsZero() {
				l.tries.first = time.Now()
			}
		}
		if held[it.key] && l.bad == nil {
			again = append(again, it)
		} else {
			l.done = true
		}
	}
	return again, outcome
}

// eventsOf are the events of all items, in order.
func eventsOf(items []*item) []openlineage.Event {
	var events []openlineage.Event
	for _, it := range items {
		for _, run := range it.runs {
			events = append(events, run.Events...)
		}
	}
	return events
}

// judge takes the item's share of the errors. It remembers the message's own fault, and returns the backend's.
func (it *item) judge(l *leg, errs *[]error) *fault.Error {
	var backend, bad *fault.Error
	var part string
	var unfinished []openlineage.Event
	for _, run := range it.runs {
		for i := range run.Events {
			err := (*errs)[0]
			*errs = (*errs)[1:]
			if err == nil {
				continue
			}
			if f := fault.Of(err); f.Kind == fault.Backend {
				backend = f
				continue
			} else if bad == nil {
				bad, part = f, run.Part
			}
			if i > 0 && run.Minimal != nil {
				unfinished = append(unfinished, run.Minimal())
			}
		}
	}
	if backend == nil {
		l.bad, l.part, l.close = bad, part, unfinished
	}
	return backend
}
