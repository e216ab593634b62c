package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reader reads ranges of topics exactly: every committed record, and it knows that it has passed a range that holds none (compaction,
// aborted transactions and their markers leave gaps at the end too), which a consumer is not told.
type reader struct {
	client  *kgo.Client
	inflate *inflater
	last    answer // chunks are read one after the other, and end inside what an answer held
}

// answer is what one fetch brought.
type answer struct {
	topic     string
	partition int32
	span      Range // from the offset asked for to the one to ask for next
	recs      []*kgo.Record
	large     *LargeBatch // instead of records: the span holds a batch that is not read
}

// fetchBytes is what one answer may hold, compressed: letters of one cause are alike, and a hundred times as large in memory. A batch that is larger
// comes alone.
const fetchBytes = 256 << 10

// read hands over the records of a topic's ranges, partition by partition, each in order, and to large the batches that are not read. An error of either
// ends it.
func (r *reader) read(ctx context.Context, topic string, extent Extent, each func(*kgo.Record) error, large func(*LargeBatch) error) error {
	for _, p := range sortedKeys(extent) {
		span := extent[p]
		for at := span.From; at < span.To; {
			got, err := r.fetch(ctx, topic, p, at)
			if err != nil {
				return fmt.Errorf("reading %s[%d] at %d: %w", topic, p, at, err)
			}
			if got.large != nil {
				if err := large(got.large); err != nil {
					return err
				}
			}
			for _, rec := range got.recs {
				if rec.Offset >= span.To {
					break
				}
				if err := each(rec); err != nil {
					return err
				}
			}
			at = got.span.To
		}
	}
	return nil
}

// fetch asks the partition's leader until there is an answer that goes on; a leader may move, and a broker be away.
func (r *reader) fetch(ctx context.Context, topic string, p int32, at int64) (answer, error) {
	if l := r.last; l.topic == topic && l.partition == p && l.span.From <= at && at < l.span.To {
		i, _ := slices.BinarySearchFunc(l.recs, at, func(rec *kgo.Record, at int64) int { return cmp.Compare(rec.Offset, at) })
		l.recs = l.recs[i:]
		return l, nil
	}
	deadline := time.Now().Add(fetchWithin)
	for {
		got, err := r.once(ctx, topic, p, at)
		if err == nil && got.span.To > at || err != nil && !again(err) || ctx.Err() != nil {
			if err = errors.Join(err, ctx.Err()); err == nil {
				r.last = got
			}
			return got, err
		}
		if time.Now().After(deadline) {
			if err == nil {
				err = errors.New("the broker sends nothing")
			}
			return answer{}, err
		}
		pause := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// fetchWithin bounds how long one place is asked for.
const fetchWithin = time.Minute

// again says whether a later attempt may do better.
func again(err error) bool {
	return kerr.IsRetriable(err) || kgo.IsRetryableBrokerErr(err) || errors.Is(err, errNoLeader)
}

var errNoLeader = errors.New("the partition has no leader")

// once is one fetch.
func (r *reader) once(ctx context.Context, topic string, p int32, at int64) (answer, error) {
	resp, err := r.ask(ctx, topic, p, at)
	if err != nil {
		return answer{}, err
	}
	out := answer{topic: topic, partition: p, span: Range{at, at}}
	part := &resp.Topics[0].Partitions[0]
	if out.large = r.inflate.cut(topic, part, at); out.large != nil {
		out.span.To = out.large.Span.To
		return out, nil //nolint:nilerr // what is not read is part of the answer
	}
	opts := kgo.ProcessFetchPartitionOpts{Offset: at, IsolationLevel: kgo.ReadCommitted(), Topic: topic, Partition: p}
	got, next := kgo.ProcessFetchPartition(opts, part, r.inflate, nil)
	if errors.Is(got.Err, kerr.OffsetOutOfRange) && got.LogStartOffset > at {
		out.span.To = got.LogStartOffset // retention was faster
		return out, nil
	}
	if bad, ok := errors.AsType[*kgo.ErrDecompressTooLarge](got.Err); ok {
		out.large = &LargeBatch{Topic: topic, Partition: p, Span: Range{max(bad.Offset, at), bad.NextOffset}, Most: r.inflate.most}
		out.span.To = bad.NextOffset
		return out, nil
	}
	out.recs, out.span.To = got.Records, next
	return out, got.Err
}

// ask sends one fetch request to the partition's leader.
func (r *reader) ask(ctx context.Context, topic string, p int32, at int64) (*kmsg.FetchResponse, error) {
	details, err := kadm.NewClient(r.client).ListTopics(ctx, topic)
	if err != nil {
		return nil, err
	}
	d := details[topic]
	leader := int32(-1)
	if part, ok := d.Partitions[p]; ok {
		leader = part.Leader
	}
	if d.Err != nil {
		return nil, d.Err
	}
	if leader < 0 {
		return nil, errNoLeader
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel = 500, 1, fetchBytes, 1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = topic, d.ID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p, at, fetchBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := r.client.Broker(int(leader)).Request(ctx, req)
	if err != nil {
		return nil, err
	}
	resp := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, errors.New("the broker answers about another partition")
	}
	return resp, nil
}
