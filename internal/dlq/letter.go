package dlq

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// State is what became of a letter.
type State string

// The states. All but Pending and Unclear are settled.
const (
	Pending     State = "pending"
	Replayed    State = "replayed"
	Discarded   State = "discarded"
	Quarantined State = "quarantined"
	Superseded  State = "superseded" // a later letter is about the same record
	Unclear     State = "unclear"    // the ledger's entry cannot be read: it is not replayed, since it may have been, and can be discarded
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
	first  place // where its record was read first, if the ledger knows it for a replay's; else zero
}

// place is a record's place in a topic.
type place struct {
	topic     string
	partition int32
	offset    int64
}

func (p place) String() string { return p.topic + "/" + Position{p.partition, p.offset}.String() }

// parsePlace reads what String makes; false if it is none.
func parsePlace(s string) (place, bool) {
	topic, rest, ok := strings.Cut(s, "/")
	at, err := ParsePosition(rest)
	return place{topic, at.Partition, at.Offset}, ok && err == nil
}

// subject is what two letters about one record share: several groups give up one record each for itself.
type subject struct {
	place
	group string
}

// Unreadable says what keeps a letter from being put back; empty if nothing does. Of ours, what can't be read would be taken for zero.
func (l *Letter) Unreadable() string {
	if l.System == deadletter.Ours || l.System == "" {
		return l.Fault
	}
	return "" // of other systems only the place is lost, and the key finds one
}

// subject is false for a letter that does not say where its record lay: it stands for itself.
func (l *Letter) subject() (subject, bool) {
	if l.Unreadable() != "" || l.System == "" || l.Said.Topic == "" || l.Said.Partition < 0 {
		return subject{}, false
	}
	return subject{place{l.Said.Topic, l.Said.Partition, l.Said.Offset}, l.Said.Group}, true
}

// First is where the letter's record was read first, before any replay of it, as the ledger knows.
func (l *Letter) First() deadletter.Origin {
	o := l.Said.First()
	if l.first.topic != "" {
		o.Topic, o.Partition, o.Offset = l.first.topic, l.first.partition, l.first.offset
	}
	return o
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
	ix, _, err := t.load(ctx)
	return ix, err
}

func (t *Topic) load(ctx context.Context) (*Index, *ledger, error) {
	extent, err := t.extent(ctx, t.Name)
	if err != nil {
		return nil, nil, err
	}
	ix := &Index{Extent: extent, at: make(map[Position]*Letter), texts: make(texts)}
	err = t.reader.read(ctx, t.Name, extent, func(rec *kgo.Record) error { ix.add(newLetter(rec)); return nil },
		func(b *LargeBatch) error { ix.add(unreadBatch(b)); return nil })
	if err != nil {
		return nil, nil, err
	}
	// The ledger is read after the end was asked for: what it settles of later letters does no harm, what it lacks would.
	entries, err := t.ledger(ctx)
	if err != nil {
		return nil, nil, err
	}
	ix.settle(entries)
	return ix, entries, nil
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
	l := &Letter{Position: Position{rec.Partition, rec.Offset}, Said: inner, System: system, At: deadletter.Near(rec.Timestamp), Key: shortKey(rec.Key), State: Pending}
	if err != nil {
		l.Fault = err.Error()
	}
	if system == "" {
		l.Said.Code, l.Said.Error, l.Said.FailedAt, l.Said.Partition = CodeNoLetter, l.Fault, l.At, deadletter.UnknownPartition
	}
	l.Bytes = len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		l.Bytes += len(h.Key) + len(h.Value)
	}
	return l
}

// maxKeyBytes is what the index keeps of a key: letters are many, and a key may be as large as a record.
const maxKeyBytes = 1 << 10

// shortKey is a key, or of a long one its beginning and a hash by which it still differs from others.
func shortKey(key []byte) []byte {
	if len(key) <= maxKeyBytes {
		return bytes.Clone(key)
	}
	return fmt.Appendf(nil, "%s…%x", key[:maxKeyBytes], sha256.Sum256(key))
}

// settle gives every letter its state: what the ledger says, and of the letters about one record only the latest is pending. What a letter says of earlier replays
// of its record counts only as far as the ledger knows them.
func (ix *Index) settle(l *ledger) {
	latest := make(map[subject]*Letter)
	for _, letter := range ix.Letters {
		letter.State, letter.Entry = Pending, Entry{}
		if e, ok := l.entries[letter.Position]; ok {
			letter.State, letter.Entry = e.State, e
		}
		s, ok := letter.subject()
		if !ok {
			continue
		}
		if made, ok := l.made[s.place]; ok && letter.System == deadletter.Ours {
			letter.first, letter.Said.Replays = made.first, max(made.replays, letter.Said.Replays)
		}
		if latest[s] == nil || later(letter, latest[s]) {
			latest[s] = letter
		}
	}
	for _, letter := range ix.Letters {
		if s, ok := letter.subject(); ok && letter.State == Pending && latest[s] != letter {
			letter.State = Superseded
		}
	}
}

// later says whether a was written after b, of two letters about one record.
func later(a, b *Letter) bool {
	return cmp.Or(cmp.Compare(a.Said.Replays, b.Said.Replays), a.At.Compare(b.At), cmp.Compare(a.Partition, b.Partition),
		cmp.Compare(a.Offset, b.Offset)) > 0
}

// At is the letter at a position; nil if there is none.
func (ix *Index) At(p Position) *Letter { return ix.at[p] }

// History is every letter about l's record, before its replays and after, oldest first, l among them.
func (ix *Index) History(l *Letter) []*Letter {
	of := func(l *Letter) (subject, bool) {
		s, ok := l.subject()
		if l.first.topic != "" {
			s.place = l.first
		}
		return s, ok
	}
	s, ok := of(l)
	if !ok {
		return []*Letter{l}
	}
	var out []*Letter
	for _, other := range ix.Letters {
		if o, ok := of(other); ok && o == s {
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

// Original reads the record that a reference letter is about; nil if its topic does not retain it any more, or is none whose letters these may be (see IsInput):
// nobody gets to see a record of another topic by a letter that claims to be about it.
func (t *Topic) Original(ctx context.Context, l *Letter) (*kgo.Record, error) {
	if !t.IsInput(l.Said.Topic) || l.Unreadable() != "" {
		return nil, nil
	}
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

// Records reads letters whole, by their positions; one that retention has deleted is nil.
func (t *Topic) Records(ctx context.Context, letters []*Letter) (map[Position]*kgo.Record, error) {
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

// MaxChunk is how many letters go in one transaction at most, and chunkBytes how large they may be together.
const (
	MaxChunk   = 500
	chunkBytes = 64 << 20
)

// Chunk is how many letters, from the first on, are taken together: at most so many, and few enough to be held in memory.
func Chunk(letters []*Letter, most int) int {
	size := 0
	for i, l := range letters {
		size += l.Bytes
		if i == most || i > 0 && size > chunkBytes {
			return i
		}
	}
	return len(letters)
}

// Whole hands over letters with their records, in the order of letters; one that retention has deleted is passed over.
func (t *Topic) Whole(ctx context.Context, letters []*Letter, each func(*Letter, *kgo.Record) error) error {
	for len(letters) > 0 {
		n := Chunk(letters, MaxChunk)
		recs, err := t.Records(ctx, letters[:n])
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
