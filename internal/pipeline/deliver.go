package pipeline

import (
	"context"
	"fmt"
	"sync"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Destination is one place that every event goes to.
type Destination struct {
	Name        string // as logs, holds, metrics and letters name it; unique among the destinations
	To          Deliverer
	MaxInFlight int  // attempts at once, over all partitions; default: that of the Config. A Sender has no bound
	Adaptive    bool // below MaxInFlight, find how many attempts at once the destination bears: for what answers one by one
	Whole       bool // a record's events are delivered without another's between them: for people who read console and file

	Pace func(ctx context.Context) error // waits for the turn of one event, see outage.Config; nil: none waits
}

// outlet is a destination at work.
type outlet struct {
	Destination
	p        *Pipeline
	guard    *outage.Guard
	sendings sync.Pool     // of *sending, for a sender
	sender   Sender        // nil: one event after the other
	checker  Checker       // nil: it can't tell beforehand
	whole    chan struct{} // who has put something in delivers alone; nil: many do at once
}

func newOutlet(p *Pipeline, d Destination) *outlet {
	o := &outlet{Destination: d, p: p, sendings: sync.Pool{New: newSending}}
	o.sender, _ = d.To.(Sender)
	o.checker, _ = d.To.(Checker)
	if d.Whole {
		o.whole = make(chan struct{}, 1)
	}
	cfg := p.guard(d.Name)
	cfg.Pace, cfg.Write = d.Pace, d.To.Deliver
	if o.sender == nil {
		cfg.MaxInFlight, cfg.Adaptive = d.MaxInFlight, d.Adaptive
		if d.MaxInFlight <= 0 {
			cfg.MaxInFlight = p.MaxInFlight
		}
	}
	o.guard = outage.New(cfg)
	return o
}

// check asks the destinations that can tell, before the first event is sent to any, whether they would refuse one. It
// reports false only when it was stopped.
func (p *Pipeline) check(ctx context.Context, r *prepared, turn Turn) bool {
	for i, o := range p.outlets {
		if o.checker == nil || r.bad != nil || o.sure(r.runs) {
			continue
		}
		part, kind := "", openlineage.EventType("")
		out := o.guard.Make(ctx, outage.Attempt{For: &r.legs[i].at, While: r.legs[i].while, Asks: true, Ready: p.ready(turn), Try: func(ctx context.Context) error {
			for i := range r.runs {
				part = r.runs[i].Part
				for _, ev := range r.runs[i].Events {
					if err := o.checker.Check(ctx, ev); err != nil {
						kind = ev.Type
						return err
					}
				}
			}
			return nil
		}})
		if out.Answer == outage.Stopped {
			return false
		}
		if out.Fault != nil {
			r.bad, r.part = p.named(o, ofEvent(out.Fault, kind)), part
		}
	}
	return true
}

// sure reports whether the checker has nothing to check in a record.
func (o *outlet) sure(runs []openlineage.Run) bool {
	for i := range runs {
		for _, ev := range runs[i].Events {
			if !o.checker.Sure(ev) {
				return false
			}
		}
	}
	return true
}

// ready is what a record does before it waits in an outage. Where records pass, one that waits for those before it must not wait
// at the gate: it would take the turn of the very records that it waits for.
func (p *Pipeline) ready(turn Turn) func(context.Context) error {
	if p.senders == 0 {
		return nil // all before it are settled
	}
	return func(ctx context.Context) error {
		_, err := turn.First(ctx)
		return err
	}
}

// inTurn waits until all before the record are settled, also where it has nothing to deliver: a record behind it must not
// begin while one before it may be written again. It reports false only when it was stopped.
func (p *Pipeline) inTurn(ctx context.Context, turn Turn) bool {
	if p.senders == 0 {
		return true
	}
	_, err := turn.First(ctx)
	return err == nil
}

// deliver brings a record to every destination, side by side: one that is away does not keep the others waiting for this
// record. It reports false only when it was stopped.
func (p *Pipeline) deliver(ctx context.Context, r *prepared, turn Turn) bool {
	if r.bad != nil || noEvents(r.runs) {
		return p.inTurn(ctx, turn)
	}
	var arrived bool
	if len(p.outlets) == 1 { // the usual case needs no goroutine
		arrived = p.outlets[0].deliver(ctx, r, &r.legs[0], turn)
	} else {
		arrived = p.deliverAll(ctx, r, turn)
	}
	for i, o := range p.outlets {
		if l := &r.legs[i]; arrived && l.bad != nil && r.bad == nil {
			r.bad, r.part = p.named(o, l.bad), l.part
		}
	}
	return arrived
}

func (p *Pipeline) deliverAll(ctx context.Context, r *prepared, turn Turn) bool {
	var wg sync.WaitGroup
	stopped := make([]bool, len(p.outlets))
	for i, o := range p.outlets {
		wg.Go(func() { stopped[i] = !o.deliver(ctx, r, &r.legs[i], turn) })
	}
	wg.Wait()
	for _, s := range stopped {
		if s {
			return false
		}
	}
	return true
}

// ofEvent says in the fault's text which event was refused: a START that is refused is another fault than a FAIL.
func ofEvent(f *fault.Error, kind openlineage.EventType) *fault.Error {
	if f == nil || kind == "" || f.Kind == fault.Bug {
		return f
	}
	c := *f
	c.Err = fmt.Errorf("%s event: %w", kind, f)
	return &c
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

// deliver brings a record to this destination. It reports false only when it was stopped.
func (o *outlet) deliver(ctx context.Context, r *prepared, l *leg, turn Turn) bool {
	if o.sender != nil {
		return o.send(ctx, r, l, turn)
	}
	if !o.p.inTurn(ctx, turn) { // another destination lets the records behind this one begin; this one keeps no order
		return false
	}
	if o.whole != nil {
		select {
		case o.whole <- struct{}{}:
			defer func() { <-o.whole }()
		case <-ctx.Done():
			return false
		}
	}
	for i := range r.runs {
		if !o.deliverRun(ctx, l, &r.runs[i]) {
			return false
		}
	}
	return true
}

// deliverRun sends START, waits for its acknowledgement, and sends the terminal event. If the terminal event is refused, one
// without facets follows, so that no run stays RUNNING. A refused run does not keep the others back. It reports false only when it was stopped.
func (o *outlet) deliverRun(ctx context.Context, l *leg, run *openlineage.Run) bool {
	for i := range run.Events {
		out := o.write(ctx, l, run, i)
		if out.Answer == outage.Stopped {
			return false
		}
		if out.Fault == nil {
			continue
		}
		l.refuse(ofEvent(out.Fault, run.Events[i].Type), run.Part)
		if i > 0 && run.Minimal != nil {
			return o.end(ctx, l, run)
		}
		return true
	}
	return true
}

// write delivers one event of a run, however long the destination is away.
func (o *outlet) write(ctx context.Context, l *leg, run *openlineage.Run, i int) outage.Outcome {
	ev := &run.Events[i]
	out := o.guard.Make(ctx, outage.Attempt{For: &l.at, While: l.while, Owner: l.owner, Ends: i > 0, Event: ev, Minimal: run.Minimal, GoesOn: l.begun,
		Try: func(ctx context.Context) error {
			l.begun = true
			return o.To.Deliver(ctx, *ev)
		}})
	if out.Answer == outage.Taken {
		o.p.Observer.EventsDelivered(o.Name, 1, out.Took)
	}
	return out
}

// end writes the terminal event without facets of a run whose own was refused. Whether it is taken or refused: more cannot be done for
// that run. It reports false only when it was stopped.
func (o *outlet) end(ctx context.Context, l *leg, run *openlineage.Run) bool {
	var minimal openlineage.Event
	out := o.guard.Make(ctx, outage.Attempt{For: &l.at, While: l.while, Owner: l.owner, Ends: true, Event: &minimal, Minimal: run.Minimal, GoesOn: true, Try: func(ctx context.Context) error {
		minimal = run.Minimal()
		return o.To.Deliver(ctx, minimal)
	}})
	if out.Answer == outage.Taken {
		o.p.Observer.EventsDelivered(o.Name, 1, out.Took)
	}
	return out.Answer != outage.Stopped
}
