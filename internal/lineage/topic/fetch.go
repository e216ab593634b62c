package topic

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetcher reads ranges of one topic exactly. A consumer would not be told where a range that ends in compacted or aborted records, or in their markers, ends.
type fetcher struct {
	client  *kgo.Client
	topic   string
	inflate kgo.Decompressor

	mu     sync.Mutex // guards detail
	detail kadm.TopicDetail
	known  bool
}

// newFetcher borrows the decompressor of a client, which alone can be given a bound; that client never connects.
func newFetcher(client *kgo.Client, topic string) (*fetcher, error) {
	lender, err := kgo.NewClient(kgo.MaxDecompressBatchBytes(batchBytes))
	if err != nil {
		return nil, err
	}
	defer lender.Close()
	inflate, ok := lender.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	if !ok {
		return nil, errors.New("the Kafka client has no decompressor to borrow")
	}
	return &fetcher{client: client, topic: topic, inflate: inflate}, nil
}

// read sends the records of a range, and tells how many offsets were passed.
func (f *fetcher) read(ctx context.Context, s span, to chan<- []*kgo.Record, passed func(int64)) error {
	for at := s.from; at < s.to; {
		recs, next, err := f.fetch(ctx, s.partition, at)
		if err != nil {
			return fmt.Errorf("reading %s[%d] at %d: %w", f.topic, s.partition, at, err)
		}
		for len(recs) > 0 && recs[len(recs)-1].Offset >= s.to {
			recs = recs[:len(recs)-1]
		}
		select {
		case to <- recs:
		case <-ctx.Done():
			return ctx.Err()
		}
		passed(min(next, s.to) - at)
		at = next
	}
	return nil
}

// fetchWithin bounds how long one place is asked for.
const fetchWithin = time.Minute

var errNoLeader = errors.New("the partition has no leader")

// fetch asks the partition's leader until there is an answer that goes on; a leader may move, and a broker be away.
func (f *fetcher) fetch(ctx context.Context, p int32, at int64) ([]*kgo.Record, int64, error) {
	for deadline := time.Now().Add(fetchWithin); ; {
		recs, next, err := f.once(ctx, p, at)
		if err == nil && next > at {
			return recs, next, nil
		}
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		again := err == nil || kerr.IsRetriable(err) || kgo.IsRetryableBrokerErr(err) || errors.Is(err, errNoLeader)
		if !again || time.Now().After(deadline) {
			if err == nil {
				err = errors.New("the broker sends nothing")
			}
			return nil, 0, err
		}
		f.forget()
		pause := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// once is one fetch, and the offset to ask for next.
func (f *fetcher) once(ctx context.Context, p int32, at int64) ([]*kgo.Record, int64, error) {
	resp, err := f.ask(ctx, p, at)
	if err != nil {
		return nil, at, err
	}
	part := &resp.Topics[0].Partitions[0]
	opts := kgo.ProcessFetchPartitionOpts{Offset: at, IsolationLevel: kgo.ReadCommitted(), Topic: f.topic, Partition: p}
	got, next := kgo.ProcessFetchPartition(opts, part, f.inflate, nil)
	if errors.Is(got.Err, kerr.OffsetOutOfRange) && got.LogStartOffset > at {
		return nil, got.LogStartOffset, nil // retention was faster
	}
	return got.Records, next, got.Err
}

func (f *fetcher) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = false
}

// leader is the topic's id and who leads a partition.
func (f *fetcher) leader(ctx context.Context, p int32) (id kadm.TopicID, leader int32, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.known {
		details, err := kadm.NewClient(f.client).ListTopics(ctx, f.topic)
		if err != nil {
			return id, 0, err
		}
		f.detail, f.known = details[f.topic], true
	}
	if f.detail.Err != nil {
		return id, 0, f.detail.Err
	}
	part, ok := f.detail.Partitions[p]
	if !ok || part.Leader < 0 {
		return id, 0, errNoLeader
	}
	return f.detail.ID, part.Leader, nil
}

// ask sends one fetch request.
func (f *fetcher) ask(ctx context.Context, p int32, at int64) (*kmsg.FetchResponse, error) {
	id, leader, err := f.leader(ctx, p)
	if err != nil {
		return nil, err
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel = 500, 1, fetchBytes, 1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = f.topic, id
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p, at, fetchBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := f.client.Broker(int(leader)).Request(ctx, req)
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
