package pipeline

import (
	"context"
	"sync/atomic"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// passing counts the Senders that were not yet handed a record's events.
type passing struct{ unsent atomic.Int32 }

// sent notes that one more Sender has them. When all have, they keep the order, and the records behind this one begin.
func (p *passing) sent(turn Turn) {
	if p.unsent.Add(-1) == 0 {
		turn.Pass()
	}
}

// send brings a record to a destination that keeps order by itself: all events at once, and without waiting for the records before it.
// It goes on with what start has begun. It reports false only when it was stopped.
func (o *outlet) send(ctx context.Context, r *prepared, l *leg, turn Turn) bool {
	s := r.sending
	if s != nil {
		r.sending = nil
	} else {
		s = o.sending(r, turn)
	}
	defer s.release()
	out := s.make(ctx, l)
	if out.Answer == outage.Stopped {
		return false
	}
	again, err := turn.First(ctx)
	if err != nil {
		return false
	}
	// After a panic s is open: acknowledgements of what was handed over before it may come still, and would count for another attempt. The record is buried anyway.
	if again && !s.first && !s.open {
		// Something before it was written again after it: the last delivery of a lane must be its newest.
		s.first = true
		if out = s.make(ctx, l); out.Answer == outage.Stopped {
			return false
		}
	}
	return out.Fault == nil || s.refused(ctx, l, out)
}

// sending is the way of a record's events to a Sender. It is used again for another record, with its functions and acknowledgements, so
// that a record that goes well costs no allocation here.
type sending struct {
	sent
	o     *outlet
	r     *prepared
	turn  Turn
	tried bool // it was handed over before
	first bool // every record before it is settled, and no attempt was made before that

	begun  outage.Pass // of the attempt that start began, until make goes on with it
	going  bool        // that attempt is under way: it is not begun again, but gone on with
	failed error       // how it failed already: a panic

	try, ready func(context.Context) error // attempt and wait, as values
}

func newSending() any {
	s := &sending{sent: *newSent(nil, nil)}
	s.last = s.arrived
	s.try, s.ready = s.attempt, s.wait
	return s
}

// sending is the one for a record.
func (o *outlet) sending(r *prepared, turn Turn) *sending {
	s := o.sendings.Get().(*sending)
	s.to, s.runs, s.o, s.r, s.turn = o.sender, r.runs, o, r, turn
	return s
}

func (s *sending) release() {
	o := s.o
	if !s.clear() {
		return
	}
	s.o, s.r, s.turn, s.tried, s.first, s.begun, s.going, s.failed = nil, nil, nil, false, false, outage.Pass{}, false, nil
	o.sendings.Put(s)
}

// make makes attempts until the destination answers for good.
func (s *sending) make(ctx context.Context, l *leg) outage.Outcome {
	goesOn := s.tried && !s.going // what Start has begun is this attempt itself
	out := s.o.guard.Make(ctx, outage.Attempt{For: &l.at, While: l.while, Owner: l.owner, Begun: s.begun, GoesOn: goesOn, Try: s.try, Ready: s.ready})
	s.begun = outage.Pass{}
	l.begun = l.begun || s.tried
	if n := s.taken(); n > 0 && out.Answer != outage.Stopped {
		s.o.p.Observer.EventsDelivered(s.o.Name, n, out.Took)
	}
	return out
}

// wait is called before the record waits in an outage, and before it is handed over again: as the first of its lanes, so that what is
// behind it comes behind it again.
func (s *sending) wait(ctx context.Context) error {
	_, err := s.turn.First(ctx)
	s.first = err == nil
	return err
}

// attempt hands all events over and waits for what becomes of them. Of one that start has begun it does what is left to do.
func (s *sending) attempt(ctx context.Context) error {
	switch {
	case s.failed != nil:
		err := s.failed
		s.failed, s.going = nil, false
		return err
	case !s.going:
		if s.tried {
			s.turn.Again()
		}
		s.hand(ctx)
	case !s.tried:
		s.rest(ctx)
	}
	s.going = false
	if !s.tried {
		s.tried = true
		s.r.pass.sent(s.turn)
	}
	if s.open { // else start has seen all acknowledgements
		if err := s.acknowledged(ctx); err != nil {
			return err
		}
	}
	return s.worst()
}

// refused notes which runs were refused, and ends those whose terminal event was: a START was taken, and no run may stay RUNNING.
func (s *sending) refused(ctx context.Context, l *leg, out outage.Outcome) bool {
	var open []*openlineage.Run
	var bad *openlineage.Run // the run that was refused last
	s.each(func(run *openlineage.Run, i int, err error) {
		if err == nil || run == bad {
			return // a run is refused once, with its first event that is
		}
		bad = run
		f := out.Fault
		if out.Answer == outage.Refused {
			f = fault.Of(err)
		}
		l.refuse(ofEvent(f, run.Events[i].Type), run.Part)
		if i > 0 && run.Minimal != nil {
			open = append(open, run)
		}
	})
	if l.bad == nil {
		l.refuse(out.Fault, "") // a panic while they were handed over
	}
	for _, run := range open {
		s.turn.Again()
		if !s.o.end(ctx, l, run) {
			return false
		}
	}
	return true
}
