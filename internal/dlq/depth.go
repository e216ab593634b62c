package dlq

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Depth is how many letters of one cause are not settled.
type Depth struct {
	Disposition string // empty for another system's letter
	Code        string // CodeForeign for another system's letter, other where it is no slug
	Letters     int
}

// mostFollowed is of how many letters that are not settled a Follower knows which they are, with some hundred bytes each: anyone who may write to the topic can
// write as many as he likes. Those beyond are counted by their cause, and whether they are settled is asked when three quarters of the others are.
const mostFollowed = 100_000

// Follower counts the letters of a dead-letter topic that are not settled.
type Follower struct {
	client *kgo.Client
	name   string
	cfg    Config

	// For poll alone.
	topic  *Topic
	index  *Index
	next   map[int32]int64 // of the topic
	ledger map[int32]int64 // next of the ledger
	early  *ledger         // entries of letters that are not read yet
	most   int             // mostFollowed
	full   bool
	beyond map[cause]int // letters that came when it was full

	mu     sync.Mutex // guards what follows
	known  bool       // the topic was read to its end once
	depth  []Depth
	oldest time.Time
}

// Follow makes a Follower of a topic, which need not exist yet. The client stays the caller's; cfg as for Open.
func Follow(client *kgo.Client, name string, cfg Config) *Follower {
	return &Follower{client: client, name: name, cfg: cfg, most: mostFollowed}
}

// Name is the topic's.
func (f *Follower) Name() string { return f.name }

// Depth is how many letters were not settled at the last poll, and when the oldest of them was given up (zero if there is none). known is false before
// the first poll.
func (f *Follower) Depth() (depth []Depth, oldest time.Time, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.depth, f.oldest, f.known
}

// Poll reads what has come since the last one.
func (f *Follower) Poll(ctx context.Context) error {
	t, err := Open(ctx, f.client, f.name, f.cfg)
	if errors.Is(err, ErrNoTopic) {
		f.topic, f.beyond = nil, nil
		f.tell(nil)
		return nil
	}
	if err != nil {
		return err
	}
	f.cfg.inflate = t.reader.Inflater()
	if f.topic == nil || f.topic.ID != t.ID || f.full && len(f.index.Letters) < f.most/4 { // its first life, or a new one, or there is room again
		f.full, f.beyond = false, make(map[cause]int)
		f.topic, f.index = t, &Index{at: make(map[Position]*Letter)}
		f.next, f.ledger, f.early = make(map[int32]int64), make(map[int32]int64), newLedger()
	}
	extent, err := t.extent(ctx, t.Name)
	if err != nil {
		return err
	}
	texts := make(texts)
	if err := f.topic.reader.advance(ctx, t.Name, extent, f.next, func(rec *kgo.Record) error { return f.add(ctx, lean(newLetter(rec), texts), extent) },
		func(b *ranges.LargeBatch) error { return f.add(ctx, unreadBatch(b), extent) }); err != nil {
		return err
	}
	if err := f.settle(ctx, extent); err != nil {
		return err
	}
	f.tell(f.index.Letters)
	return nil
}

// add takes one more letter in. When there are many, those that are settled are dropped before it is said to be full.
func (f *Follower) add(ctx context.Context, l *Letter, extent ranges.Extent) error {
	if f.full {
		tally(f.beyond, causeOf(l), 1)
		return nil
	}
	f.index.Letters = append(f.index.Letters, l)
	if len(f.index.Letters) < f.most {
		return nil
	}
	err := f.settle(ctx, extent)
	f.full = err == nil && len(f.index.Letters) > f.most/2
	return err
}

// lean keeps of a letter what counting needs.
func lean(l *Letter, texts texts) *Letter {
	said := l.Said
	l.Key = nil
	l.Said = deadletter.Letter{Topic: said.Topic, Partition: said.Partition, Offset: said.Offset, Group: said.Group, Disposition: said.Disposition, Code: said.Code,
		FailedAt: said.FailedAt, Replays: said.Replays}
	texts.share(l)
	return l
}

// settle drops what is settled, by what has come in the ledger, or deleted by retention.
func (f *Follower) settle(ctx context.Context, extent ranges.Extent) error {
	t := f.topic
	entries, err := t.extent(ctx, t.Name+LedgerSuffix)
	if err != nil {
		return err
	}
	if err := f.topic.reader.advance(ctx, t.Name+LedgerSuffix, entries, f.ledger, func(rec *kgo.Record) error { t.enter(f.early, rec); return nil },
		func(*ranges.LargeBatch) error { return nil }); err != nil {
		return err
	}
	f.index.settle(f.early)
	pending := f.index.Letters[:0]
	for _, l := range f.index.Letters {
		if (l.State == Pending || l.State == Unclear) && l.Offset >= extent[l.Partition].From {
			pending = append(pending, l)
		}
	}
	clear(f.index.Letters[len(pending):])
	f.index.Letters = pending
	for p, e := range f.early.entries {
		if p.Offset < f.next[p.Partition] && e.State != Unclear {
			delete(f.early.entries, p)
		}
	}
	clear(f.early.made) // who replayed what is no matter of counting
	clear(f.early.stale)
	return nil
}

// slug is what a code looks like; anyone can write a header, and labels must stay few.
var slug = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// mostCodes bounds how many causes are told apart.
const mostCodes = 64

// cause is what letters are counted by.
type cause struct{ disposition, code string }

func causeOf(l *Letter) cause {
	switch {
	case l.Batch != nil:
		return cause{"", CodeUnreadBatch}
	case l.System != deadletter.Ours:
		return cause{"", deadletter.CodeForeign}
	case !slug.MatchString(l.Said.Code) || !slug.MatchString(l.Said.Disposition):
		return cause{"other", "other"}
	}
	return cause{l.Said.Disposition, l.Said.Code}
}

// tally adds n letters of a cause; those beyond mostCodes are one.
func tally(counts map[cause]int, c cause, n int) {
	if _, ok := counts[c]; !ok && len(counts) >= mostCodes {
		c = cause{"other", "other"}
	}
	counts[c] += n
}

func (f *Follower) tell(letters []*Letter) {
	counts := make(map[cause]int)
	var oldest time.Time
	for c, n := range f.beyond {
		tally(counts, c, n)
	}
	for _, l := range letters {
		tally(counts, causeOf(l), 1)
		if at := l.GivenUp(); oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	depth := make([]Depth, 0, len(counts))
	for c, n := range counts {
		depth = append(depth, Depth{Disposition: c.disposition, Code: c.code, Letters: n})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.depth, f.oldest, f.known = depth, oldest, true
}
