package pipeline

import (
	"context"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Started is the Turn of a record that Start may begin.
type Started = interface {
	Turn
	// Leads reports whether every record before this one in its lanes is settled, and none of them was written again after this one began: then First
	// would return at once.
	Leads() bool
	// Done says that the record is settled.
	Done()
	// GoOn says that Settle is to go on with the record.
	GoOn()
}

// TrySender is a Sender that need not wait for room.
type TrySender interface {
	Sender
	// TrySend is Send if that waits for nothing. Else it reports false, and has done nothing.
	TrySend(ctx context.Context, event openlineage.Event, done func(error)) bool
}

// Where a record is that may be started: whoever changes it from flying goes on with it.
const (
	grounded int32 = iota // it was not started
	flying                // its acknowledgements are waited for by nobody
	landed                // they are in
	caught                // Settle waits for them
)

// Starts reports whether Start may begin a record: where there is one destination, and it is a TrySender that takes every event.
func (p *Pipeline) Starts() bool {
	if len(p.outlets) != 1 || p.outlets[0].checker != nil {
		return false
	}
	_, ok := p.outlets[0].To.(TrySender)
	return ok
}

// Start begins to settle a prepared record if nothing has to be waited for, and reports whether it did. Then the events are handed over and
// the records behind it may begin; when the acknowledgements are in, turn.Done or turn.GoOn is called by whoever brings them, perhaps before
// Start returns. A record that was not started is for Settle. So a record that goes well, as nearly all do, needs no goroutine of its own.
func (p *Pipeline) Start(ctx context.Context, ready Prepared, turn Started) bool {
	r, o := ready.(*prepared), p.outlets[0]
	switch {
	case r.bad != nil || passesThrough(r.runs):
		return false
	case noEvents(r.runs):
		if !turn.Leads() {
			return false
		}
		p.settled(r)
		turn.Done()
		return true
	}
	r.begin(p, turn)
	l := &r.legs[0]
	pass, ok := o.guard.Start(ctx, l.while, turn, &l.at)
	if !ok {
		return false
	}
	s := o.sending(r, turn)
	s.begun, s.going = pass, true
	r.sending, r.turn = s, turn
	var all bool
	if all, s.failed = s.tryHand(ctx); !all {
		return false
	}
	s.tried = true
	r.pass.sent(turn)
	r.flight.Store(flying) // the last acknowledgement comes after handed
	s.handed()
	return true
}

// TakeBack lets Settle go on with a record that was started and is not acknowledged yet: there it can be stopped. It reports false of one that was not
// started, and where Done or GoOn was called, or is at once.
func (p *Pipeline) TakeBack(ready Prepared) bool {
	return ready.(*prepared).flight.CompareAndSwap(flying, caught)
}

// tryHand hands over what can be at once. A panic is our bug, and a failed attempt.
func (s *sending) tryHand(ctx context.Context) (all bool, err error) {
	defer fault.Recover(&err)
	to := s.to.(TrySender)
	s.begin()
	for i := range s.runs {
		for _, ev := range s.runs[i].Events {
			if !to.TrySend(ctx, ev, s.acks[s.next].done) {
				return false, nil
			}
			s.next++
		}
	}
	return true, nil
}

// arrived takes the last acknowledgement of an attempt: who waits for it is told; of a record that was started what is left to do is done.
func (s *sending) arrived() {
	r := s.r
	if !r.flight.CompareAndSwap(flying, landed) {
		s.came <- struct{}{}
		return
	}
	s.open = false
	if s.worst() != nil || !r.turn.Leads() {
		r.turn.GoOn()
		return
	}
	o := s.o
	o.p.Observer.EventsDelivered(o.Name, s.next, s.begun.Went(&r.legs[0].at))
	r.sending = nil
	s.release()
	o.p.settled(r)
	r.turn.Done()
}

// passesThrough reports whether there are events that were not made here. Who is told of the record may have to read those, and whoever brings
// acknowledgements has no time for that.
func passesThrough(runs []openlineage.Run) bool {
	for i := range runs {
		for j := range runs[i].Events {
			if runs[i].Events[j].PassThrough {
				return true
			}
		}
	}
	return false
}
