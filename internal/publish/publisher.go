package publish

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/gx-ol/gx-ol/internal/store"
)

// What a transaction holds at most, but for one file that is larger.
const (
	most      = 200     // records
	mostBytes = 4 << 20 // of them
)

// Publisher publishes a store. The zero value of what is optional is none.
type Publisher struct {
	Store        store.Store
	Form         Form
	Split        func(value []byte) []Part // a file's documents
	MaxBytes     int64                     // of a file
	Since, Until time.Time                 // of the results' runs; Until is not included
	Rate         float64                   // records a second at most; 0: as fast as it goes
	Place        Place

	Scan     time.Duration                    // Watch: how often the whole store is looked through
	Patience time.Duration                    // Watch: how long a file that is not whole JSON is waited for without a change
	Bad      func(path string, err error)     // is told of each file, or document of one, that is not published
	Say      func(format string, args ...any) // is told what whoever watches should know
	Progress func(Counts)                     // is told how far it is

	counts  Counts
	pace    *rate.Limiter
	settled map[fingerprint]struct{} // files that this process will not publish, by their stamps
	waiting map[string]waiting
	session *session
	deaf    bool // for tests: the system tells of no changes
}

// Counts is how far a Publisher is.
type Counts struct {
	Total     int // files that are to be read, as far as is known
	Done      int // of these, files that need no further look
	Published int // results
	Before    int // files that the ledger had
	Other     int // files that are none with results, by their names
	Outside   int // files outside Since and Until
	Bad       int // files with a document that is not published
	Waiting   int // files that are not whole yet
}

// item is a file that is to be published.
type item struct {
	store.Object
	named time.Time // its run's time by its folder; zero if that does not say it
	run   time.Time
}

// sink takes files, in their order; what it holds of them is published when flush returns.
type sink interface {
	publish(ctx context.Context, files []*file) error
}

// Once publishes what the ledger does not have, in the order of runs, and ends. What is wrong with single files is told to Bad; the error is one of the
// brokers, of the store, or of ctx.
func (p *Publisher) Once(ctx context.Context) (Counts, error) {
	s, err := p.Place.begin(ctx)
	if err != nil {
		return p.counts, err
	}
	defer s.close()
	err = p.everything(ctx, s, s.known, false)
	return p.counts, err
}

// everything looks through the whole store.
func (p *Publisher) everything(ctx context.Context, to sink, k *known, live bool) error {
	var all []store.Object
	p.counts = Counts{Published: p.counts.Published}
	if err := p.Store.List(ctx, func(o store.Object) error {
		if p.wanted(k, o) {
			all = append(all, o)
		}
		return nil
	}); err != nil {
		return err
	}
	return p.pass(ctx, all, to, k, live)
}

// wanted says whether a file must be read.
func (p *Publisher) wanted(k *known, o store.Object) bool {
	if other(o.Path) {
		p.counts.Other++
		return false
	}
	if k.stamp(o) {
		p.counts.Before++
		return false
	}
	_, settled := p.settled[stampOf(o)]
	return !settled
}

// pass publishes what is new of some files. live says that they may still be written.
func (p *Publisher) pass(ctx context.Context, all []store.Object, to sink, k *known, live bool) error {
	if p.settled == nil {
		p.settled, p.waiting = make(map[fingerprint]struct{}), make(map[string]waiting)
	}
	items, err := p.order(ctx, distinct(all))
	if err != nil {
		return err
	}
	p.counts.Total, p.counts.Done = len(items), 0
	b := &batch{p: p, to: to}
	err = ahead(ctx, items, p.read, func(it item, f *file, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			p.counts.Done++
			return nil
		case err != nil:
			return err
		}
		return p.one(ctx, f, b, k, live)
	})
	if err == nil {
		err = b.flush(ctx)
	}
	p.counts.Waiting = len(p.waiting)
	p.progress()
	return err
}

// distinct leaves each file one time. A system tells of a file, and of each folder above it that is new as well; within a pass the ledger does not yet know what that
// pass publishes.
func distinct(all []store.Object) []store.Object {
	slices.SortFunc(all, func(a, b store.Object) int { return cmp.Compare(a.Path, b.Path) })
	return slices.CompactFunc(all, func(a, b store.Object) bool { return a.Path == b.Path })
}

