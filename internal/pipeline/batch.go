package pipeline

import (
	"context"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// deliverBatch sends the events of all items at once and waits for them as a whole, so that a partition is not bound
// by one round trip a record. The destination keeps the order; what fails is sent again together with everything of
// the same key that followed it, so that the last delivery of a key is always its newest.
//
// When it returns, each item is delivered, or has its fault, or ctx ended and it is neither.
func (p *Pipeline) deliverBatch(ctx context.Context, to BatchDeliverer, items []*item) {
	pending := make([]*item, 0, len(items))
	for _, it := range items {
		if it.bad == nil {
			pending = append(pending, it)
		}
	}
	for len(pending) > 0 {
		at := place{pending[0].rec.Topic, pending[0].rec.Partition}
		probe, err := p.backend.enter(ctx, func(reason string) { p.hold(at, reason) })
		if err != nil {
			return
		}
		now := pending
		if probe {
			now = pending[:1] // an outage is probed with one record
		}
		again, outcome := p.tryBatch(ctx, to, now)
		if ctx.Err() != nil {
			p.backend.leave(probe, nil, true)
			return
		}
		p.backend.leave(probe, outcome, false)
		if outcome == nil {
			p.release(at)
		}
		pending = append(again, pending[len(now):]...)
	}
}

// tryBatch makes one attempt and returns the items that need another, in order, with the fault that says why. When ctx
// ended, what the destination said means nothing, and the caller asks ctx.
func (p *Pipeline) tryBatch(ctx context.Context, to BatchDeliverer, items []*item) ([]*item, *fault.Error) {
	var events []openlineage.Event
	for _, it := range items {
		for _, run := range it.runs {
			events = append(events, run.Events...)
		}
	}
	started := time.Now()
	errs := to.DeliverAll(ctx, events)
	if ctx.Err() != nil {
		return items, nil //nolint:nilerr // the caller asks ctx itself
	}
	taken := 0
	for _, err := range errs {
		if err == nil {
			taken++
		}
	}
	p.Observer.EventsDelivered(taken, time.Since(started))

	var again []*item
	var outcome *fault.Error
	held := make(map[string]bool) // keys of which something is sent again
	for _, it := range items {
		backend := it.judge(&errs)
		if backend != nil {
			outcome = backend
			held[it.key] = true
			it.tries.attempts++
			if it.tries.first.IsZero() {
				it.tries.first = time.Now()
			}
		}
		switch {
		case held[it.key] && it.bad == nil:
			again = append(again, it)
		default:
			it.done = true
		}
	}
	return again, outcome
}

// judge takes the item's share of the errors. It remembers the message's own fault, and returns the backend's.
func (it *item) judge(errs *[]error) *fault.Error {
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
				unfinished = append(unfinished, *run.Minimal)
			}
		}
	}
	if backend == nil {
		it.bad, it.part, it.close = bad, part, unfinished
	}
	return backend
}
