package main

import (
	"fmt"
	"slices"
)

// kind is what a record is made to become.
type kind byte

const (
	good        kind = iota
	undecodable      // no JSON: a letter, no event
	refused          // the backend refuses its events with 422: a letter, no event
	refused500       // likewise by Marquez's 500 with code 400
	refusedEnd       // the backend takes its START and refuses the terminal event with facets: a letter, and a run that is ended
	unclear          // the backend answers its events with 500 whenever they come: a letter after enough attempts
)

// code is the letter's code that a kind must end with; empty: no letter.
func (k kind) code() string {
	switch k {
	case undecodable:
		return "invalid_json"
	case refused, refusedEnd:
		return "http_422"
	case refused500:
		return "http_500_code_400"
	case unclear:
		return "http_500"
	}
	return ""
}

// events says which events a kind must have delivered.
func (k kind) events() [2]bool {
	d := k == good || k == refusedEnd
	return [2]bool{d, d}
}

// The kinds of violation.
const (
	lost       = "lost: an event never came"
	order      = "order: two records of one key came in the wrong order"
	startFirst = "start: a terminal event came before its START"
	unended    = "running: the last delivery of a run is its START"
	unequal    = "unequal: a redelivery differs from the first delivery"
	unwanted   = "unwanted: an event came that must not"
	unknown    = "unknown: an event or a letter of nothing that was published"
	noLetter   = "letter missing"
	badLetter  = "letter wrong: a record was buried that is not poison, or with another code"
	duplicates = "duplicates: more redeliveries than the disturbances explain"
	wentBack   = "late: a committed offset went back: a process committed over the work of the partition's new owner"
	badExit    = "exit: SIGTERM did not end a process with 0 within the grace"
	unsettled  = "unsettled: records were left when all faults had ended"
)

// findings are violations by kind, with a few witnesses each.
type findings struct {
	counts    map[string]int
	witnesses map[string][]string
}

func newFindings() *findings {
	return &findings{counts: map[string]int{}, witnesses: map[string][]string{}}
}

func (f *findings) add(kind, format string, args ...any) {
	f.counts[kind]++
	if len(f.witnesses[kind]) < 3 {
		f.witnesses[kind] = append(f.witnesses[kind], fmt.Sprintf(format, args...))
	}
}

// kinds are those that were found, sorted.
func (f *findings) kinds() []string {
	var out []string
	for k := range f.counts {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// letter is what was read of a dead letter.
type letter struct {
	record int // the record that its source position is of; -1: none
	code   string
	at     uint32 // when it was written
}

// sample is the group at a moment, by partition.
type sample struct {
	at        uint32
	committed []int64
	owners    []string // the client.id of who has it; nil while members join and leave, or where nobody was asked
}

// evidence is all that a run left behind.
type evidence struct {
	kinds        []kind
	partition    []int16 // of each record
	offset       []int32 // of each record
	letters      []letter
	written      map[int][]uint32 // when the letters of a record were written
	samples      []sample         // in the order of time
	disturbances []disturbance
	storedFaults int // answers that never came although the event was taken: each allows one redelivery
	failures     int // answers with a 500 that says nothing: after each, an event that was taken may be written again, as a witness
	inFlight     int // records of a partition that are delivered side by side
	toKafka      bool
	exactlyOnce  bool
}

// disturbance is something that ends a process or moves partitions.
type disturbance struct {
	what     string
	who      string // the client.id of the process that it ends
	from, to uint32 // the journal's times
	ended    uint32 // when that process delivered no more
}

// froze reports whether its process stood still, and was gone for its group, before it went on.
func (d disturbance) froze() bool { return d.what == freezeProcess || d.what == killThawed }

func (d disturbance) ofBroker() bool { return d.what == killBroker || d.what == restartBroker }

// tally is what the checks counted.
type tally struct {
	Redelivered, Bound, Letters, LetterCopies int
}

// check judges the evidence; what the journal found while events came is part of it.
func check(j *journal, e evidence) (*findings, tally) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.faults
	var t tally
	for i, k := range e.kinds {
		want := k.events()
		for event, s := range j.events[i] {
			switch {
			case want[event] && s.count == 0:
				f.add(lost, "record %d (%s), event %d", i, e.place(i), event)
			case !want[event] && s.count > 0:
				f.add(unwanted, "record %d (%s), event %d: it was to be refused", i, e.place(i), event)
			}
			t.Redelivered += max(0, int(s.count)-1)
		}
		if want[terminal] && j.running[i] {
			f.add(unended, "record %d (%s)", i, e.place(i))
		}
	}
	e.written = e.lettersByRecord()
	e.checkLetters(f, &t)
	e.checkCommits(f)
	if e.exactlyOnce {
		if t.Redelivered+t.LetterCopies > 0 {
			f.add(duplicates, "%d events and %d letters are there twice, want none", t.Redelivered, t.LetterCopies)
		}
		return f, t
	}
	t.Bound = e.bound(j) + e.storedFaults + min(e.failures, witnesses(j))
	if t.Redelivered+t.LetterCopies > allowance*t.Bound {
		f.add(duplicates, "%d redeliveries and %d copies of letters, the disturbances explain %d, and %d times that is allowed", t.Redelivered, t.LetterCopies, t.Bound, allowance)
	}
	return f, t
}

// allowance is how many times what the disturbances explain may come again. Commits, owners and deliveries are samples of a machine under load, so
// the explanation is as coarse as they are; an engine that settled by batches again would need many times this.
const allowance = 2

func (e evidence) place(i int) string {
	return fmt.Sprintf("partition %d, offset %d", e.partition[i], e.offset[i])
}

// lettersByRecord is when the letters of each record were written.
func (e evidence) lettersByRecord() map[int][]uint32 {
	written := make(map[int][]uint32)
	for _, l := range e.letters {
		written[l.record] = append(written[l.record], l.at)
	}
	return written
}

func (e evidence) checkLetters(f *findings, t *tally) {
	seen := make(map[int]int)
	for _, l := range e.letters {
		t.Letters++
		if l.record < 0 || l.record >= len(e.kinds) {
			f.add(unknown, "a letter of no record that was published")
			continue
		}
		if seen[l.record]++; seen[l.record] > 1 {
			t.LetterCopies++
		}
		if want := e.kinds[l.record].code(); l.code != want {
			f.add(badLetter, "record %d (%s): code %q, want %q", l.record, e.place(l.record), l.code, want)
		}
	}
	for i, k := range e.kinds {
		if k.code() != "" && seen[i] == 0 {
			f.add(noLetter, "record %d (%s), code %s", i, e.place(i), k.code())
		}
	}
}

// checkCommits finds commits of a process that has lost the partition: only they go back.
func (e evidence) checkCommits(f *findings) {
	for n := 1; n < len(e.samples); n++ {
		for p, now := range e.samples[n].committed {
			if was := e.samples[n-1].committed[p]; now < was {
				f.add(wentBack, "partition %d: from %d to %d, %d ms after the begin", p, was, now, e.samples[n].at)
			}
		}
	}
}
