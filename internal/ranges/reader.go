package ranges

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

// Reader reads ranges of topics, one at a time: it is not safe for concurrent use, and costs nothing but what its last answer holds.
type Reader struct {
	client  *kgo.Client
	inflate *Inflater
	bytes   int32

	topics map[string]kadm.TopicDetail // who leads their partitions, until one errs
	last   Answer                      // ranges are often read one after the other, and end inside what an answer held
}

// NewReader makes a Reader. bytes is what one answer of the brokers may hold, compressed; a batch that is larger comes alone. The client stays the caller's, and
// needs no more than the rights to read and describe a topic.
func NewReader(client *kgo.Client, inflate *Inflater, bytes int32) *Reader {
	return &Reader{client: client, inflate: inflate, bytes: bytes, topics: make(map[string]kadm.TopicDetail)}
}

// Inflater is the one that the Reader was made with.
func (r *Reader) Inflater() *Inflater { return r.inflate }

// Answer is what one fetch brought of a partition.
type Answer struct {
	Topic     string
	Partition int32
	Span      Range         // from the offset asked for to the one to ask for next
	Records   []*kgo.Record // of Span, in order
	Large     *LargeBatch   // instead of records: Span holds a batch that is not read
}

// Read hands over what a range of a partition holds, answer by answer; of one that goes beyond the range what lies within. An error of each ends it.
func (r *Reader) Read(ctx context.Context, topic string, partition int32, span Range, each func(Answer) error) error {
	for at := span.From; at < span.To; {
		got, err := r.fetch(ctx, topic, partition, at)
		if err != nil {
			return fmt.Errorf("reading %s[%d] at %d: %w", topic, partition, at, err)
		}
		at = got.Span.To
		if at > span.To {
			got.Span.To = span.To
			end, _ := slices.BinarySearchFunc(got.Records, span.To, byOffset)
			got.Records = got.Records[:end]
		}
		if err := each(got); err != nil {
			return err
		}
	}
	return nil
}

func byOffset(rec *kgo.Record, at int64) int { return cmp.Compare(rec.Offset, at) }

// within bounds how long one place is asked for.
const within = time.Minute

// fetch asks the partition's leader until there is an answer that goes on; a leader may move, and a broker be away.
func (r *Reader) fetch(ctx context.Context, topic string, p int32, at int64) (Answer, error) {
	if l := r.last; l.Topic == topic && l.Partition == p && l.Span.From <= at && at < l.Span.To {
		i, _ := slices.BinarySearchFunc(l.Records, at, byOffset)
		l.Span.From, l.Records = at, l.Records[i:]
		return l, nil
	}
	r.last = Answer{} // it is not held beside the next
	for deadline := time.Now().Add(within); ; {
		got, err := r.once(ctx, topic, p, at)
		if err == nil && got.Span.To > at {
			r.last = got
			return got, nil
		}
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		if err != nil && !again(err) || time.Now().After(deadline) {
			if err == nil {
				err = errors.New("the broker sends nothing")
			}
			return Answer{}, err
		}
		delete(r.topics, topic)
		pause := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

var errNoLeader = errors.New("the partition has no leader")

// unreachable is that a leader gave no answer: the brokers name another, or it comes back.
type unreachable struct{ error }

func (e unreachable) Unwrap() error { return e.error }

// again says whether a later attempt may do better.
func again(err error) bool {
	if code, ok := errors.AsType[*kerr.Error](err); ok {
		return code.Retriable
	}
	_, away := errors.AsType[unreachable](err)
	return away && !errors.Is(err, kgo.ErrClientClosed) || kgo.IsRetryableBrokerErr(err) || errors.Is(err, errNoLeader)
}

// once is one fetch.
func (r *Reader) once(ctx context.Context, topic string, p int32, at int64) (Answer, error) {
	resp, err := r.ask(ctx, topic, p, at)
	if err != nil {
		return Answer{}, err
	}
	out := Answer{Topic: topic, Partition: p, Span: Range{at, at}}
	part := &resp.Topics[0].Partitions[0]
	if out.Large = r.inflate.cut(topic, part, at); out.Large != nil {
		out.Span.To = out.Large.Span.To
		return out, nil //nolint:nilerr // what is not read is part of the answer
	}
	opts := kgo.ProcessFetchPartitionOpts{Offset: at, IsolationLevel: kgo.ReadCommitted(), Topic: topic, Partition: p}
	got, next := kgo.ProcessFetchPartition(opts, part, r.inflate, nil)
	if errors.Is(got.Err, kerr.OffsetOutOfRange) && got.LogStartOffset > at {
		out.Span.To = got.LogStartOffset // retention was faster
		return out, nil
	}
	if bad, ok := errors.AsType[*kgo.ErrDecompressTooLarge](got.Err); ok {
		out.Large = r.inflate.large(topic, p, Range{max(bad.Offset, at), bad.NextOffset})
		out.Span.To = bad.NextOffset
		return out, nil
	}
	out.Records, out.Span.To = got.Records, next
	return out, got.Err
}

// leader is the topic's id and who leads a partition.
func (r *Reader) leader(ctx context.Context, topic string, p int32) (id kadm.TopicID, leader int32, err error) {
	d, ok := r.topics[topic]
	if !ok {
		details, err := kadm.NewClient(r.client).ListTopics(ctx, topic)
		if err != nil {
			return id, 0, err
		}
		d = details[topic]
		r.topics[topic] = d
	}
	if d.Err != nil {
		return id, 0, d.Err
	}
	part, ok := d.Partitions[p]
	if !ok || part.Leader < 0 {
		return id, 0, errNoLeader
	}
	return d.ID, part.Leader, nil
}

// ask sends one fetch request to the partition's leader.
func (r *Reader) ask(ctx context.Context, topic string, p int32, at int64) (*kmsg.FetchResponse, error) {
	id, leader, err := r.leader(ctx, topic, p)
	if err != nil {
		return nil, err
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel = 500, 1, r.bytes, 1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = topic, id
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p, at, r.bytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := r.client.Broker(int(leader)).Request(ctx, req)
	if err != nil {
		return nil, unreachable{err}
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
