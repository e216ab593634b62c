package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/check"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
)

// lastMessages reads the last n offsets of the input, as many of each partition, without a group: nobody's offsets change. An error is that it ended before
// its time.
func lastMessages(ctx context.Context, cfg *config.Config, client *kgo.Client, in check.Input, cluster *check.Cluster, n int, each func(*kgo.Record)) error {
	topics, err := in.Expand(ctx, cluster)
	if err != nil || len(topics) == 0 {
		return err
	}
	from, to, err := lastOffsets(ctx, client, topics, n)
	if err != nil || len(to) == 0 {
		return err
	}
	opts, err := kafkaclient.OptsLive(cfg.Kafka, liveProperties(cfg, "kafka"))
	if err != nil {
		return err
	}
	reader, err := kgo.NewClient(append(opts, kgo.ConsumePartitions(from), kgo.KeepControlRecords(), kgo.MaxDecompressBatchBytes(max(2*cfg.Input.MaxMessageBytes, leastBatch)),
		kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20))...)
	if err != nil {
		return err
	}
	defer reader.Close()
	return readTo(ctx, reader, to, each)
}

// leastBatch is what a batch of messages may inflate to in any case.
const leastBatch = 8 << 20

// partition is one of a topic.
type partition struct {
	topic  string
	number int32
}

// lastOffsets are from which offset to which (not included) each partition that holds something is read. A topic that may not be read does not keep
// others from it.
func lastOffsets(ctx context.Context, client *kgo.Client, topics []string, n int) (map[string]map[int32]kgo.Offset, map[partition]int64, error) {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, nil, err
	}
	ends, err := admin.ListCommittedOffsets(ctx, topics...) // behind the last stable one a transaction is open
	if err != nil {
		return nil, nil, err
	}
	to := make(map[partition]int64)
	starts.Each(func(o kadm.ListedOffset) {
		if end, ok := ends.Lookup(o.Topic, o.Partition); ok && o.Err == nil && end.Err == nil && end.Offset > o.Offset {
			to[partition{o.Topic, o.Partition}] = end.Offset
		}
	})
	if len(to) == 0 {
		return nil, nil, errors.Join(starts.Error(), ends.Error())
	}
	from := make(map[string]map[int32]kgo.Offset)
	for p, end := range to {
		start, _ := starts.Lookup(p.topic, p.number)
		share := int64((n + len(to) - 1) / len(to))
		if from[p.topic] == nil {
			from[p.topic] = make(map[int32]kgo.Offset)
		}
		from[p.topic][p.number] = kgo.NewOffset().At(max(start.Offset, end-share))
	}
	return from, to, nil
}

// readTo hands over records until every partition is read up to its end, or cannot be.
func readTo(ctx context.Context, reader *kgo.Client, to map[partition]int64, each func(*kgo.Record)) (err error) {
	for len(to) > 0 {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return cmp.Or(err, ctx.Err())
		}
		for _, fault := range fetches.Errors() {
			err = fmt.Errorf("reading %s[%d]: %w", fault.Topic, fault.Partition, fault.Err)
			delete(to, partition{fault.Topic, fault.Partition})
			if fault.Topic == "" {
				return err
			}
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			p := partition{rec.Topic, rec.Partition}
			end, wanted := to[p]
			if wanted && rec.Offset < end && !rec.Attrs.IsControl() {
				each(rec)
			}
			if wanted && rec.Offset+1 >= end {
				delete(to, p)
			}
		})
	}
	return err
}
