package http

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gx-ol/gx-ol/internal/lease"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

const (
	maxBatchBytes = 8 << 20          // of a POST, before compression
	askAgain      = 10 * time.Minute // after a 404 or 405 events go one by one for so long
)

// batcher gathers events that are delivered at the same time into one POST to lineage/batch. Each caller waits for the outcome of
// its own event, so that a run's START is acknowledged before its terminal event is sent, as without batches.
type batcher struct {
	h      *Destination
	target *url.URL
	size   int
	linger time.Duration

	mu      sync.Mutex // guards below
	open    *batch     // takes more events; nil: none
	refused time.Time  // when the backend last said that it has no such endpoint
	sending sync.WaitGroup
}

// batch is one POST.
type batch struct {
	events  []openlineage.Event
	bytes   int
	full    chan struct{} // closed: go
	done    chan struct{} // closed: outcome is there
	errs    []error
	until   time.Time // the earliest end of the callers' leases; zero: there is none
	waiting int       // callers that wait for the outcome; the batcher's mu guards it
	cancel  func()    // ends the POST; nil before it begins
}

// deliver adds ev to the open batch and waits for its outcome. When ctx ends it does not wait any more; the event may arrive all
// the same, which does no harm.
func (b *batcher) deliver(ctx context.Context, ev openlineage.Event) error {
	on, i := b.join(ev, lease.End(ctx)) //nolint:contextcheck // a batch is of many callers: the end of one must not end it
	select {
	case <-on.done:
		return on.errs[i]
	case <-ctx.Done():
		b.leave(on)
		return ctx.Err()
	}
}

// leave is the end of one caller. The end of the last one ends the POST: a stop waits for nobody's answer.
func (b *batcher) leave(on *batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	on.waiting--
	if on.waiting == 0 && on.cancel != nil {
		on.cancel()
	}
}

// join gives the batch and the event's place in it.
func (b *batcher) join(ev openlineage.Event, until time.Time) (*batch, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil && b.open.bytes+len(ev.Body) > maxBatchBytes {
		b.seal()
	}
	if b.open == nil {
		b.open = &batch{full: make(chan struct{}), done: make(chan struct{})}
		now := b.open
		b.sending.Go(func() { b.send(now) })
	}
	now := b.open
	now.events = append(now.events, ev)
	now.bytes += len(ev.Body) + 1
	if now.waiting++; !until.IsZero() && (now.until.IsZero() || until.Before(now.until)) {
		now.until = until
	}
	if len(now.events) >= b.size {
		b.seal()
	}
	return now, len(now.events) - 1
}

// seal lets the open batch go. The caller holds mu.
func (b *batcher) seal() {
	close(b.open.full)
	b.open = nil
}

// send waits for company, posts the batch, and tells the outcome.
func (b *batcher) send(now *batch) {
	timer := time.NewTimer(b.linger)
	select {
	case <-now.full:
	case <-timer.C:
	}
	timer.Stop()
	// No caller's ctx: the end of one must not fail the others.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.mu.Lock()
	if b.open == now {
		b.open = nil
	}
	now.cancel = cancel
	if now.waiting == 0 {
		cancel()
	}
	until := now.until
	b.mu.Unlock()
	now.errs = b.post(lease.Until(ctx, until), now.events)
	close(now.done)
}

// off reports whether the backend has said that it takes no batches.
func (b *batcher) off() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.refused.IsZero() && b.h.now().Sub(b.refused) < askAgain
}

// post sends events and says what became of each. A refusal that blames the whole batch is taken apart, until it blames one event.
func (b *batcher) post(ctx context.Context, events []openlineage.Event) []error {
	if b.off() {
		return b.oneByOne(ctx, events)
	}
	size := 2
	for _, ev := range events {
		size += len(ev.Body) + 1
	}
	body := append(make([]byte, 0, size), '[')
	for i, ev := range events {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, ev.Body...)
	}
	body = append(body, ']')
	a, err := b.h.do(ctx, http.MethodPost, b.target, body, answerLimit)
	out := make([]error, len(events))
	switch {
	case err != nil:
		return everyone(out, err)
	case a.status/100 == 2 && !isHTML(a.header):
		b.h.lastOK.Store(b.h.now().UnixNano())
		return judgeBatch(a, len(events), b.h.secrets.cut)
	case a.status == http.StatusNotFound, a.status == http.StatusMethodNotAllowed:
		b.fallBack(a.status)
		return b.oneByOne(ctx, events)
	case len(events) > 1 && a.status == http.StatusRequestEntityTooLarge:
		half := len(events) / 2
		return append(b.post(ctx, events[:half]), b.post(ctx, events[half:])...)
	case len(events) > 1 && (a.status == http.StatusBadRequest || a.status == http.StatusUnprocessableEntity):
		return b.oneByOne(ctx, events)
	}
	return everyone(out, b.h.faultOf(a, body))
}

// fallBack leaves lineage/batch alone for a while.
func (b *batcher) fallBack(status int) {
	b.mu.Lock()
	b.refused = b.h.now()
	b.mu.Unlock()
	if b.h.cfg.OnNoBatch != nil {
		b.h.cfg.OnNoBatch(status)
	}
}

// oneByOne sends each event in a POST of its own, side by side: they came from callers who did not wait for each other.
func (b *batcher) oneByOne(ctx context.Context, events []openlineage.Event) []error {
	out := make([]error, len(events))
	var wg sync.WaitGroup
	for i, ev := range events {
		wg.Go(func() { out[i] = b.h.single(ctx, ev) })
	}
	wg.Wait()
	return out
}

// close waits for what is under way.
func (b *batcher) close() { b.sending.Wait() }
