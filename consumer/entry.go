package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// entry is one record in hand, from its fetch until it is settled. Its partition's mu guards everything but of, which is set
// before others see it.
type entry struct {
	of       *partition
	rec      *kgo.Record // nil once it is settled
	offset   int64
	epoch    int32
	more     int64 // unread records that it also stands for; see Unread
	unread   bool
	bytes    int64 // counted in the window
	prepared Prepared

	joined    bool
	begun     bool
	passed    bool // those behind it may begin
	settled   bool
	rewritten bool          // it was written again after it had passed
	again     bool          // one before it was written again after this one had begun
	givenUp   bool          // one before it was given up: it comes again, and this one behind it
	waitFor   int           // places before it whose record has neither passed nor been settled
	unsettled int           // places before it whose record is not settled
	first     chan struct{} // closed when unsettled becomes 0; nil: nobody waits
	places    []place       // one a lane
	inline    [2]place      // places of the usual record, without an allocation
}

// place is where an entry stands in one lane.
type place struct {
	lane   uint64
	of     *entry
	behind *entry // who comes next in the lane; nil: nobody yet
}

var _ Turn = (*entry)(nil)

// join takes the entry's places at the ends of its lanes. The caller holds the partition's mu.
func (e *entry) join(lanes []uint64, tails map[uint64]*place) {
	e.joined = true
	e.places = e.inline[:0]
	if len(lanes) > len(e.inline) {
		e.places = make([]place, 0, len(lanes))
	}
	for _, lane := range lanes {
		tail := tails[lane]
		if tail != nil && tail.of == e {
			continue // the lane is named twice
		}
		e.places = append(e.places, place{lane: lane, of: e})
		tails[lane] = &e.places[len(e.places)-1]
		if tail == nil {
			continue
		}
		tail.behind = e
		e.unsettled++
		if !tail.of.passed {
			e.waitFor++
		}
	}
}

// pass lets those behind begin. The caller holds the partition's mu.
func (e *entry) pass(ready func(*entry)) {
	if e.passed {
		return
	}
	e.passed = true
	for i := range e.places {
		if b := e.places[i].behind; b != nil {
			if b.waitFor--; b.waitFor == 0 {
				ready(b)
			}
		}
	}
}

// leave gives the places up: the entry is settled. The caller holds the partition's mu.
func (e *entry) leave(tails map[uint64]*place, ready func(*entry)) {
	e.pass(ready)
	for i := range e.places {
		pl := &e.places[i]
		b := pl.behind
		if b == nil {
			delete(tails, pl.lane)
			continue
		}
		if b.begun && e.rewritten {
			b.again = true
		}
		if b.unsettled--; b.unsettled == 0 && b.first != nil {
			close(b.first)
			b.first = nil
		}
	}
	e.places = nil
}

// giveUp ends the waiting of those behind: the entry will not be settled here. The caller holds the partition's mu.
func (e *entry) giveUp() {
	for i := range e.places {
		b := e.places[i].behind
		if b == nil || b.givenUp {
			continue
		}
		b.givenUp = true
		if b.first != nil {
			close(b.first)
			b.first = nil
		}
	}
}

// errGivenUp ends the wait for a record that comes again.
var errGivenUp = errors.New("a record before it was given up")

// While is Turn's.
func (e *entry) While() context.Context { return e.of.while }

// Owned is Turn's.
func (e *entry) Owned(now time.Time) (until time.Time, again <-chan struct{}) {
	return e.of.engine.member.owned(now, e.of.life)
}

// Pass is Turn's.
func (e *entry) Pass() {
	p := e.of
	p.mu.Lock()
	e.pass(p.ready)
	p.begin()
	p.mu.Unlock()
}

// First is Turn's.
func (e *entry) First(ctx context.Context) (again bool, err error) {
	p := e.of
	p.mu.Lock()
	if e.unsettled > 0 && !e.givenUp {
		if e.first == nil {
			e.first = make(chan struct{})
		}
		first := e.first
		p.mu.Unlock()
		select {
		case <-first:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		p.mu.Lock()
	}
	again, givenUp := e.again, e.givenUp
	p.mu.Unlock()
	if givenUp {
		return false, errGivenUp
	}
	return again, nil
}

// Again is Turn's. again is answered by what is written now.
func (e *entry) Again() {
	e.of.mu.Lock()
	e.rewritten, e.again = true, false
	e.of.mu.Unlock()
}
