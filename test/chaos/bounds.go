package main

import (
	"cmp"
	"math"
	"slices"
)

const (
	// commitLag is how old a settled prefix may be and yet not be committed: it is marked every 100 ms and committed every 0.5 s, and as
	// long again for a busy machine, and for a commit that meets a rebalance and is made again with the next.
	commitLag = 2_000 // milliseconds
	// maxAhead is how many records of a partition may be settled beyond one that is not (consumer/partition.go).
	maxAhead = 2_000
	// inFlight is how many records of a partition are delivered side by side (input.max_in_flight). Toward Kafka more are, but they settle
	// within any grace while the brokers are there.
	inFlight = 64
	// answerLag is how long what a killed process has sent may be on its way.
	answerLag = 500 // milliseconds
	// settleTime is how long after a disturbance partitions may move: a session times out, a grace passes.
	settleTime = 10_000 // milliseconds
)

// bound is how many redeliveries the disturbances explain. Who is killed takes along what it has of its own partitions and has not
// committed; a partition that moves otherwise was revoked: what is in flight settles and is committed, or else comes again.
func (e evidence) bound(j *journal) (sum int) {
	b := bounds{evidence: e, journal: j, partitions: e.byPartition(), explained: make(map[[2]int]uint32)}
	for _, d := range slices.SortedFunc(slices.Values(e.disturbances), func(a, b disturbance) int { return cmp.Compare(a.from, b.from) }) {
		for id, all := range b.partitions {
			sum += b.explains(d, id, all)
		}
	}
	return sum
}

// bounds adds up what disturbances explain, in the order of time.
type bounds struct {
	evidence
	journal    *journal
	partitions map[int16][]int   // the records of each partition, in its order
	explained  map[[2]int]uint32 // by record and event: the last delivery that a disturbance has taken along. It comes again once for that
}

// explains is what a disturbance explains of a partition.
func (b *bounds) explains(d disturbance, id int16, all []int) int {
	moved, owned := b.moved(id, d), b.mayOwn(id, d)
	switch {
	case d.froze() && owned:
		return 2 * b.take(all, d) // once when it goes to another, once when this one goes on and has not heard of that yet
	case (d.what == killProcess || d.what == killInHang) && owned:
		return b.take(all, d)
	case d.ofBroker() && (moved || b.toKafka):
		return b.worst(all, d) // who can't reach the group's broker can't commit; toward Kafka what was written ahead of a retry is written again
	case !moved:
		return 0
	}
	return min(2*b.inFlight, b.worst(all, d))
}

// take is how much of a partition the end of its owner takes along.
func (b *bounds) take(all []int, d disturbance) (taken int) {
	for _, i := range b.open(all, d.from, d.ended) {
		for event := range 3 {
			if last := b.latest(i, event, d.ended+answerLag); last > b.explained[[2]int{i, event}] {
				b.explained[[2]int{i, event}] = last
				taken++
			}
		}
	}
	return taken
}

// byPartition is the records of each partition in its order.
func (e evidence) byPartition() map[int16][]int {
	p := make(map[int16][]int)
	for i, id := range e.partition {
		p[id] = append(p[id], i)
	}
	for _, all := range p {
		slices.SortFunc(all, func(a, b int) int { return cmp.Compare(e.offset[a], e.offset[b]) })
	}
	return p
}

// sampled is the last sample by then that fits; nil if there is none.
func (e evidence) sampled(at uint32, fits func(sample) bool) *sample {
	for n := len(e.samples) - 1; n >= 0; n-- {
		if e.samples[n].at <= at && fits(e.samples[n]) {
			return &e.samples[n]
		}
	}
	return nil
}

// ownersAt are who had each partition at a time. While members join and leave the group tells nothing, and each keeps what it had.
func (e evidence) ownersAt(at uint32) *sample {
	return e.sampled(at, func(s sample) bool { return s.owners != nil })
}

// mayOwn reports whether the process that a disturbance ends may have owned a partition: the last sample says so or says nothing, or the
// partition moves around that time, and who had it in between no sample tells.
func (e evidence) mayOwn(id int16, d disturbance) bool {
	s := e.ownersAt(d.from)
	return s == nil || s.owners[id] == d.who || s.owners[id] == "" || e.moved(id, d)
}

