package consumer

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// settled lets go of an entry, and moves the prefix. The caller holds mu.
func (p *partition) settled(e *entry) {
	e.leave(p.tails, p.ready)
	e.settled = true
	e.rec, e.prepared = nil, nil // only its offset is needed any more
	p.grow()
	p.progress.Store(time.Now().UnixNano())
	p.release(e.bytes)
	if p.empty != nil && p.head == len(p.order) {
		close(p.empty)
		p.empty = nil
	}
}

// grow moves the head over all that is settled. The caller holds mu.
func (p *partition) grow() {
	for p.head < len(p.order) && p.order[p.head].settled {
		last := p.order[p.head]
		p.prefix.Offset, p.prefix.LeaderEpoch = last.offset+last.more, last.epoch
		p.order[p.head] = nil
		p.head++
		p.unmarked = true
	}
	if p.head > 256 && p.head > len(p.order)/2 {
		n := copy(p.order, p.order[p.head:])
		clear(p.order[n:])
		p.order = p.order[:n]
		p.next -= p.head
		p.head = 0
	}
}

// mark tells the client how far the settled prefix goes; it commits that in its own time. Under mu, so that no mark can
// follow the end of the partition: the client would take a revoked partition in again, and carry its offset past the new owner's work.
func (p *partition) mark(client *kgo.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unmarked && !p.lost {
		client.MarkCommitRecords(&p.prefix)
		p.unmarked = false
	}
}
