package seen

import "github.com/gx-ol/gx-ol/schemas/openlineage"

// ring holds the last runs, in memory that is used again.
type ring struct {
	most int
	runs []record
	next int // where the next one goes, once the ring is full: the oldest stands there
}

// add takes a run in place of the oldest, and gives its place: there weight, columns and nulls are still those of the run that was there.
func (r *ring) add(run record) *record {
	if len(r.runs) < r.most {
		r.runs = append(r.runs, run)
		return &r.runs[len(r.runs)-1]
	}
	at := &r.runs[r.next]
	run.weight, run.columns, run.nulls = at.weight, at.columns, at.nulls
	*at = run
	r.next = (r.next + 1) % len(r.runs)
	return at
}

// back is the run behind so many newer ones; there are so many.
func (r *ring) back(newer int) *record {
	n := len(r.runs)
	return &r.runs[(r.next+n-1-newer)%n]
}

// oldest visits the runs, the oldest first.
func (r *ring) oldest(visit func(int, *record)) {
	for i := range r.runs {
		visit(i, &r.runs[(r.next+i)%len(r.runs)])
	}
}

// last is the latest run; there is one.
//
// It is the latest that checked the dataset; where none did, the latest: a run that evaluated nothing says nothing of its quality.
func (r *ring) last() *record {
	for newer := range r.runs {
		if one := r.back(newer); one.outcome != outcomeNone {
			return one
		}
	}
	return r.back(0)
}

// shrink lets the ring hold so many runs at most, and gives what those took that it forgets.
func (r *ring) shrink(most int) (bytes int) {
	kept := make([]record, 0, min(most, len(r.runs)))
	r.oldest(func(i int, run *record) {
		if len(r.runs)-i > most {
			bytes += run.weight
			return
		}
		kept = append(kept, *run)
	})
	r.most, r.runs, r.next = most, kept, 0
	return bytes
}

// bodies keeps the events of the latest runs that did not pass as they were delivered: by reference, so that keeping costs nothing.
type bodies struct {
	most, bytes int
	queue       []body // oldest first
	gone        int    // entries at the beginning of queue that are forgotten
}

type body struct {
	number uint64
	bytes  int
	events [2][]byte
}

func (b *bodies) add(number uint64, events []openlineage.Event) {
	one := body{number: number}
	n := 0
	for i := range events {
		if i < len(events)-2 {
			continue // START and the end are all there are
		}
		one.events[n] = events[i].Body
		one.bytes += len(events[i].Body)
		n++
	}
	if one.bytes > b.most/4 {
		return // one large event is not to push out all others
	}
	b.queue = append(b.queue, one)
	b.bytes += one.bytes
	for b.bytes > b.most {
		b.bytes -= b.queue[b.gone].bytes
		b.queue[b.gone] = body{}
		b.gone++
	}
	if b.gone > len(b.queue)/2 && b.gone > 64 {
		n := copy(b.queue, b.queue[b.gone:])
		clear(b.queue[n:])
		b.queue, b.gone = b.queue[:n], 0
	}
}

func (b *bodies) of(number uint64) (events [][]byte) {
	for i := range b.queue[b.gone:] {
		if one := &b.queue[b.gone+i]; one.number == number {
			for _, e := range one.events {
				if e != nil {
					events = append(events, e)
				}
			}
		}
	}
	return events
}
