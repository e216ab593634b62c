package pipeline

import (
	"cmp"
	"slices"
	"time"
)

// lettersName is what holds, metrics and logs call the dead letters, beside the destinations' names.
const lettersName = "dead_letters"

// Hold is a partition that waits for a destination, and why.
type Hold struct {
	Topic       string
	Partition   int32
	Destination string // its name; dead_letters for the dead-letter topic
	Code        string // of the error: connection, http_503, …
	Reason      string // its text
	Since       time.Time
}

type holdKey struct {
	topic       string
	partition   int32
	destination string
}

// held is one hold and who waits: the partition is released when the last of them goes on.
type held struct {
	Hold
	waiting map[*item]struct{}
}

// Held lists the partitions that wait, by topic, partition and destination.
func (p *Pipeline) Held() []Hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Hold, 0, len(p.holds))
	for _, h := range p.holds {
		out = append(out, h.Hold)
	}
	slices.SortFunc(out, func(a, b Hold) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Destination, b.Destination))
	})
	return out
}

// hold notes that the item waits for a destination; again with another reason, that the reason changed.
func (p *Pipeline) hold(it *item, destination, code, reason string) {
	key := holdKey{it.rec.Topic, it.rec.Partition, destination}
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.holds[key]
	if !ok {
		h = &held{waiting: make(map[*item]struct{}), Hold: Hold{Topic: key.topic, Partition: key.partition,
			Destination: destination, Since: time.Now()}}
		p.holds[key] = h
	}
	h.waiting[it] = struct{}{}
	if h.Code == code && h.Reason == reason {
		return
	}
	h.Code, h.Reason = code, reason
	p.Observer.Held(key.topic, key.partition, destination, code)
}

// release notes that the item goes on.
func (p *Pipeline) release(it *item, destination string) {
	key := holdKey{it.rec.Topic, it.rec.Partition, destination}
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.holds[key]
	if !ok {
		return
	}
	delete(h.waiting, it)
	if len(h.waiting) == 0 {
		delete(p.holds, key)
		p.Observer.Released(key.topic, key.partition, destination)
	}
}
