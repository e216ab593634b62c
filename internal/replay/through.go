package replay

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Prepared is a record that is ready to be settled, as the consumer and the pipeline know it.
type Prepared = interface {
	Lanes() []uint64
	Bytes() int
}

// Turn is a record's place in its lanes, as the consumer and the pipeline know it.
type Turn = interface {
	Pass()
	First(ctx context.Context) (again bool, err error)
	Again()
	While() context.Context
	Owned(now time.Time) (until time.Time, again <-chan struct{})
}

// Settler is the pipeline.
type Settler interface {
	// Prepare makes a record ready; it needs no order and does no I/O.
	Prepare(rec *kgo.Record) Prepared
	// Settle delivers it, or buries it in the Refusals that the pipeline was given, and is called when all records before it in its lanes are settled. It may wait
	// as long as the destinations are away. An error is that it is not settled: ctx's, or one that ends the replay.
	Settle(ctx context.Context, p Prepared, turn Turn) error
}

// Through takes letters through the pipeline to its destinations: at least once.
type Through struct {
	Pipeline       Settler
	Refusals       *Refusals // the pipeline's dead letters
	Name           string    // of the destinations, for ledger and audit
	InFlight       int       // so many letters side by side; at least 1
	ConnectHeaders bool      // new letters carry Kafka Connect's headers too
}

// Refusals are the dead letters of the pipeline that a replay goes through: the new letter of what is refused again is written in the transaction that settles
// the old one. Give them to the pipeline in place of its dead letters.
type Refusals struct {
	mu      sync.Mutex // guards letters
	letters map[*kgo.Record]deadletter.Letter
}

// NewRefusals makes them.
func NewRefusals() *Refusals { return &Refusals{letters: make(map[*kgo.Record]deadletter.Letter)} }

// Bury keeps the letter until the transaction.
func (r *Refusals) Bury(_ context.Context, rec *kgo.Record, l deadletter.Letter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.letters[rec] = l
	return nil
}

// take is the letter about rec, if it was refused; it is forgotten here.
func (r *Refusals) take(rec *kgo.Record) (deadletter.Letter, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.letters[rec]
	delete(r.letters, rec)
	return l, ok
}

// deliver takes the records of actions through the pipeline, and returns the actions that this settled, in their order. err says why it ended early: ctx's error,
// or the pipeline's.
func (t *Through) deliver(ctx context.Context, topic string, actions []*dlq.Action) (settled []*dlq.Action, err error) {
	var recs []*kgo.Record
	for _, a := range actions {
		if a.Outcome == dlq.ReplayedOutcome {
			rec := a.Record
			rec.Offset, rec.Timestamp = a.Letter.Said.Offset, a.Letter.Said.Timestamp
			recs = append(recs, rec)
		}
	}
	done, err := settleAll(ctx, t.Pipeline, recs, max(1, t.InFlight))
	for _, a := range actions {
		if a.Outcome != dlq.ReplayedOutcome {
			settled = append(settled, a)
			continue
		}
		refused, again := t.Refusals.take(a.Record)
		if !done[a.Record] {
			continue
		}
		rec := a.Record
		a.Record = nil
		if again {
			a.Outcome, a.Record = dlq.BuriedAgain, t.again(topic, a.Letter, rec, refused)
		}
		settled = append(settled, a)
	}
	return settled, err
}

// again is the new letter about a record that the pipeline refused again: a reference if the old one was.
func (t *Through) again(topic string, old *dlq.Letter, rec *kgo.Record, l deadletter.Letter) *kgo.Record {
	wrap := deadletter.Wrap
	if l.Reference = old.Said.Reference; l.Reference != "" {
		wrap = deadletter.WrapReference
	}
	l.Topic, l.Partition, l.Offset, l.Timestamp = old.Said.Topic, old.Said.Partition, old.Said.Offset, old.Said.Timestamp
	l.Replays = old.Said.Replays + 1
	out := wrap(rec, topic, l)
	if t.ConnectHeaders {
		out = deadletter.WithConnectHeaders(out)
	}
	out.Partition = -1
	return out
}

// settleAll settles records, those that share a lane in their order, others side by side, and says which are settled. The first error ends it, once what is in
// hand is over: that record, and those behind it in its lanes, are not.
func settleAll(ctx context.Context, p Settler, recs []*kgo.Record, most int) (settled map[*kgo.Record]bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	places := make(chan struct{}, most)
	last := make(map[uint64]*step) // by lane: who settles the last record so far
	steps := make([]*step, 0, len(recs))
	var running sync.WaitGroup
	for _, rec := range recs {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		prepared := p.Prepare(rec)
		s := &step{rec: rec, done: make(chan struct{})}
		for _, lane := range prepared.Lanes() {
			if before := last[lane]; before != nil {
				s.after = append(s.after, before)
			}
			last[lane] = s
		}
		steps = append(steps, s)
		running.Go(func() {
			defer func() { <-places }()
			defer close(s.done)
			if s.err = s.settle(ctx, p, prepared); s.err != nil {
				cancel(s.err)
			}
		})
	}
	running.Wait()
	settled = make(map[*kgo.Record]bool, len(steps))
	for _, s := range steps {
		if s.err == nil {
			settled[s.rec] = true
		}
	}
	return settled, context.Cause(ctx)
}

// step is one record under way.
type step struct {
	rec   *kgo.Record
	after []*step
	done  chan struct{} // closed when err is known
	err   error
}

// settle waits for its turn and takes it. Those before it hold places of their own, so that they never wait for this one's. If one of them is not settled, ctx has
// ended by then.
func (s *step) settle(ctx context.Context, p Settler, prepared Prepared) error {
	for _, before := range s.after {
		<-before.done
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.Settle(ctx, prepared, turn{})
}

// turn is the place of a record that begins when those before it are settled, and whose followers wait until it is.
type turn struct{}

func (turn) Pass() {}

func (turn) First(ctx context.Context) (bool, error) { return false, ctx.Err() }

func (turn) Again() {}

func (turn) While() context.Context { return context.Background() }

// Owned has no end: no group gives a letter to another process.
func (turn) Owned(time.Time) (time.Time, <-chan struct{}) { return time.Time{}, nil }
