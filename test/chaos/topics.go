package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// cluster is Kafka as segmentio/kafka-go sees it: not the product's own client, so that one client's mistake can't hide in the
// other.
type cluster struct {
	client     *kafka.Client
	transport  *kafka.Transport
	partitions int
}

func newCluster(servers string, partitions int) *cluster {
	tr := &kafka.Transport{Dial: (&net.Dialer{}).DialContext}
	return &cluster{transport: tr, partitions: partitions,
		client: &kafka.Client{Addr: kafka.TCP(strings.Split(servers, ",")...), Transport: tr, Timeout: 20 * time.Second}}
}

func (c *cluster) close() { c.transport.CloseIdleConnections() }

// retry tries until it works: right after a start, or while a broker restarts, much does not.
func retry(ctx context.Context, what string, try func() error) error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		err := try()
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (c *cluster) create(ctx context.Context, replicas int, topics ...string) error {
	var configs []kafka.TopicConfig
	for _, t := range topics {
		configs = append(configs, kafka.TopicConfig{Topic: t, NumPartitions: c.partitions, ReplicationFactor: replicas})
	}
	return retry(ctx, "creating topics", func() error {
		answer, err := c.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: configs})
		if err != nil {
			return err
		}
		for _, err := range answer.Errors {
			if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
				return err
			}
		}
		_, err = c.ends(ctx, topics[len(topics)-1])
		return err
	})
}

// publish writes every record to the partition of its key, in order, and notes its place.
func (c *cluster) publish(ctx context.Context, topic string, kinds []kind, keys int) (partition []int16, offset []int32, err error) {
	partition, offset = make([]int16, len(kinds)), make([]int32, len(kinds))
	byPartition := make([][]int, c.partitions)
	for i := range kinds {
		p := i % keys % c.partitions
		partition[i] = int16(p)
		byPartition[p] = append(byPartition[p], i)
	}
	var wg sync.WaitGroup
	errs := make([]error, c.partitions)
	for p, all := range byPartition {
		wg.Go(func() {
			for len(all) > 0 && errs[p] == nil {
				now := all[:min(len(all), 400)]
				all = all[len(now):]
				errs[p] = c.produce(ctx, topic, p, now, kinds, keys, offset)
			}
		})
	}
	wg.Wait()
	return partition, offset, errors.Join(errs...)
}

func (c *cluster) produce(ctx context.Context, topic string, p int, now []int, kinds []kind, keys int, offset []int32) error {
	records := make([]kafka.Record, len(now))
	for n, i := range now {
		records[n] = kafka.Record{Key: kafka.NewBytes(key(i, keys)), Value: kafka.NewBytes(value(i, keys, kinds[i])), Time: time.Now()}
	}
	answer, err := c.client.Produce(ctx, &kafka.ProduceRequest{Topic: topic, Partition: p, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(records...), Compression: kafka.Lz4})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	for n, i := range now {
		offset[i] = int32(answer.BaseOffset) + int32(n)
	}
	return nil
}

// ends are the end offsets by partition.
func (c *cluster) ends(ctx context.Context, topic string) ([]int64, error) {
	var all []kafka.OffsetRequest
	for p := range c.partitions {
		all = append(all, kafka.LastOffsetOf(p))
	}
	got, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: all}})
	if err != nil {
		return nil, err
	}
	out := make([]int64, c.partitions)
	for _, p := range got.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		out[p.Partition] = p.LastOffset
	}
	if len(got.Topics[topic]) != c.partitions {
		return nil, fmt.Errorf("%d partitions of %s, want %d", len(got.Topics[topic]), topic, c.partitions)
	}
	return out, nil
}

// committed are the group's offsets by partition; 0 where it has none.
func (c *cluster) committed(ctx context.Context, group, topic string) ([]int64, error) {
	var all []int
	for p := range c.partitions {
		all = append(all, p)
	}
	got, err := c.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: all}})
	if err == nil {
		err = got.Error
	}
	if err != nil {
		return nil, err
	}
	out := make([]int64, c.partitions)
	for _, p := range got.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		out[p.Partition] = max(0, p.CommittedOffset)
	}
	return out, nil
}

// message is one record of a topic, with text headers.
type message struct {
	value   []byte
	headers map[string]string
	at      time.Time
}

// read hands over every record of a topic, partition by partition, in order. A topic that does not exist has none.
func (c *cluster) read(ctx context.Context, topic string, each func(message) error) error {
	var ends []int64
	err := retry(ctx, "asking where "+topic+" ends", func() (err error) {
		ends, err = c.ends(ctx, topic)
		if errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, protocol.ErrNoTopic) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for p, end := range ends {
		for next := int64(0); next < end; {
			var got []placed
			err := retry(ctx, fmt.Sprintf("reading %s[%d]", topic, p), func() (err error) {
				got, err = c.fetch(ctx, topic, p, next)
				return err
			})
			if err != nil {
				return err
			}
			// Only what was fetched whole is handed over: what is tried again is handed over once.
			for _, m := range got {
				if err := each(m.message); err != nil {
					return err
				}
				next = m.offset + 1
			}
		}
	}
	return nil
}

// placed is a message and its offset.
type placed struct {
	message
	offset int64
}

func (c *cluster) fetch(ctx context.Context, topic string, p int, next int64) (got []placed, err error) {
	answer, err := c.client.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Partition: p, Offset: next, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: time.Second})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return nil, err
	}
	for {
		rec, err := answer.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return nil, err
		}
		if rec.Offset < next {
			continue // a batch is sent whole, also what lies before the offset asked for
		}
		m := placed{message{headers: map[string]string{}, at: rec.Time}, rec.Offset}
		if rec.Value != nil {
			if m.value, err = kafka.ReadAll(rec.Value); err != nil {
				return nil, err
			}
		}
		for _, h := range rec.Headers {
			m.headers[h.Key] = string(h.Value)
		}
		got = append(got, m)
	}
}

// letterOf reads a dead letter's headers. place finds the record of a source position.
func letterOf(headers map[string]string, place func(partition, offset int) int, at uint32) letter {
	p, err1 := strconv.Atoi(headers["gx-ol.dlq.partition"])
	o, err2 := strconv.Atoi(headers["gx-ol.dlq.offset"])
	l := letter{record: -1, at: at, code: headers["gx-ol.dlq.code"]}
	if err1 == nil && err2 == nil {
		l.record = place(p, o)
	}
	return l
}
