package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// settle prepares an item, delivers its events everywhere, or buries it, and reports whether it is settled: false only
// when ctx ended.
func (p *Pipeline) settle(ctx context.Context, it *item) bool {
	return p.prepare(ctx, it) && p.deliver(ctx, it) && p.finish(ctx, it)
}

// deliver brings an item to every destination that does not have it yet, side by side: one that is away does not keep
// the others waiting for this record. It reports false only when ctx ended.
func (p *Pipeline) deliver(ctx context.Context, it *item) bool {
	if it.bad != nil {
		return true
	}
	var due []*outlet
	for _, o := range p.outlets {
		if !it.legs[o.index].done {
			due = append(due, o)
		}
	}
	if len(due) == 1 { // the usual case needs no goroutine
		return due[0].deliver(ctx, it)
	}
	var wg sync.WaitGroup
	arrived := make([]bool, len(due))
	for i, o := range due {
		wg.Go(func() { arrived[i] = o.deliver(ctx, it) })
	}
	wg.Wait()
	for _, ok := range arrived {
		if !ok {
			return false
		}
	}
	return true
}

// finish ends the runs that a refused event left open, and buries what was refused.
func (p *Pipeline) finish(ctx context.Context, it *item) bool {
	for _, o := range p.outlets {
		l := &it.legs[o.index]
		for len(l.close) > 0 {
			// Whether it is taken or refused: more cannot be done for that run.
			if _, err := o.send(ctx, it, nil, l.close[0]); err != nil {
				return false
			}
			l.close = l.close[1:]
		}
		if it.bad == nil && l.bad != nil {
			it.bad, it.part = p.named(o, l.bad), l.part
		}
	}
	if it.bad != nil && !p.bury(ctx, it) {
		return false
	}
	it.settled = true
	it.runs = nil
	return true
}

// named says in the fault's text which of several destinations refused.
func (p *Pipeline) named(o *outlet, f *fault.Error) *fault.Error {
	if len(p.outlets) == 1 {
		return f
	}
	c := *f
	c.Err = fmt.Errorf("destination %s: %w", o.Name, f)
	return &c
}

// deliver sends the runs of a message one after another. A refused run does not keep the others back; it is named in
// the letter. It reports false only when ctx ended.
func (o *outlet) deliver(ctx context.Context, it *item) bool {
	l := &it.legs[o.index]
	var refused []string
	for i := range it.runs {
		bad, err := o.deliverRun(ctx, it, &it.runs[i])
		if err != nil {
			return false
		}
		if bad != nil {
			if l.bad == nil {
				l.bad = bad
			}
			refused = append(refused, it.runs[i].Part)
		}
	}
	l.part = strings.Join(refused, ",")
	l.done = true
	return true
}

// deliverRun sends START, waits for its acknowledgement, and sends the terminal event. If the terminal event is
// refused, one without facets follows, so that no run stays RUNNING.
func (o *outlet) deliverRun(ctx context.Context, it *item, run *openlineage.Run) (*fault.Error, error) {
	for i, ev := range run.Events {
		bad, err := o.send(ctx, it, run, ev)
		if err != nil {
			return nil, err
		}
		if bad == nil {
			continue
		}
		if i > 0 && run.Minimal != nil {
			if _, err := o.send(ctx, it, run, run.Minimal()); err != nil {
				return nil, err
			}
		}
		return bad, nil
	}
	return nil, nil
}

// send delivers one event, however long the destination is away.
func (o *outlet) send(ctx context.Context, it *item, run *openlineage.Run, ev openlineage.Event) (*fault.Error, error) {
	bad, err := o.attempt(ctx, it, run, func() error {
		started := time.Now()
		if err := o.To.Deliver(ctx, ev); err != nil {
			return err
		}
		o.p.Observer.EventsDelivered(o.Name, 1, time.Since(started))
		return nil
	}, true)
	if bad == nil && err == nil && ev.Type.Terminal() {
		o.remember(ev)
	}
	return bad, err
}
