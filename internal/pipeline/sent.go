package pipeline

import (
	"context"
	"sync/atomic"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// sent are the events of one record that a Sender was handed, and what became of them.
type sent struct {
	to   Sender
	runs []openlineage.Run
	acks []*ack        // one an event, in order; those beyond belong to larger records
	next int           // how many were handed over
	left atomic.Int32  // how many are not acknowledged, and one more until all are handed over
	last func()        // is told of the last acknowledgement, in the goroutine that it comes in
	came chan struct{} // has room for one: that it came, for who waits
	open bool          // some may still come

	told func(run *openlineage.Run, err error) // is told of each failure when it is known, even if nobody waits any more; nil: nobody
}

func newSent(to Sender, runs []openlineage.Run) *sent {
	s := &sent{to: to, runs: runs, came: make(chan struct{}, 1)}
	s.last = func() { s.came <- struct{}{} }
	return s
}

// ack is what became of one event.
type ack struct {
	err  error
	run  *openlineage.Run
	done func(error)
}

// begin makes the acknowledgements ready, before any event is handed over.
func (s *sent) begin() {
	n := 0
	for i := range s.runs {
		for range s.runs[i].Events {
			if n == len(s.acks) {
				s.acks = append(s.acks, s.newAck())
			}
			s.acks[n].run = &s.runs[i]
			n++
		}
	}
	s.open, s.next = true, 0
	s.left.Store(int32(n) + 1)
}

// hand hands over all events, without waiting for any.
func (s *sent) hand(ctx context.Context) {
	s.begin()
	s.rest(ctx)
}

// rest hands over all events that are not yet.
func (s *sent) rest(ctx context.Context) {
	n := 0
	for i := range s.runs {
		for _, ev := range s.runs[i].Events {
			if n == s.next {
				s.next++
				s.to.Send(ctx, ev, s.acks[n].done)
			}
			n++
		}
	}
	s.handed()
}

// handed notes that all events are handed over.
func (s *sent) handed() {
	if s.left.Add(-1) == 0 {
		s.last()
	}
}

func (s *sent) newAck() *ack {
	a := new(ack)
	a.done = func(err error) {
		if a.err = err; err != nil && s.told != nil {
			s.told(a.run, err)
		}
		if s.left.Add(-1) == 0 {
			s.last()
		}
	}
	return a
}

// acknowledged waits until it is known what became of each event. Its error is that of ctx.
func (s *sent) acknowledged(ctx context.Context) error {
	select {
	case <-s.came: // also when ctx has ended since
	default:
		select {
		case <-s.came:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.open = false
	return nil
}

// each tells what became of each event, which is the i-th of its run.
func (s *sent) each(tell func(run *openlineage.Run, i int, err error)) {
	n := 0
	for r := range s.runs {
		for i := range s.runs[r].Events {
			if s.open || n == len(s.acks) {
				return
			}
			tell(&s.runs[r], i, s.acks[n].err)
			n++
		}
	}
}

// taken is how many events were taken.
func (s *sent) taken() (n int) {
	s.each(func(_ *openlineage.Run, _ int, err error) {
		if err == nil {
			n++
		}
	})
	return n
}

// worst is the failure that decides: one of the backend before one of the message. nil if all were taken.
func (s *sent) worst() error {
	var worst error
	s.each(func(_ *openlineage.Run, _ int, err error) {
		if err == nil {
			return
		}
		if f := fault.Of(err); worst == nil || f.Kind == fault.Backend {
			worst = f
		}
	})
	return worst
}

// clear forgets the record, and reports whether s can be used for another: not while acknowledgements may come.
func (s *sent) clear() bool {
	if s.open {
		return false
	}
	s.to, s.runs = nil, nil
	for _, a := range s.acks {
		a.err, a.run = nil, nil
	}
	return true
}
