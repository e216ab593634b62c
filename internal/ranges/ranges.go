// Package ranges reads ranges of topics exactly: every committed record, within a bound of memory, and it tells that it has passed a range that ends in none
// (compaction, aborted transactions and their markers leave gaps there), which a consumer is not told. It joins no group and commits nothing.
package ranges

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Range is from which offset to which (not included) a partition is read.
type Range struct{ From, To int64 }

// Extent is the Range of each partition of a topic.
type Extent map[int32]Range

// ExtentOf is what a topic holds now: from the log's start to the last stable offset, behind which a transaction is open. It is nil for a topic that does not
// exist.
func ExtentOf(ctx context.Context, admin *kadm.Client, topic string) (Extent, error) {
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking where %s begins: %w", topic, err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("asking where %s ends: %w", topic, err)
	}
	out := make(Extent)
	starts.Each(func(o kadm.ListedOffset) {
		if end, ok := ends.Lookup(topic, o.Partition); ok {
			out[o.Partition] = Range{From: o.Offset, To: end.Offset}
		}
	})
	return out, nil
}
