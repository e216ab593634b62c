package dlq

import (
	"cmp"
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Index is every letter that a topic held at one moment, in the order of partition and offset.
type Index struct {
	Letters []*Letter
	Extent  ranges.Extent
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
		func(b *ranges.LargeBatch) error { ix.add(unreadBatch(b)); return nil })
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
		if made, ok := l.made[s.place]; ok && letter.System == deadletter.Ours && letter.Said.Timestamp.UnixMilli() == made.ms {
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
