// Package dlq is the dead-letter topic as a collection: letters that can be listed, looked at, replayed and discarded, each once.
//
// Which letters are settled is kept in Kafka itself, in a compacted ledger topic that is written in the same transaction as
// what settles a letter, so that two operators on two machines see the same truth and a replay that was killed goes on where it was.
package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The topics that belong to a dead-letter topic.
const (
	LedgerSuffix     = ".ledger"     // which letters are settled, and how; compacted
	AuditSuffix      = ".audit"      // who did what to which letter, and when
	QuarantineSuffix = ".quarantine" // letters that were replayed too often; itself a dead-letter topic
)

// Topic is a dead-letter topic. Make it with Open.
type Topic struct {
	Name   string
	ID     string // its topic id in hexadecimal, which a topic that is made anew does not share
	client *kgo.Client
	admin  *kadm.Client
	reader *reader
}

// Position is a place in the dead-letter topic.
type Position struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

func (p Position) String() string {
	return strconv.Itoa(int(p.Partition)) + "/" + strconv.FormatInt(p.Offset, 10)
}

// ErrNoTopic is that the dead-letter topic does not exist: nothing was ever buried.
var ErrNoTopic = errors.New("the topic does not exist: nothing was buried, or its name is another")

// Open asks the brokers for the topic. The client stays the caller's.
func Open(ctx context.Context, client *kgo.Client, name string) (*Topic, error) {
	t := &Topic{Name: name, client: client, admin: kadm.NewClient(client), reader: &reader{client: client}}
	details, err := t.admin.ListTopics(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("asking for topic %s: %w", name, err)
	}
	d := details[name]
	if errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
		return nil, fmt.Errorf("%s: %w", name, ErrNoTopic)
	}
	if d.Err != nil {
		return nil, fmt.Errorf("asking for topic %s: %w", name, d.Err)
	}
	t.ID = fmt.Sprintf("%x", d.ID[:])
	return t, nil
}

// Extent is from which offset to which (not included) each partition is read.
type Extent map[int32]Range

// Range is from which offset to which (not included) a partition is read.
type Range struct{ From, To int64 }

// extent is what a topic holds now: from the log's start to the last stable offset, behind which a transaction is open. Nothing for one that
// does not exist.
func (t *Topic) extent(ctx context.Context, topic string) (Extent, error) {
	starts, err := t.admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking where %s begins: %w", topic, err)
	}
	ends, err := t.admin.ListCommittedOffsets(ctx, topic)
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

// reader reads ranges of topics exactly: every committed record, and it knows that it has passed a range that holds none (compaction,
// aborted transactions and their markers leave gaps at the end too), which a consumer is not told.
type reader struct {
	client *kgo.Client
	last   answer // chunks are read one after the other, and end inside what an answer held
}

// answer is what one fetch brought.
type answer struct {
	topic     string
	partition int32
	span      Range // from the offset asked for to the one to ask for next
	recs      []*kgo.Record
}

// fetchBytes is what one answer may hold, compressed: letters of one cause are alike, and a hundred times as large in memory. A batch that is larger
// comes alone.
const fetchBytes = 256 << 10

// read hands over the records of a topic's ranges, partition by partition, each in order. An error of each ends it.
func (r *reader) read(ctx context.Context, topic string, extent Extent, each func(*kgo.Record) error) error {
	for _, p := range sortedKeys(extent) {
		span := extent[p]
		for at := span.From; at < span.To; {
			got, next, err := r.fetch(ctx, topic, p, at)
			if err != nil {
				return fmt.Errorf("reading %s[%d] at %d: %w", topic, p, at, err)
			}
			for _, rec := range got {
				if rec.Offset >= span.To {
					break
				}
				if err := each(rec); err != nil {
					return err
				}
			}
			at = next
		}
	}
	return nil
}

// fetch asks the partition's leader until there is an answer that goes on; a leader may move, and a broker be away.
func (r *reader) fetch(ctx context.Context, topic string, p int32, at int64) (recs []*kgo.Record, next int64, err error) {
	if l := &r.last; l.topic == topic && l.partition == p && l.span.From <= at && at < l.span.To {
		i, _ := slices.BinarySearchFunc(l.recs, at, func(rec *kgo.Record, at int64) int { return cmp.Compare(rec.Offset, at) })
		return l.recs[i:], l.span.To, nil
	}
	defer func() {
		if err == nil {
			r.last = answer{topic, p, Range{at, next}, recs}
		}
	}()
	deadline := time.Now().Add(fetchWithin)
	for {
		recs, next, err = r.once(ctx, topic, p, at)
		if err == nil && next > at || err != nil && !again(err) || ctx.Err() != nil {
			return recs, next, errors.Join(err, ctx.Err())
		}
		if time.Now().After(deadline) {
			if err == nil {
				err = errors.New("the broker sends nothing")
			}
			return nil, at, err
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
func (r *reader) once(ctx context.Context, topic string, p int32, at int64) ([]*kgo.Record, int64, error) {
	details, err := kadm.NewClient(r.client).ListTopics(ctx, topic)
	if err != nil {
		return nil, at, err
	}
	d := details[topic]
	leader := int32(-1)
	if part, ok := d.Partitions[p]; ok {
		leader = part.Leader
	}
	if d.Err != nil {
		return nil, at, d.Err
	}
	if leader < 0 {
		return nil, at, errNoLeader
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
		return nil, at, err
	}
	resp := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, at, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, at, errors.New("the broker answers about another partition")
	}
	opts := kgo.ProcessFetchPartitionOpts{Offset: at, IsolationLevel: kgo.ReadCommitted(), Topic: topic, Partition: p}
	got, next := kgo.ProcessFetchPartition(opts, &resp.Topics[0].Partitions[0], kgo.DefaultDecompressor(), nil)
	if errors.Is(got.Err, kerr.OffsetOutOfRange) && got.LogStartOffset > at {
		return nil, got.LogStartOffset, nil // retention was faster
	}
	return got.Records, next, got.Err
}
