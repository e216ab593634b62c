package dlq

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Depth is how many letters of one cause are not settled.
type Depth struct {
	Disposition string // empty for another system's letter
	Code        string // CodeForeign for another system's letter, other where it is no slug
	Letters     int
}

// Follower counts the letters of a dead-letter topic that are not settled. It holds some hundred bytes for each of those in memory.
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

	mu     sync.Mutex // guards what follows
	known  bool       // the topic was read to its end once
	depth  []Depth
	oldest time.Time
}

// Follow makes a Follower of a topic, which need not exist yet. The client stays the caller's; cfg as for Open.
func Follow(client *kgo.Client, name string, cfg Config) *Follower {
	return &Follower{client: client, name: name, cfg: cfg}
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
		f.topic = nil
		f.tell(nil)
		return nil
	}
	if err != nil {
		return err
	}
	if f.topic == nil || f.topic.ID != t.ID { // its first life, or a new one
		f.topic, f.index = t, &Index{at: make(map[Position]*Letter)}
		f.next, f.ledger, f.early = make(map[int32]int64), make(map[int32]int64), newLedger()
	}
	extent, err := t.extent(ctx, t.Name)
	if err != nil {
		return err
	}
	texts := make(texts)
	if err := f.advance(ctx, t.Name, extent, f.next, func(rec *kgo.Record) error {
		f.index.Letters = append(f.index.Letters, lean(newLetter(rec), texts))
		return nil
	}, func(b *LargeBatch) error {
		f.index.Letters = append(f.index.Letters, unreadBatch(b))
		return nil
	}); err != nil {
		return err
	}
	entries, err := t.extent(ctx, t.Name+LedgerSuffix)
	if err != nil {
		return err
	}
	if err := f.advance(ctx, t.Name+LedgerSuffix, entries, f.ledger, func(rec *kgo.Record) error { t.enter(f.early, rec); return nil },
		func(*LargeBatch) error { return nil }); err != nil {
		return err
	}
	f.settle(extent)
	f.tell(f.index.Letters)
	return nil
}

// advance reads a topic from next on, and moves next with each record, so that an error repeats none.
func (f *Follower) advance(ctx context.Context, topic string, extent Extent, next map[int32]int64, each func(*kgo.Record) error, large func(*LargeBatch) error) error {
	rest := make(Extent)
	for p, span := range extent {
		rest[p] = Range{max(span.From, next[p]), span.To}
	}
	err := f.topic.reader.read(ctx, topic, rest, func(rec *kgo.Record) error {
		next[rec.Partition] = rec.Offset + 1
		return each(rec)
	}, func(b *LargeBatch) error {
		next[b.Partition] = b.Span.To
		return large(b)
	})
	if err == nil {
		for p, span := range extent {
			next[p] = max(span.To, next[p])
		}
	}
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

// settle drops what is settled, or deleted by retention.
func (f *Follower) settle(extent Extent) {
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
}

// slug is what a code looks like; anyone can write a header, and labels must stay few.
var slug = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// mostCodes bounds how many causes are told apart.
const mostCodes = 64

func (f *Follower) tell(letters []*Letter) {
	type cause struct{ disposition, code string }
	counts := make(map[cause]int)
	var oldest time.Time
	for _, l := range letters {
		c := cause{l.Said.Disposition, l.Said.Code}
		switch {
		case l.Batch != nil:
			c = cause{"", CodeUnreadBatch}
		case l.System != deadletter.Ours:
			c = cause{"", deadletter.CodeForeign}
		case !slug.MatchString(c.code) || !slug.MatchString(c.disposition):
			c = cause{"other", "other"}
		}
		if _, ok := counts[c]; !ok && len(counts) >= mostCodes {
			c = cause{"other", "other"}
		}
		counts[c]++
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
