package pipeline

import (
	"context"
	"sync"
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
}

func (t *testTurn) Pass() { t.once.Do(func() { close(t.passed) }) }

func (t *testTurn) While() context.Context { return context.Background() }

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
		turns[i] = &testTurn{passed: make(chan struct{}), settled: make(chan struct{})}
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
