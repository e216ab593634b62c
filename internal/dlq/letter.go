package dlq

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// State is what became of a letter.
type State string

// The states. All but Pending are settled.
const (
	Pending     State = "pending"
	Replayed    State = "replayed"
	Discarded   State = "discarded"
	Quarantined State = "quarantined"
	Superseded  State = "superseded" // a later letter tells the same story
)

// The codes of what is in the topic and is no letter.
const (
	CodeNoLetter    = "no_letter"    // a record that is nobody's letter
	CodeUnreadBatch = "unread_batch" // the records of a batch that is not read: see LargeBatch
)

// Letter is a letter of the topic and what became of it. It has no value: a topic may hold more of those than memory does.
type Letter struct {
	Position
	Said   deadletter.Letter // what its headers say
	System deadletter.System // whose letter; empty: nobody's
	Fault  string            // what of its headers could not be read, or why the batch was not
	Batch  *LargeBatch       // it stands for all records of a batch that is not read; else nil
	At     time.Time         // its own record time
	Key    []byte
	Bytes  int // of key, value and headers
	State  State
	Entry  Entry // of the ledger; zero if Pending or Superseded
}

// story is what two letters about one record share.
type story struct {
	topic     string
	partition int32
	offset    int64
	group     string
}

// unreadable says what keeps a letter from being put back: of ours, what can't be read would be taken for zero.
func (l *Letter) unreadable() string {
	if l.System == deadletter.Ours || l.System == "" {
		return l.Fault
	}
	return "" // of other systems only the place is lost, and the key finds one
}

// story is false for a letter that does not say where its record lay: it stands for itself.
func (l *Letter) story() (story, bool) {
	if l.unreadable() != "" || l.System == "" || l.Said.Topic == "" || l.Said.Partition < 0 {
		return story{}, false
	}
	return story{l.Said.Topic, l.Said.Partition, l.Said.Offset, l.Said.Group}, true
}

// Source is the letter's place in its source topic. (Position is its place in the dead-letter topic.)
func (l *Letter) Source() Position { return Position{l.Said.Partition, l.Said.Offset} }

// Index is every letter that a topic held at one moment, in the order of partition and offset.
type Index struct {
	Letters []*Letter
	Extent  Extent
	at      map[Position]*Letter
	texts   texts
}

// texts holds each text once: letters are many, and what they say is much the same.
type texts map[string]string

func (t texts) once(s *string) {
	if known, ok := t[*s]; ok {
		*s = known
	} else {
		t[*s] = *s
	}
}

// share lets a letter use the texts of those before it.
func (t texts) share(l *Letter) {
	for _, s := range []*string{&l.Said.Topic, &l.Said.Group, &l.Said.Stage, &l.Said.Disposition, &l.Said.Code, &l.Said.Error, &l.Said.Part, &l.Said.Reference, &l.Fault} {
		t.once(s)
	}
}

// Load reads the topic up to its end at the call, and the ledger.
func (t *Topic) Load(ctx context.Context) (*Index, error) {
	extent, err := t.extent(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	// The ledger is read after the end was asked for: what it settles of later letters does no harm, what it lacks would.
	ix := &Index{Extent: extent, at: make(map[Position]*Letter), texts: make(texts)}
	err = t.reader.read(ctx, t.Name, extent, func(rec *kgo.Record) error { ix.add(newLetter(rec)); return nil },
		func(b *LargeBatch) error { ix.add(unreadBatch(b)); return nil })
	if err != nil {
		return nil, err
	}
	entries, err := t.ledger(ctx)
	if err != nil {
		return nil, err
	}
	ix.judge(entries)
	return ix, nil
}

func (ix *Index) add(l *Letter) {
	ix.texts.share(l)
	ix.Letters = append(ix.Letters, l)
	ix.at[l.Position] = l
}

// unreadBatch is the one entry that stands for the records of a batch that is not read.
func unreadBatch(b *LargeBatch) *Letter {
	return &Letter{Position: Position{b.Partition, b.Span.From}, Fault: b.Error(), Batch: b, State: Pending,
		Said: deadletter.Letter{Code: CodeUnreadBatch, Error: b.Error(), Partition: deadletter.UnknownPartition}}
}

func newLetter(rec *kgo.Record) *Letter {
	inner, system, err := deadletter.Read(rec)
	l := &Letter{Position: Position{rec.Partition, rec.Offset}, Said: inner, System: system, At: rec.Timestamp, Key: bytes.Clone(rec.Key), State: Pending}
	if err != nil {
		l.Fault = err.Error()
	}
	if system == "" {
		l.Said.Code, l.Said.Error, l.Said.FailedAt, l.Said.Partition = CodeNoLetter, l.Fault, rec.Timestamp, deadletter.UnknownPartition
	}
	l.Bytes = len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		l.Bytes += len(h.Key) + len(h.Value)
	}
	return l
}

