package main

import (
	"hash/fnv"
	"sync"
	"time"
)

// A run's two events. Every result of the input makes one run.
const (
	start    = 0
	terminal = 1
)

// sightings is what was seen of one event: how often it came, when first, and what the first one was.
type sightings struct {
	hash  uint64
	first uint32 // milliseconds since the journal's begin, plus one; 0: never
	count uint16
}

// journal judges deliveries in the order in which they came, and remembers of each event only what the checks need: a long
// run has a million. Where order shows at once, it is judged at once.
type journal struct {
	began time.Time
	keys  int // record i is of key i % keys

	mu      sync.Mutex // guards all below
	events  [][2]sightings
	again   map[[2]int][]uint32 // when an event of a record came again
	running []bool              // the last delivery of the run was its START
	newest  []int               // by key: the record whose START came last for the first time
	taken   int                 // deliveries
	faults  *findings
}

func newJournal(records, keys int) *journal {
	j := &journal{began: time.Now(), keys: keys, events: make([][2]sightings, records), running: make([]bool, records), again: map[[2]int][]uint32{},
		newest: make([]int, keys), faults: newFindings()}
	for k := range j.newest {
		j.newest[k] = -1
	}
	return j
}

// now is the journal's clock.
func (j *journal) now() uint32 { return j.at(time.Now()) }

func (j *journal) at(t time.Time) uint32 { return uint32(max(0, t.Sub(j.began).Milliseconds())) + 1 }

// add takes one delivery of an event of record i at the journal's time at.
func (j *journal) add(i, event int, body []byte, at uint32) {
	h := fnv.New64a()
	_, _ = h.Write(body) // never fails
	j.mu.Lock()
	defer j.mu.Unlock()
	if i < 0 || i >= len(j.events) {
		j.faults.add(unknown, "an event of record %d, which was never published", i)
		return
	}
	j.taken++
	s := &j.events[i][event]
	switch {
	case s.count == 0 && event == start:
		key := i % j.keys
		if j.newest[key] > i {
			j.faults.add(order, "record %d came after record %d of the same key", i, j.newest[key])
		}
		j.newest[key] = max(j.newest[key], i)
	case s.count == 0 && j.events[i][start].count == 0:
		j.faults.add(startFirst, "the terminal event of record %d came before its START", i)
	}
	if s.count == 0 {
		s.hash, s.first = h.Sum64(), at
	} else {
		if s.hash != h.Sum64() {
			j.faults.add(unequal, "a redelivery of record %d, event %d, is not what came first", i, event)
		}
		j.again[[2]int{i, event}] = append(j.again[[2]int{i, event}], at)
	}
	s.count++
	j.running[i] = event == start
}
