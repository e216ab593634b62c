package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxAhead is how far, in records, a partition may settle beyond its first record that is not settled: what is settled there
// is not committed, and comes again after a crash.
const maxAhead = 2_000

// partition is what this member has in hand of one partition: its records in order, their lanes, and the settled prefix,
// which alone may be committed.
type partition struct {
	topic  string
	id     int32
	engine *engine
	ctx    context.Context //nolint:containedctx // the partition's own life: it ends when its grace is over, or it is lost
	cancel context.CancelFunc
	while  context.Context    //nolint:containedctx // within ctx: it ends when nothing more is to begin
	enough context.CancelFunc // ends while
	life   int64              // of the membership, see there

	bytes    atomic.Int64 // in hand
	progress atomic.Int64 // when it was last taken up or settled something, Unix nanoseconds
	paused   atomic.Bool  // its fetching pauses: it is held, and has more than its share of the window

	mu       sync.Mutex // guards all below
	order    []*entry   // from the first that is not settled on; nil before head
	head     int        // index of that first one
	next     int        // index of the first that has not joined its lanes
	tails    map[uint64]*place
	waiting  []*entry    // ready to begin, in turn
	starting bool        // a goroutine starts them, …
	soon     *time.Timer // … or will; nil: none will
	inFlight int
	closed   bool          // begins nothing more
	lost     bool          // another member owns it: nothing is marked any more
	idle     chan struct{} // closed: closed, and nothing in flight
	empty    chan struct{} // closed when all that was added is settled; nil: nobody waits
	prefix   kgo.Record    // topic, partition, offset and epoch of the last record of the settled prefix
	unmarked bool          // prefix has grown since it was marked
}

func newPartition(eng *engine, topic string, id int32) *partition {
	p := &partition{topic: topic, id: id, engine: eng, life: eng.member.lifeNow(), tails: make(map[uint64]*place), idle: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.while, p.enough = context.WithCancel(p.ctx)
	p.prefix = kgo.Record{Topic: topic, Partition: id}
	p.progress.Store(time.Now().UnixNano())
	return p
}

// add takes records of the partition, in its order, and hands them to be prepared.
func (p *partition) add(recs []*kgo.Record) {
	entries := make([]entry, len(recs))
	for i, rec := range recs {
		e := &entries[i]
		e.of, e.rec, e.bytes, e.offset, e.epoch = p, rec, recordBytes(rec), rec.Offset, rec.LeaderEpoch
	}
	p.queue(entries)
}

func (p *partition) queue(entries []entry) {
	var total int64
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	for i := range entries {
		p.order = append(p.order, &entries[i])
		total += entries[i].bytes
	}
	p.bytes.Add(total)
	p.engine.window.take(total)
	p.mu.Unlock()
	p.engine.preparers.add(entries)
}

// recordBytes is what a record holds in memory: key, value, headers, and what Go needs beside.
func recordBytes(rec *kgo.Record) int64 {
	n := len(rec.Key) + len(rec.Value) + 512
	for _, h := range rec.Headers {
		n += len(h.Key) + len(h.Value) + 64
	}
	return int64(n)
}

// prepared lets entries join their lanes: those of the partition that are ready, in its order.
func (p *partition) prepared() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.join()
	p.start()
}

// join goes on where the lanes end. The caller holds mu.
func (p *partition) join() {
	for p.next < len(p.order) && p.next-p.head < maxAhead && !p.closed {
		e := p.order[p.next]
		if e.prepared == nil {
			return
		}
		p.next++
		e.join(e.prepared.Lanes(), p.tails)
		if e.waitFor == 0 {
			p.ready(e)
		}
	}
}

// ready puts an entry among those that may begin. The caller holds mu, and calls begin.
func (p *partition) ready(e *entry) { p.waiting = append(p.waiting, e) }

// begin lets as many begin as may be in flight. The caller holds mu.
func (p *partition) begin() {
	if p.engine.starter != nil {
		p.wake()
		return
	}
	for e := p.take(); e != nil; e = p.take() {
		p.engine.settlers.do(task{settle: e})
	}
}

// take is the next entry to settle, counted as in flight; nil if none may begin. The caller holds mu.
func (p *partition) take() *entry {
	if p.closed || len(p.waiting) == 0 || p.inFlight >= int(p.engine.inFlight.Load()) {
		return nil
	}
	e := p.waiting[0]
	p.waiting[0] = nil
	p.waiting = p.waiting[1:]
	if len(p.waiting) == 0 {
		p.waiting = nil // so that the array behind it does not grow for ever
	}
	p.inFlight++
	e.begun = true
	return e
}

// settle settles one entry, and returns what its goroutine may do next; zero if there is nothing.
func (p *partition) settle(e *entry) (next task) {
	err := p.engine.handler.Settle(p.ctx, e.prepared, e)
	if err != nil && p.while.Err() == nil {
		p.engine.fail(fmt.Errorf("%s[%d]: %w", p.topic, p.id, err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.settled(e)
	} else {
		e.giveUp()
		p.release(e.bytes) // it comes again, to this member or another
	}
	if !p.landed() {
		return task{}
	}
	if p.engine.starter == nil {
		next.settle = p.take() // while this goroutine is warm
	}
	p.begin()
	return next
}

// landed counts one less in flight, and lets those behind join. It reports whether more may begin. The caller holds mu.
func (p *partition) landed() bool {
	p.inFlight--
	if p.closed {
		if p.inFlight == 0 {
			close(p.idle)
		}
		return false
	}
	p.join()
	return true
}

func (p *partition) release(bytes int64) {
	p.bytes.Add(-bytes)
	p.engine.window.release(bytes)
}

// close begins nothing more and lets go of what waits. A lost partition also marks nothing more.
func (p *partition) close(lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if lost {
		p.lost = true
	}
	if p.closed {
		return
	}
	p.closed = true
	p.enough() // first: what is taken back may ask at once
	if p.soon != nil {
		p.soon.Stop()
	}
	var waiting int64
	for _, e := range p.order[p.head:] {
		if !e.settled && !e.begun {
			waiting += e.bytes
		}
		p.takeBack(e)
	}
	p.waiting = nil
	p.release(waiting)
	if p.inFlight == 0 {
		close(p.idle)
	}
}

// held reports whether it has records and has settled none of them since the given time.
func (p *partition) held(since time.Time) bool {
	return p.bytes.Load() > 0 && p.progress.Load() < since.UnixNano()
}

// whole waits until everything that was added is settled. The error is ctx's, or why that can't be.
func (p *partition) whole(ctx context.Context) error {
	p.mu.Lock()
	if p.head == len(p.order) {
		p.mu.Unlock()
		return nil
	}
	if p.empty == nil {
		p.empty = make(chan struct{})
	}
	empty := p.empty
	p.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.ctx.Done():
		return errors.New("the partition was given up")
	}
}

// ended reports whether it begins nothing more.
func (p *partition) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// prepare prepares one entry, and counts what it then holds.
func (p *partition) prepare(e *entry) {
	var prepared Prepared
	if h, ok := p.engine.handler.(Unread); ok && e.unread {
		prepared = h.PrepareUnread(e.rec, e.more)
	} else {
		prepared = p.engine.handler.Prepare(e.rec)
	}
	n := int64(prepared.Bytes())
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	e.prepared = prepared
	e.bytes += n
	p.bytes.Add(n)
	p.engine.window.take(n)
}
