package dlq

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
)

// InflatedBytes is what a batch of a dead-letter topic may have in memory, given input.max_message_bytes: twice what our own writer puts into one (a letter
// is a record of at most that size, and our headers).
func InflatedBytes(maxMessageBytes int) int { return 2 * (maxMessageBytes + 1<<20) }

// newInflater makes what the readers of dead-letter topics share.
func newInflater(maxMessageBytes int) (*ranges.Inflater, error) {
	return ranges.NewInflater(InflatedBytes(maxMessageBytes), "raise input.max_message_bytes")
}

// fetchBytes is what one answer may hold, compressed: letters of one cause are alike, and a hundred times as large in memory.
const fetchBytes = 256 << 10

// reader reads whole topics.
type reader struct{ *ranges.Reader }

// read hands over the records of a topic's ranges, partition by partition, each in order, and to large the batches that are not read. An error of either
// ends it.
func (r reader) read(ctx context.Context, topic string, extent ranges.Extent, each func(*kgo.Record) error, large func(*ranges.LargeBatch) error) error {
	for _, p := range sortedKeys(extent) {
		err := r.Read(ctx, topic, p, extent[p], func(got ranges.Answer) error {
			if got.Large != nil {
				return large(got.Large)
			}
			for _, rec := range got.Records {
				if err := each(rec); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// advance reads a topic from next on, and moves next with each record, so that an error repeats none.
func (r reader) advance(ctx context.Context, topic string, extent ranges.Extent, next map[int32]int64, each func(*kgo.Record) error, large func(*ranges.LargeBatch) error) error {
	rest := make(ranges.Extent)
	for p, span := range extent {
		rest[p] = ranges.Range{From: max(span.From, next[p]), To: span.To}
	}
	err := r.read(ctx, topic, rest, func(rec *kgo.Record) error {
		next[rec.Partition] = rec.Offset + 1
		return each(rec)
	}, func(b *ranges.LargeBatch) error {
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
