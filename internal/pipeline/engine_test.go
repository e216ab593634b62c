package pipeline

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// handler is what the engine drives.
type handler interface {
	Prepare(rec *kgo.Record) Prepared
	Settle(ctx context.Context, p Prepared, turn Turn) error
}

// testTurn is a record's place in its lanes, in an engine that is as simple as one can be.
type testTurn struct {
	before   []*testTurn // the last one in each of its lanes
	seen     []int       // how often each of them had been written again when this one began
	mu       sync.Mutex  // guards rewrites
	rewrites int
	once     sync.Once
	passed   chan struct{}
	settled  chan struct{}
	returned bool
	goOn     chan bool // of a record that was started: whether Settle is to go on with it
}

func newTurn() *testTurn {
	return &testTurn{passed: make(chan struct{}), settled: make(chan struct{}), goOn: make(chan bool, 1)}
}

// Leads is Started's.
func (t *testTurn) Leads() bool {
	for _, b := range t.before {
		select {
		case <-b.settled:
		default:
			return false
		}
	}
	again, _ := t.First(context.Background())
	return !again
}

func (t *testTurn) Done() { t.returned = true; close(t.settled); t.goOn <- false }

func (t *testTurn) GoOn() { t.goOn <- true }

func (t *testTurn) Pass() { t.once.Do(func() { close(t.passed) }) }

func (t *testTurn) While() context.Context { return context.Background() }

func (t *testTurn) Owned(time.Time) (time.Time, <-chan struct{}) { return time.Time{}, nil }

func (t *testTurn) Again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rewrites++
}

func (t *testTurn) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rewrites
}

func (t *testTurn) First(ctx context.Context) (again bool, err error) {
	for i, b := range t.before {
		select {
		case <-b.settled:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		again = again || b.count() > t.seen[i]
	}
	return again, nil
}

// handle settles records as the consumer does: in the order of their lanes, others side by side. It tells how many are settled, counted from
// the first. An error of one ends all, as in a transaction.
func handle(ctx context.Context, h handler, recs []*kgo.Record) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	turns := make([]*testTurn, len(recs))
	ready := make([]Prepared, len(recs))
	tails := make(map[uint64]*testTurn)
	for i, rec := range recs {
		ready[i] = h.Prepare(rec)
		turns[i] = newTurn()
		for _, lane := range ready[i].Lanes() {
			if t := tails[lane]; t != nil {
				turns[i].before = append(turns[i].before, t)
			}
			tails[lane] = turns[i]
		}
	}
	var wg sync.WaitGroup
	for i, t := range turns {
		wg.Go(func() {
			for _, b := range t.before {
				select {
				case <-b.passed:
				case <-b.settled:
				case <-ctx.Done():
					return
				}
			}
			for _, b := range t.before {
				t.seen = append(t.seen, b.count())
			}
			if started(ctx, h, ready[i], t) {
				return
			}
			if err := h.Settle(ctx, ready[i], t); err != nil {
				cancel(err)
				return
			}
			t.returned = true
			close(t.settled)
		})
	}
	wg.Wait()
	n := 0
	for n < len(turns) && turns[n].returned {
		n++
	}
	return n, context.Cause(ctx)
}

// started begins a record, where h can, and waits until it is done. It reports false if Settle is to begin, or to go on.
func started(ctx context.Context, h handler, ready Prepared, t *testTurn) bool {
	s, ok := h.(starter)
	if !ok || !s.Starts() || !s.Start(ctx, ready, t) {
		return false
	}
	if _, ok := h.(recalled); ok && s.TakeBack(ready) {
		return false
	}
	select {
	case goOn := <-t.goOn:
		return !goOn
	case <-ctx.Done():
		return !s.TakeBack(ready) && !<-t.goOn
	}
}

// starter is a handler whose records may be started.
type starter interface {
	handler
	Starts() bool
	Start(ctx context.Context, p Prepared, turn Started) bool
	TakeBack(p Prepared) bool
}

// recalled is one whose records are taken back as soon as they are started.
type recalled struct{ starter }

// drive is how an engine drives a Pipeline.
type drive func(*Pipeline) handler

func asIs(p *Pipeline) handler { return p }

// alone hides that records can be started: each settles in a goroutine of its own.
func alone(p *Pipeline) handler { return struct{ handler }{p} }

// eachWay runs a test of a Sender with each way that a record may go there: settled in a goroutine of its own, started, taken back, and with a Sender that
// has no room for some, or for the second of two events, at once.
func eachWay(t *testing.T, test func(t *testing.T, s *sender, drive drive)) {
	for name, way := range map[string]struct {
		drive drive
		full  func(body string) bool
	}{
		"settled":         {drive: alone},
		"started":         {drive: asIs},
		"taken back":      {drive: func(p *Pipeline) handler { return recalled{p} }},
		"without room":    {drive: asIs, full: func(body string) bool { return strings.HasPrefix(body, "r1 ") || strings.HasPrefix(body, "r2 ") }},
		"room for START":  {drive: asIs, full: func(body string) bool { return strings.HasSuffix(body, " COMPLETE") }},
		"room for others": {drive: asIs, full: func(body string) bool { return body == "r0 COMPLETE" }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, &sender{full: way.full}, way.drive) })
		})
	}
}

// slowly takes the time of a Marquez for each answer.
type slowly struct{ *backend }

func (s slowly) Deliver(ctx context.Context, ev openlineage.Event) error {
	select {
	case <-time.After(50 * time.Millisecond):
		return s.backend.Deliver(ctx, ev)
	case <-ctx.Done():
		return ctx.Err()
	}
}
