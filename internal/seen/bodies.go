package seen

import "github.com/gx-ol/gx-ol/schemas/openlineage"

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
