package dlq

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
)

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

// one is the record at an exact place of a topic; nil if it is not there (any more). A *ranges.LargeBatch as error: it lies in one.
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
	err = t.reader.read(ctx, topic, ranges.Extent{p.Partition: {From: p.Offset, To: p.Offset + 1}}, func(rec *kgo.Record) error { found = rec; return nil },
		func(b *ranges.LargeBatch) error { return b })
	return found, err
}

// Records reads letters whole, by their positions; one that retention has deleted is nil.
func (t *Topic) Records(ctx context.Context, letters []*Letter) (map[Position]*kgo.Record, error) {
	want := make(map[Position]*kgo.Record, len(letters))
	spans := make(ranges.Extent)
	for _, l := range letters {
		want[l.Position] = nil
		span, ok := spans[l.Partition]
		if !ok {
			span = ranges.Range{From: l.Offset, To: l.Offset}
		}
		spans[l.Partition] = ranges.Range{From: min(span.From, l.Offset), To: max(span.To, l.Offset+1)}
	}
	err := t.reader.read(ctx, t.Name, spans, func(rec *kgo.Record) error {
		at := Position{rec.Partition, rec.Offset}
		if _, ok := want[at]; ok {
			want[at] = rec
		}
		return nil
	}, func(*ranges.LargeBatch) error { return nil }) // its entry says so
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
