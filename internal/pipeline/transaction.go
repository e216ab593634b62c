package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// ExactlyOnce settles records inside transactions. It outlives the clients that make them; With gives each its own settler.
type ExactlyOnce struct {
	preparer
	name     string
	guard    *outage.Guard
	verdicts verdicts

	mu   sync.Mutex // guards all below
	open *outage.Pass
	who  []*outage.Holder // one a partition: what the last transaction that was aborted had in hand
}

// NewExactlyOnce settles to the destination of that name.
func NewExactlyOnce(cfg Config, destination string) *ExactlyOnce {
	cfg = cfg.withDefaults()
	return &ExactlyOnce{preparer: preparer{cfg}, name: destination, guard: outage.New(cfg.guard(destination)),
		verdicts: verdicts{by: make(map[position]*verdict)}}
}

// Holds lists the partitions that wait, by topic and partition.
func (x *ExactlyOnce) Holds() []outage.Hold {
	holds := x.guard.Holds()
	outage.Sort(holds)
	return holds
}

// With is the settler for one client: to writes events and letters writes dead letters inside its transactions.
func (x *ExactlyOnce) With(to Sender, letters DeadLetters) *Transactions {
	x.end(context.Canceled) // of a client that failed before its transaction ended nothing is known
	return &Transactions{x: x, to: to, letters: letters}
}

// end gives the right to the transaction back that is under way, if there is one.
func (x *ExactlyOnce) end(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.open != nil {
		x.open.End(err)
		x.open = nil
	}
}

// Transactions settles records inside the transactions of one client, one after another: a consumer.TransactHandler. Nothing is tried
// again inside a transaction: what a failed attempt left in it can't be told.
type Transactions struct {
	x       *ExactlyOnce
	to      Sender
	letters DeadLetters

	mu  sync.Mutex // guards now
	now transaction
}

// transaction is what the one under way has done.
type transaction struct {
	settled []*prepared
	letters []deadletter.Letter
	events  int
	took    time.Duration // the longest wait for a record's acknowledgements
	learned *fault.Error  // a verdict: the reason of the abort, whatever else failed, since the rest of a transaction fails with it
	failed  *fault.Error  // the first other failure
	who     map[place]*outage.Holder
}

type place struct {
	topic     string
	partition int32
}

// Prepare decodes and maps a record.
func (t *Transactions) Prepare(rec *kgo.Record) Prepared { return t.x.prepare(rec) }

// PrepareUnread is Prepare for a record that was not read; see Pipeline.PrepareUnread.
func (t *Transactions) PrepareUnread(rec *kgo.Record, more int64) Prepared {
	return t.x.unread(rec, more)
}

// Begin waits while the brokers are away. Its error is ctx's.
func (t *Transactions) Begin(ctx context.Context) error {
	t.x.mu.Lock()
	who := t.x.who
	t.x.mu.Unlock()
	pass, err := t.x.guard.Begin(ctx, who)
	if err != nil {
		return err
	}
	t.x.mu.Lock()
	t.x.open = &pass
	t.x.mu.Unlock()
	t.mu.Lock()
	t.now = transaction{who: make(map[place]*outage.Holder)}
	t.mu.Unlock()
	return nil
}

// Settle writes everything that settles a record. An error asks for an abort: then the same record comes again.
func (t *Transactions) Settle(ctx context.Context, ready Prepared, turn Turn) error {
	r := ready.(*prepared)
	t.note(func(now *transaction) {
		if at := (place{r.rec.Topic, r.rec.Partition}); now.who[at] == nil {
			now.who[at] = &outage.Holder{Topic: at.topic, Partition: at.partition}
		}
	})
	err := t.settle(ctx, r, turn)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Message {
		c := *f
		c.Kind = fault.Backend // also a bug holds: in a transaction nothing is passed over that was not written
		t.note(func(now *transaction) {
			if now.failed == nil {
				now.failed = &c
			}
		})
		return &c
	}
	return err
}