// judge gives every letter its state: what the ledger says, and of the letters of one story only the latest is pending.
func (ix *Index) judge(entries map[Position]Entry) {
	latest := make(map[story]*Letter)
	for _, l := range ix.Letters {
		l.State, l.Entry = Pending, Entry{}
		if e, ok := entries[l.Position]; ok {
			l.State, l.Entry = e.State, e
		}
		if s, ok := l.story(); ok && (latest[s] == nil || later(l, latest[s])) {
			latest[s] = l
		}
	}
	for _, l := range ix.Letters {
		if s, ok := l.story(); ok && l.State == Pending && latest[s] != l {
			l.State = Superseded
		}
	}
}

// later says whether a was written after b, of two letters of one story.
func later(a, b *Letter) bool {
	return cmp.Or(cmp.Compare(a.Said.Replays, b.Said.Replays), a.At.Compare(b.At), cmp.Compare(a.Partition, b.Partition),
		cmp.Compare(a.Offset, b.Offset)) > 0
}

// At is the letter at a position; nil if there is none.
func (ix *Index) At(p Position) *Letter { return ix.at[p] }

// Story is every letter about l's record, oldest first, l among them.
func (ix *Index) Story(l *Letter) []*Letter {
	s, ok := l.story()
	if !ok {
		return []*Letter{l}
	}
	var out []*Letter
	for _, other := range ix.Letters {
		if o, ok := other.story(); ok && o == s {
			out = append(out, other)
		}
	}
	slices.SortStableFunc(out, func(a, b *Letter) int {
		if later(a, b) {
			return 1
		}
		return -1
	})
	return out
}

// Record reads a letter whole; nil if retention has deleted it.
func (t *Topic) Record(ctx context.Context, p Position) (*kgo.Record, error) {
	return t.one(ctx, t.Name, p)
}

// Original reads the record that a reference letter is about; nil if its topic does not retain it any more.
func (t *Topic) Original(ctx context.Context, l *Letter) (*kgo.Record, error) {
	return t.one(ctx, l.Said.Topic, l.Source())
}

// one is the record at an exact place of a topic; nil if it is not there (any more). A *LargeBatch as error: it lies in one.
func (t *Topic) one(ctx context.Context, topic string, p Position) (*kgo.Record, error) {
	extent, err := t.extent(ctx, topic)
	if err != nil {
		return nil, err
	}
	span, ok := extent[p.Partition]
	if !ok || p.Offset < span.From || p.Offset >= span.To {
		return nil, nil
	}
	var found *kgo.Record
	err = t.reader.read(ctx, topic, Extent{p.Partition: {p.Offset, p.Offset + 1}}, func(rec *kgo.Record) error { found = rec; return nil },
		func(b *LargeBatch) error { return b })
	return found, err
}

// whole reads letters whole, by their positions; one that retention has deleted is nil.
func (t *Topic) whole(ctx context.Context, letters []*Letter) (map[Position]*kgo.Record, error) {
	want := make(map[Position]*kgo.Record, len(letters))
	spans := make(Extent)
	for _, l := range letters {
		want[l.Position] = nil
		span, ok := spans[l.Partition]
		if !ok {
			span = Range{l.Offset, l.Offset}
		}
		spans[l.Partition] = Range{min(span.From, l.Offset), max(span.To, l.Offset+1)}
	}
	err := t.reader.read(ctx, t.Name, spans, func(rec *kgo.Record) error {
		at := Position{rec.Partition, rec.Offset}
		if _, ok := want[at]; ok {
			want[at] = rec
		}
		return nil
	}, func(*LargeBatch) error { return nil }) // its entry says so
	return want, err
}

// Whole hands over letters with their records, in the order of letters; one that retention has deleted is passed over.
func (t *Topic) Whole(ctx context.Context, letters []*Letter, each func(*Letter, *kgo.Record) error) error {
	for len(letters) > 0 {
		n := chunk(letters, chunkLetters)
		recs, err := t.whole(ctx, letters[:n])
		if err != nil {
			return err
		}
		for _, l := range letters[:n] {
			if rec := recs[l.Position]; rec != nil {
				if err := each(l, rec); err != nil {
					return err
				}
			}
		}
		letters = letters[n:]
	}
	return nil
}
