package dlq

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
)

// mostLive is of how many letters a Live knows all, with some 500 bytes each. Beyond it those that are settled go first, then the oldest; the dlq commands
// have no such bound.
const mostLive = 200_000

// liveChunk is how many letters are taken in at once: whoever looks waits no longer than that takes.
const liveChunk = 2000

// Live is an Index that follows its topic: built once, and then kept with what has come. Make it with NewLive. It is safe for concurrent use, but for Poll.
type Live struct {
	client *kgo.Client
	name   string
	cfg    Config
	most   int // mostLive, but for tests

	// For Poll alone.
	topic  *Topic
	next   map[int32]int64 // of the topic
	ledger map[int32]int64 // next of the ledger
	fresh  []*Letter       // read, and not in the index yet
	dirty  bool            // there are letters or entries that the states do not follow yet

	mu      sync.RWMutex // guards below, and the letters of the index
	index   *Index
	entries *ledger
	state   LiveState
}

// LiveState is how far a Live is.
type LiveState struct {
	Number   uint64 // another one whenever something has changed
	Known    bool   // the topic was read to its end, or is known not to exist
	There    bool   // the topic exists
	Read, Of int64  // offsets that were read while it is built, of so many
	Beyond   int    // letters that were dropped since there are too many
}

// NewLive makes a Live of a topic, which need not exist yet. The client stays the caller's; cfg as for Open. It is empty until Poll.
func NewLive(client *kgo.Client, name string, cfg Config) *Live {
	return &Live{client: client, name: name, cfg: cfg, most: mostLive, index: emptyIndex(), entries: newLedger()}
}

func emptyIndex() *Index {
	return &Index{Extent: make(ranges.Extent), at: make(map[Position]*Letter), texts: make(texts)}
}

// View lets see look at the index, which does not change meanwhile; see keeps nothing of it, and copies what it needs.
func (v *Live) View(see func(*Index, LiveState)) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	see(v.index, v.state)
}

// Poll reads what has come since the last one. While it reads, the index can be looked at.
func (v *Live) Poll(ctx context.Context) error {
	t, err := Open(ctx, v.client, v.name, v.cfg)
	if errors.Is(err, ErrNoTopic) {
		v.begin(nil)
		return nil
	}
	if err != nil {
		return err
	}
	v.cfg.inflate = t.reader.Inflater()
	if v.topic == nil || v.topic.ID != t.ID { // its first life, or a new one
		v.begin(t)
	}
	extent, err := t.extent(ctx, t.Name)
	if err != nil {
		return err
	}
	v.measure(extent)
	take := func(l *Letter) error {
		v.fresh = append(v.fresh, l)
		if len(v.fresh) < liveChunk {
			return nil
		}
		return v.takeIn(ctx)
	}
	if err := v.topic.reader.advance(ctx, t.Name, extent, v.next, func(rec *kgo.Record) error { return take(newLetter(rec)) },
		func(b *ranges.LargeBatch) error { return take(unreadBatch(b)) }); err != nil {
		return errors.Join(err, v.takeIn(ctx))
	}
	if err := v.takeIn(ctx); err != nil {
		return err
	}
	return v.settle(ctx, extent)
}

// begin starts anew with a life of the topic; nil: it does not exist.
func (v *Live) begin(t *Topic) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if t == nil && v.topic == nil && v.state.Known {
		return
	}
	v.topic, v.next, v.ledger, v.fresh = t, make(map[int32]int64), make(map[int32]int64), nil
	v.index, v.entries = emptyIndex(), newLedger()
	v.state = LiveState{Number: v.state.Number + 1, There: t != nil, Known: t == nil}
}

// measure says how much there is to read.
func (v *Live) measure(extent ranges.Extent) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.Read, v.state.Of = 0, 0
	for p, span := range extent {
		v.state.Of += max(span.To-max(span.From, v.next[p]), 0)
	}
}

// takeIn puts what was read into the index. When there are too many letters, some go.
func (v *Live) takeIn(ctx context.Context) error {
	if len(v.fresh) == 0 {
		return nil
	}
	v.mu.Lock()
	for _, l := range v.fresh {
		v.index.add(l)
	}
	v.dirty = true
	v.state.Read += int64(len(v.fresh))
	v.state.Number++
	v.fresh = v.fresh[:0]
	full := len(v.index.Letters) > v.most
	v.mu.Unlock()
	if !full {
		return nil
	}
	if err := v.readLedger(ctx); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.index.settle(v.entries)
	v.shrink()
	return nil
}

// shrink drops letters: those that are settled, and if that is not enough the oldest. The caller holds mu.
func (v *Live) shrink() {
	before := len(v.index.Letters)
	keep := make([]*Letter, 0, v.most)
	for _, l := range v.index.Letters {
		if l.State == Pending || l.State == Unclear {
			keep = append(keep, l)
		}
	}
	if enough := v.most * 3 / 4; len(keep) > enough {
		slices.SortStableFunc(keep, func(a, b *Letter) int { return b.GivenUp().Compare(a.GivenUp()) })
		keep = keep[:enough]
	}
	v.keep(keep)
	v.state.Beyond += before - len(keep)
}

// keep makes the index one of these letters alone. The caller holds mu.
func (v *Live) keep(letters []*Letter) {
	ix := emptyIndex()
	ix.Extent = v.index.Extent
	slices.SortFunc(letters, func(a, b *Letter) int { return a.Compare(b.Position) })
	for _, l := range letters {
		ix.add(l)
	}
	v.index = ix
}

// readLedger reads what has come in the ledger.
func (v *Live) readLedger(ctx context.Context) error {
	name := v.topic.Name + LedgerSuffix
	extent, err := v.topic.extent(ctx, name)
	if err != nil {
		return err
	}
	return v.topic.reader.advance(ctx, name, extent, v.ledger, func(rec *kgo.Record) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.topic.enter(v.entries, rec)
		clear(v.entries.stale) // who settles sweeps them
		v.dirty = true
		v.state.Number++
		return nil
	}, func(*ranges.LargeBatch) error { return nil })
}

// settle gives every letter its state, and drops those that retention has deleted.
func (v *Live) settle(ctx context.Context, extent ranges.Extent) error {
	if err := v.readLedger(ctx); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	gone := func(l *Letter) bool { return l.Offset < extent[l.Partition].From }
	v.index.Extent = extent
	if slices.ContainsFunc(v.index.Letters, gone) {
		v.keep(slices.DeleteFunc(slices.Clone(v.index.Letters), gone))
		for p := range v.entries.entries {
			if p.Offset < extent[p.Partition].From {
				delete(v.entries.entries, p)
			}
		}
		v.dirty = true
		v.state.Number++
	}
	if v.dirty {
		slices.SortFunc(v.index.Letters, func(a, b *Letter) int { return a.Compare(b.Position) }) // what has come stands behind all
		v.index.settle(v.entries)
		v.dirty = false
	}
	if !v.state.Known {
		v.state.Known = true
		v.state.Number++
	}
	return nil
}
