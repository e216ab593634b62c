package outage

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Hold is a partition that waits for a destination, and why.
type Hold struct {
	Topic       string
	Partition   int32
	Destination string // its name; dead_letters for the dead-letter topic
	Code        string // of the error: connection, http_503, …
	Reason      string // its text
	Since       time.Time
}

// Sort orders holds by topic, partition and destination.
func Sort(holds []Hold) {
	slices.SortFunc(holds, func(a, b Hold) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Destination, b.Destination))
	})
}

// holds are the partitions that wait at one destination.
type holds struct {
	mu sync.Mutex // guards all below, and the held that it points to
	by map[place]*held
}

type place struct {
	topic     string
	partition int32
}

// held is one partition's hold: it is released when the last of its records goes on.
type held struct {
	waiting int
	since   time.Time
	doubted int // of those who wait: for their owner, and not for the destination
	// Why a record waits that the destination does not take although it takes others; empty while all wait alike.
	code, reason string
}

// add notes that a record waits, since so long.
func (hs *holds) add(rec *Holder, since time.Time) {
	if rec.hold != nil {
		return
	}
	at := place{rec.Topic, rec.Partition}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.by[at]
	if h == nil {
		h = &held{since: since}
		hs.by[at] = h
	}
	if since.Before(h.since) {
		h.since = since
	}
	h.waiting++
	rec.hold = h
}

// explain says why the record waits although others do not.
func (hs *holds) explain(rec *Holder, code, reason string) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	rec.hold.code, rec.hold.reason = code, reason
}

// notOwned is the code of a hold while the records may be another process's.
const (
	notOwned     = "not_owned"
	notOwnedText = "another process may have the partition: the group has not answered; nothing is begun until it does (check the brokers of the input, and the log)"
)

// doubt notes that the record waits for its owner to be sure that it is this process's; the caller calls sure when that wait is over.
func (hs *holds) doubt(rec *Holder) (sure func()) {
	waited := rec.hold != nil
	hs.add(rec, time.Now())
	h := rec.hold
	hs.count(h, 1)
	return func() {
		hs.count(h, -1)
		if !waited {
			hs.release(rec)
		}
	}
}

func (hs *holds) count(h *held, more int) {
	hs.mu.Lock()
	h.doubted += more
	hs.mu.Unlock()
}

// release notes that the record goes on.
func (hs *holds) release(rec *Holder) {
	if rec.hold == nil {
		return
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if rec.hold.waiting--; rec.hold.waiting == 0 {
		delete(hs.by, place{rec.Topic, rec.Partition})
	}
	rec.hold = nil
}

// Holds lists the partitions that wait for this destination, in no order: those whose records wait, and those whose attempt has had no answer for so
// long that it is overdue.
func (g *Guard) Holds() []Hold {
	code, text, _ := g.gate.why()
	closed := g.gate.closed.Load()
	late := make(map[place]time.Time)
	g.under.overdue(time.Now().Add(-overdueAfter), func(at place, since time.Time) { late[at] = since })
	g.holds.mu.Lock()
	defer g.holds.mu.Unlock()
	out := make([]Hold, 0, len(g.holds.by)+len(late))
	for at, h := range g.holds.by {
		one := Hold{Topic: at.topic, Partition: at.partition, Destination: g.cfg.Name, Code: h.code, Reason: h.reason, Since: h.since}
		switch {
		case h.doubted > 0:
			one.Code, one.Reason = notOwned, notOwnedText
		case closed || h.code == "":
			one.Code, one.Reason = code, text
		}
		if since, ok := late[at]; ok && since.Before(one.Since) {
			one.Since = since
		}
		delete(late, at)
		out = append(out, one)
	}
	for at, since := range late {
		out = append(out, hangs(at, g.cfg.Name, since))
	}
	return out
}