// moved reports whether a partition had another owner at any time around a disturbance.
func (e evidence) moved(id int16, d disturbance) bool {
	was := e.ownersAt(d.from)
	return was == nil || slices.ContainsFunc(e.samples, func(s sample) bool {
		return s.owners != nil && s.at > d.from && s.at <= d.to+settleTime && s.owners[id] != was.owners[id]
	})
}

// worst is the most that was open of a partition around a disturbance.
func (b *bounds) worst(all []int, d disturbance) (most int) {
	moments := []uint32{d.from}
	for _, s := range b.samples {
		if s.at > d.from && s.at <= d.to+settleTime {
			moments = append(moments, s.at)
		}
	}
	for _, at := range moments {
		n := 0
		for _, i := range b.open(all, at, at) {
			for event := range 3 {
				if b.latest(i, event, at+answerLag) > 0 {
					n++
				}
			}
		}
		most = max(most, n)
	}
	return most
}

// open are the records of a partition that were settled or in flight by then and need not have been committed: what was in flight, what
// was settled since the last commit, and what was settled behind a record that was not (an offset tells the end of a prefix, no more).
// What is known to be committed is not open. at and ended are the same time, but for a process whose end took a while.
func (b *bounds) open(all []int, at, ended uint32) (open []int) {
	committed := int64(0)
	if s := b.sampled(at, func(sample) bool { return true }); s != nil {
		committed = s.committed[b.partition[all[0]]]
	}
	due := b.due(at)
	var prefix uint32 // when all so far were settled
	ahead := 0
	for _, i := range all {
		settled := b.settled(i, ended)
		prefix = max(prefix, settled)
		if prefix <= due || int64(b.offset[i]) < committed {
			continue
		}
		if settled <= due {
			if ahead++; ahead > maxAhead {
				continue
			}
		}
		open = append(open, i)
	}
	return open
}

// due is when what was settled must have been committed at a time. Nobody commits while the group's broker is away, or while the group
// waits for a member that is stopped in the middle of a rebalance; and what was sent to a broker that hangs is settled when it goes on.
func (e evidence) due(at uint32) uint32 {
	due := at - min(at, commitLag)
	for _, d := range e.disturbances {
		if (d.ofBroker() || d.froze() || d.what == killInHang) && at >= d.from && at <= d.to+settleTime {
			due = min(due, d.from-min(d.from, commitLag))
		}
	}
	return due
}

// settled is when a record was settled for the last time by then: its events had come, its letter was written.
func (b *bounds) settled(i int, at uint32) (settled uint32) {
	wait := func(event int) {
		last := b.latest(i, event, at)
		if last == 0 {
			last = math.MaxUint32
		}
		settled = max(settled, last)
	}
	if b.kinds[i].events()[terminal] {
		wait(terminal)
	}
	if b.kinds[i].code() != "" {
		wait(itsLetter)
	}
	return settled
}

// itsLetter stands beside start and terminal for a record's letter.
const itsLetter = 2

// latest is when an event of a record, or its letter, came for the last time by then; 0: never.
func (b *bounds) latest(i, event int, at uint32) (last uint32) {
	times := b.written[i]
	if event != itsLetter {
		if first := b.journal.events[i][event].first; first <= at {
			last = first
		}
		if b.journal.events[i][event].count < 2 {
			return last // nearly all
		}
		times = b.journal.again[[2]int{i, event}]
	}
	for _, t := range times {
		if t <= at {
			last = max(last, t)
		}
	}
	return last
}

// witnessAge is how old the event may be that is written again to see whether the backend takes any: the last that was taken.
const witnessAge = 1_000 // milliseconds

// witnesses is how many terminal events came again so soon that no process can have ended in between.
func witnesses(j *journal) (n int) {
	for re, times := range j.again {
		if re[1] != terminal {
			continue
		}
		before := j.events[re[0]][terminal].first
		for _, at := range times {
			if at <= before+witnessAge {
				n++
			}
			before = at
		}
	}
	return n
}
