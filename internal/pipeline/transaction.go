package pipeline

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// verdicts are what a transaction learned by failing: which validation results, and which letters, the broker refuses as
// too large. What was refused can't be taken back out of a transaction, so it is aborted, and the verdict is applied
// when the same record comes again. A verdict is forgotten with the transaction that applied it and committed.
type verdicts map[position]*verdict

type position struct {
	topic     string
	partition int32
	offset    int64
}

type verdict struct {
	parts  map[string]*fault.Error // by Run.Part
	letter string                  // the form of letter to write: "" whole, else deadletter.ReferenceKept or ReferenceBare
}

// on is the verdict on a record, to be changed.
func (v verdicts) on(rec *kgo.Record) *verdict {
	at := positionOf(rec)
	if v[at] == nil {
		v[at] = &verdict{parts: make(map[string]*fault.Error)}
	}
	return v[at]
}

func positionOf(rec *kgo.Record) position {
	return position{rec.Topic, rec.Partition, rec.Offset}
}

// Transactions settles polls inside transactions of one client, one after another. It is a consumer.TransactHandler.
type Transactions struct {
	p        *Pipeline
	to       BatchDeliverer
	letters  DeadLetters
	verdicts verdicts
}

// Transactions writes events with to and letters with letters, which write with the transaction's own client.
func (p *Pipeline) Transactions(to BatchDeliverer, letters DeadLetters) *Transactions {
	return &Transactions{p: p, to: to, letters: letters, verdicts: make(verdicts)}
}

// Transact produces everything that settles the records of one poll, inside a transaction that the caller has begun and will
// end. A nil error asks for a commit, and committed is to be called when that succeeded; any other error asks for an abort: then
// the same records come again. It waits while the brokers are away, before the first write. Nothing is tried again inside a
// transaction: what a failed attempt left in it can't be told.
func (x *Transactions) Transact(ctx context.Context, batches [][]*kgo.Record) (committed func(), err error) {
	p := x.p
	items := x.itemsOf(batches)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o := p.outlets[0]
	var firsts []*item // one a partition, to hold it by
	for _, it := range items {
		if len(firsts) == 0 || firsts[len(firsts)-1].rec.Topic != it.rec.Topic || firsts[len(firsts)-1].rec.Partition != it.rec.Partition {
			firsts = append(firsts, it)
		}
	}
	probe, err := o.gate.enter(ctx, func(code, text string) {
		for _, it := range firsts {
			p.hold(it, o.Name, code, text)
		}
	})
	for _, it := range firsts {
		p.release(it, o.Name)
	}
	if err != nil {
		return nil, err
	}
	committed, outcome := x.transact(ctx, items)
	if ctx.Err() != nil {
		o.gate.leave(probe, nil, true)
		return nil, ctx.Err()
	}
	o.gate.leave(probe, outcome, false)
	if outcome != nil {
		return nil, outcome
	}
	return committed, nil
}

// itemsOf decodes and maps the records of all partitions, side by side.
func (x *Transactions) itemsOf(batches [][]*kgo.Record) []*item {
	var items []*item
	for _, recs := range batches {
		for _, rec := range recs {
			items = append(items, x.p.newItem(rec))
		}
	}
	next := make(chan *item)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(items)) {
		wg.Go(func() {
			for it := range next {
				x.p.decode(it)
				x.applyVerdict(it)
			}
		})
	}
	for _, it := range items {
		next <- it
	}
	close(next)
	wg.Wait()
	return items
}

// applyVerdict takes out of an item the validation results that the broker refused before; the others are delivered.
func (x *Transactions) applyVerdict(it *item) {
	known := x.verdicts[positionOf(it.rec)]
	if it.bad != nil || known == nil || len(known.parts) == 0 {
		return
	}
	var kept []openlineage.Run
	var refused []string
	for _, run := range it.runs {
		if f := known.parts[run.Part]; f != nil {
			it.legs[0].bad = f
			refused = append(refused, run.Part)
			continue
		}
		kept = append(kept, run)
	}
	it.runs = kept
	it.legs[0].part = strings.Join(refused, ",")
}

// transact makes the one attempt. Its fault is the backend's when the brokers are, and a message's when a verdict was
// learned: both abort.
func (x *Transactions) transact(ctx context.Context, items []*item) (committed func(), outcome *fault.Error) {
	ready := items[:0:0]
	for _, it := range items {
		if it.bad == nil {
			ready = append(ready, it)
		}
	}
	started := time.Now()
	errs := x.to.DeliverAll(ctx, eventsOf(ready))
	if outcome := x.learn(ready, errs); outcome != nil {
		return nil, outcome
	}
	took := time.Since(started)
	var written []deadletter.Letter
	for _, it := range items {
		if l := it.legs[0]; it.bad == nil && l.bad != nil {
			it.bad, it.part = l.bad, l.part
		}
		if it.bad == nil {
			continue
		}
		letter, outcome := x.bury(ctx, it)
		if outcome != nil {
			return nil, outcome
		}
		written = append(written, letter)
	}
	return func() {
		// Only now is it true.
		for _, it := range items {
			x.p.Observer.RecordsIn(it.rec.Topic, 1)
			delete(x.verdicts, positionOf(it.rec))
		}
		x.p.Observer.EventsDelivered(x.p.outlets[0].Name, len(errs), took)
		for _, letter := range written {
			x.p.buried(letter)
		}
	}, nil
}

// learn takes the errors of the events and returns the one that aborts, nil if every event was taken. It keeps a verdict for
// each message's fault; one of those is the reason, whatever else failed: the rest of a transaction fails with it.
func (x *Transactions) learn(items []*item, errs []error) *fault.Error {
	var backend, verdictOf *fault.Error
	for _, it := range items {
		for _, run := range it.runs {
			for range run.Events {
				err := errs[0]
				errs = errs[1:]
				if err == nil {
					continue
				}
				f := fault.Of(err)
				if f.Kind == fault.Backend {
					backend = f
					continue
				}
				x.verdicts.on(it.rec).parts[run.Part] = f
				verdictOf = aborted(f)
			}
		}
	}
	if verdictOf != nil {
		return verdictOf
	}
	return backend
}

// aborted is a message's fault as the reason of an abort.
func aborted(f *fault.Error) *fault.Error {
	c := *f
	c.Kind = fault.Message
	c.Err = fmt.Errorf("the transaction is aborted and made again without what was refused: %w", f)
	return &c
}

// bury writes the item's letter. One that is too large for its topic becomes, next time, a reference, and
// then a bare one.
func (x *Transactions) bury(ctx context.Context, it *item) (deadletter.Letter, *fault.Error) {
	letter := x.p.letter(it)
	if known := x.verdicts[positionOf(it.rec)]; known != nil && known.letter != "" {
		letter.Reference = known.letter
	}
	outcome, err := once(ctx, func() error { return x.letters.Bury(ctx, it.rec, letter) })
	if err != nil {
		return letter, &fault.Error{Kind: fault.Backend, Err: err} // a stop: the caller asks ctx
	}
	if outcome == nil || outcome.Kind != fault.Message || outcome.Disposition != fault.Oversize || letter.Reference == deadletter.ReferenceBare {
		if outcome != nil {
			outcome.Kind = fault.Backend
		}
		return letter, outcome
	}
	next := deadletter.ReferenceKept
	if letter.Reference == deadletter.ReferenceKept {
		next = deadletter.ReferenceBare
	}
	x.verdicts.on(it.rec).letter = next
	return letter, aborted(outcome)
}