// End takes how the transaction ended. Only now is true what it did, and only now are its verdicts forgotten.
func (t *Transactions) End(committed bool) {
	t.mu.Lock()
	now := t.now
	t.now = transaction{}
	t.mu.Unlock()
	reason := context.Canceled // a rebalance or a stop: it says nothing about the brokers
	switch {
	case committed:
		reason = nil
	case now.learned != nil:
		reason = now.learned
	case now.failed != nil && now.failed.Unclear:
		// The brokers answered, but which record it was is not known yet: the next transaction tells.
		reason = &fault.Error{Kind: fault.Message, Code: now.failed.Code, Err: now.failed}
	case now.failed != nil:
		reason = now.failed
	}
	t.x.end(reason)
	t.x.mu.Lock()
	t.x.who = t.x.who[:0:0]
	if !committed {
		for _, h := range now.who {
			t.x.who = append(t.x.who, h)
		}
	}
	t.x.mu.Unlock()
	if committed {
		t.count(now)
	}
}

// count tells the metrics what was committed.
func (t *Transactions) count(now transaction) {
	for _, r := range now.settled {
		t.x.Observer.RecordsIn(r.rec.Topic, 1)
		t.x.warn(r)
		_, bad, _ := t.x.verdicts.on(r.rec).apply(r)
		t.x.Settled(r.rec, r.runs, bad != nil)
		t.x.verdicts.forget(r.rec)
	}
	if now.events > 0 {
		t.x.Observer.EventsDelivered(t.x.name, now.events, now.took)
	}
	for _, letter := range now.letters {
		t.x.Observer.Buried(letter)
	}
}

func (t *Transactions) note(change func(*transaction)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.now)
}

// settle makes the one attempt: events, or the letter, or both where some of the validation results are refused.
func (t *Transactions) settle(ctx context.Context, r *prepared, turn Turn) (err error) {
	defer fault.Recover(&err)
	known := t.x.verdicts.on(r.rec)
	runs, bad, part := known.apply(r)
	if err := t.write(ctx, r.rec, runs, turn); err != nil {
		return err
	}
	if bad != nil {
		if err := t.bury(ctx, r, t.x.letter(r, bad, part), known.letter); err != nil {
			return err
		}
	}
	t.note(func(now *transaction) { now.settled = append(now.settled, r) })
	return nil
}

// write writes the events of runs. One that is refused is remembered, also if that shows only after ctx has ended.
func (t *Transactions) write(ctx context.Context, rec *kgo.Record, runs []openlineage.Run, turn Turn) error {
	if noEvents(runs) {
		return nil
	}
	s := newSent(t.to, runs)
	s.told = func(run *openlineage.Run, err error) {
		// After a stop any other error may only tell of the stop.
		if f := fault.Of(err); f.Kind == fault.Message || f.Kind == fault.Bug && ctx.Err() == nil {
			t.x.verdicts.refuse(rec, run.Part, f)
			t.note(func(now *transaction) { now.learned = f })
		}
	}
	began := time.Now()
	s.hand(ctx)
	turn.Pass()
	if err := s.acknowledged(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if worst := s.worst(); worst != nil {
		return t.aborted(worst)
	}
	t.note(func(now *transaction) {
		now.events += s.taken()
		now.took = max(now.took, time.Since(began))
	})
	return nil
}

// aborted is the reason of an abort: a verdict, if one was learned.
func (t *Transactions) aborted(err error) error {
	t.mu.Lock()
	learned := t.now.learned
	t.mu.Unlock()
	if learned == nil {
		return err
	}
	c := *learned
	c.Kind = fault.Message
	c.Err = fmt.Errorf("the transaction is aborted and made again without what was refused: %w", learned)
	return &c
}

// bury writes a letter in the form that is known to pass. One that is too large for its topic becomes, next time, a reference, and then
// a bare one. Whatever else keeps it from being written holds the record: it may not be settled without its letter.
func (t *Transactions) bury(ctx context.Context, r *prepared, letter deadletter.Letter, form string) error {
	if form != "" {
		letter.Reference = form
	}
	err := t.letters.Bury(ctx, r.rec, letter)
	if err == nil {
		t.note(func(now *transaction) { now.letters = append(now.letters, letter) })
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f := fault.Of(err)
	if f.Kind == fault.Message && f.Disposition == fault.Oversize && letter.Reference != deadletter.ReferenceBare {
		t.x.verdicts.smaller(r.rec, letter.Reference)
		t.note(func(now *transaction) { now.learned = f })
		return t.aborted(f)
	}
	c := *f
	c.Kind = fault.Backend
	return &c
}