// order sorts files by their runs. Those whose folders do not say when that was are read for it, and read again when it is their turn: no body is held.
func (p *Publisher) order(ctx context.Context, all []store.Object) ([]item, error) {
	var items, unnamed []item
	for _, o := range all {
		it := item{Object: o, named: namedTime(o.Path)}
		if it.run = it.named; it.run.IsZero() {
			unnamed = append(unnamed, it)
			continue
		}
		items = p.within(items, it)
	}
	err := ahead(ctx, unnamed, p.read, func(it item, f *file, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		}
		it.run = firstOf(f.run, it.Modified)
		items = p.within(items, it)
		return nil
	})
	slices.SortFunc(items, func(a, b item) int { return cmp.Or(a.run.Compare(b.run), cmp.Compare(a.Path, b.Path)) })
	return items, err
}

// within appends it, if its run is one of those that are asked for.
func (p *Publisher) within(items []item, it item) []item {
	if it.run.Before(p.Since) || !p.Until.IsZero() && !it.run.Before(p.Until) {
		p.counts.Outside++
		p.settle(it.Object)
		return items
	}
	return append(items, it)
}

// settle remembers that a file as it is will not be published by this process.
func (p *Publisher) settle(o store.Object) { p.settled[stampOf(o)] = struct{}{} }

// one decides about a file that was read.
func (p *Publisher) one(ctx context.Context, f *file, b *batch, k *known, live bool) error {
	if live && p.waits(f) {
		return nil
	}
	p.counts.Done++
	if k.content(f.Path, f.sum) { // it was touched, or has no stamp to know it by
		p.counts.Before++
		if f.Young || k.stamp(f.Object) {
			return nil
		}
		f.docs = nil
		return b.add(ctx, f)
	}
	once := make(map[digest]bool)
	f.docs = slices.DeleteFunc(f.docs, func(d doc) bool {
		again := once[d.sum] || k.content(f.Path, d.sum)
		once[d.sum] = true
		return again
	})
	return b.add(ctx, f)
}

// tell says what is wrong with a file, and that it is done with.
func (p *Publisher) tell(f *file) {
	if len(f.bad) == 0 {
		return
	}
	p.counts.Bad++
	p.settle(f.Object)
	for _, err := range f.bad {
		p.Bad(f.Path, err)
	}
}

func (p *Publisher) progress() {
	if p.Progress != nil {
		p.Progress(p.counts)
	}
}

// batch gathers files for a transaction.
type batch struct {
	p     *Publisher
	to    sink
	files []*file
	n     int // records
	size  int // their bytes
}

func (b *batch) add(ctx context.Context, f *file) error {
	limit := most
	if r := b.p.Rate; r > 0 {
		limit = max(1, min(most, int(r)))
	}
	if len(b.files) > 0 && (b.n+len(f.docs) > limit || b.size+f.bytes() > mostBytes) {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.files, b.n, b.size = append(b.files, f), b.n+len(f.docs), b.size+f.bytes()
	return nil
}

// flush publishes what was gathered, at the pace that is asked for.
func (b *batch) flush(ctx context.Context) error {
	if len(b.files) == 0 {
		return nil
	}
	if err := b.p.wait(ctx, b.n); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.to.publish(ctx, b.files); err != nil {
		return err
	}
	for _, f := range b.files {
		b.p.counts.Published += len(f.docs)
		b.p.tell(f)
	}
	b.files, b.n, b.size = nil, 0, 0
	b.p.progress()
	return nil
}

// wait waits until n records more may be published. A file of more than a second's is waited for in parts.
func (p *Publisher) wait(ctx context.Context, n int) error {
	if p.Rate <= 0 {
		return nil
	}
	burst := max(1, min(most, int(p.Rate)))
	if p.pace == nil {
		p.pace = rate.NewLimiter(rate.Limit(p.Rate), burst)
	}
	for ; n > 0; n -= burst {
		if err := p.pace.WaitN(ctx, min(n, burst)); err != nil {
			return cmp.Or(ctx.Err(), err)
		}
	}
	return nil
}
