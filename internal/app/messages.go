package app

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/check"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/ranges"
)

// lastMessages reads the last n offsets of the input, as many of each partition, without a group: nobody's offsets change. An error is that some could not be read,
// kgo.ErrMaxDecompress that a batch is too large for that.
func lastMessages(ctx context.Context, cfg *config.Config, client *kgo.Client, in check.Input, cluster *check.Cluster, n int, each func(*kgo.Record)) error {
	topics, err := in.Expand(ctx, cluster)
	if err != nil || len(topics) == 0 {
		return err
	}
	spans, err := lastOffsets(ctx, client, topics, n)
	if err != nil || len(spans) == 0 {
		return err
	}
	inflate, err := ranges.NewInflater(max(2*cfg.Input.MaxMessageBytes, leastBatch), "")
	if err != nil {
		return err
	}
	reader := ranges.NewReader(client, inflate, 1<<20)
	order := func(a, b partition) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.number, b.number))
	}
	var failed error // one that may not be read does not keep others from it
	for _, p := range slices.SortedFunc(maps.Keys(spans), order) {
		err := reader.Read(ctx, p.topic, p.number, spans[p], func(got ranges.Answer) error {
			if got.Large != nil {
				failed = cmp.Or(failed, kgo.ErrMaxDecompress)
			}
			for _, rec := range got.Records {
				each(rec)
			}
			return nil
		})
		if ctx.Err() != nil {
			return cmp.Or(failed, ctx.Err())
		}
		failed = cmp.Or(failed, err)
	}
	return failed
}

// leastBatch is what a batch of messages may inflate to in any case.
const leastBatch = 8 << 20

// partition is one of a topic.
type partition struct {
	topic  string
	number int32
}

// lastOffsets are which range of each partition that holds something is read. A topic that may not be read does not keep others from it.
func lastOffsets(ctx context.Context, client *kgo.Client, topics []string, n int) (map[partition]ranges.Range, error) {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListCommittedOffsets(ctx, topics...) // behind the last stable one a transaction is open
	if err != nil {
		return nil, err
	}
	out := make(map[partition]ranges.Range)
	starts.Each(func(o kadm.ListedOffset) {
		if end, ok := ends.Lookup(o.Topic, o.Partition); ok && o.Err == nil && end.Err == nil && end.Offset > o.Offset {
			out[partition{o.Topic, o.Partition}] = ranges.Range{From: o.Offset, To: end.Offset}
		}
	})
	if len(out) == 0 {
		return nil, errors.Join(starts.Error(), ends.Error())
	}
	share := int64((n + len(out) - 1) / len(out))
	for p, span := range out {
		out[p] = ranges.Range{From: max(span.From, span.To-share), To: span.To}
	}
	return out, nil
}
