package main

import (
	"cmp"
	"math"
	"slices"
)

// judgedByPromise says which of two bounds redeliveries are judged by. The one by evidence allows what was delivered and not committed,
// as the process happened to commit it: it holds for whole batches that are settled at their end. The one by promise allows what a
// settled prefix leaves open that is committed every second, whatever the process did.
const judgedByPromise = true

// commitLag is the second between two commits, and one more in which a busy machine and the broker make it last.
const commitLag = 2_000 // milliseconds

// promised bounds the redeliveries by what docs/reliability.md promises: around each disturbance what was in flight, what was settled in
// the last second, and what was settled behind a record that was not (an offset tells the end of a prefix, no more).
func (e evidence) promised(j *journal) int {
	prefix := e.prefixes(e.settled(j))
	bound := 0
	for _, d := range e.disturbances {
		if d.what == killBroker || d.what == restartBroker {
			bound += e.openAround(j, d) // who can't reach the group's broker can't commit
			continue
		}
		worst := 0
		for _, at := range e.moments(d) {
			worst = max(worst, e.openAt(j, prefix, at))
		}
		bound += worst
		if d.what == freezeProcess {
			bound += worst // once when its partitions go to another, once when it goes on and has not heard of that yet
		}
	}
	return bound
}

// moments are the times at which a disturbance may have ended the work on a partition: at once for a kill, else at any time up to the
// end of a grace.
func (e evidence) moments(d disturbance) []uint32 {
	if d.what == killProcess {
		return []uint32{d.from}
	}
	at := []uint32{d.from, d.to}
	for _, s := range e.samples {
		if s.at > d.from && s.at < d.to+settleTime {
			at = append(at, s.at)
		}
	}
	return at
}

// settled is when each record was settled: its terminal event had come, its letter was written.
func (e evidence) settled(j *journal) []uint32 {
	letters := make(map[int]uint32)
	for _, l := range e.letters {
		if at, ok := letters[l.record]; !ok || l.at < at {
			letters[l.record] = l.at
		}
	}
	at := make([]uint32, len(e.kinds))
	for i, k := range e.kinds {
		if k.events()[terminal] {
			if at[i] = j.events[i][terminal].first; at[i] == 0 {
				at[i] = math.MaxUint32
			}
		}
		if k.code() != "" {
			letter, ok := letters[i]
			if !ok {
				letter = math.MaxUint32
			}
			at[i] = max(at[i], letter)
		}
	}
	return at
}

// prefixes is when each record and all before it in its partition were settled.
func (e evidence) prefixes(settled []uint32) []uint32 {
	order := make([]int, len(settled))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(e.partition[a], e.partition[b]), cmp.Compare(e.offset[a], e.offset[b]))
	})
	prefix := make([]uint32, len(settled))
	var last uint32
	for n, i := range order {
		if n > 0 && e.partition[order[n-1]] != e.partition[i] {
			last = 0
		}
		last = max(last, settled[i])
		prefix[i] = last
	}
	return prefix
}

// openAt is what was delivered by then and lies beyond what must have been committed.
func (e evidence) openAt(j *journal, prefix []uint32, at uint32) (open int) {
	for i, k := range e.kinds {
		if prefix[i] <= at-min(at, commitLag) {
			continue
		}
		for _, ev := range j.events[i] {
			if ev.first > 0 && ev.first <= at+answerLag {
				open++
			}
		}
		if k.code() != "" {
			open++ // its letter may be there
		}
	}
	return open
}

// answerLag is how long what a killed process has sent may be on its way.
const answerLag = 500 // milliseconds

// inFlight bounds the redeliveries that disturbances explain by evidence: what was delivered and not committed, at the worst moment
// around each of them.
func (e evidence) inFlight(j *journal) (bound int) {
	for _, d := range e.disturbances {
		bound += e.openAround(j, d)
		if d.what == freezeProcess {
			bound += e.openAround(j, d) // as in promised
		}
	}
	return bound
}

func (e evidence) openAround(j *journal, d disturbance) (worst int) {
	first, _ := slices.BinarySearchFunc(e.samples, d.from-min(d.from, before), func(s sample, at uint32) int { return cmp.Compare(s.at, at) })
	for n := first; n < len(e.samples) && e.samples[n].at <= d.to+settleTime; n++ {
		worst = max(worst, e.uncommitted(j, e.samples[n]))
	}
	return worst
}

// uncommitted is what was delivered and not committed at a sample.
func (e evidence) uncommitted(j *journal, s sample) (open int) {
	for i, k := range e.kinds {
		if int64(e.offset[i]) < s.committed[e.partition[i]] {
			continue
		}
		for _, ev := range j.events[i] {
			if ev.first > 0 && ev.first <= s.at {
				open++
			}
		}
		if k.code() != "" {
			open++ // its letter may be there
		}
	}
	return open
}
