package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

const partitions = 4

// topicCount and the process's start time keep topic and group names apart, also on a cluster that outlives the test.
var topicCount atomic.Int64

// name gives a topic or group name that no other test has.
func name(kind string) string {
	return fmt.Sprintf("e2e-%s-%d-%d", kind, time.Now().UnixNano(), topicCount.Add(1))
}

// client talks to the cluster without a connection pool that outlives the test.
func client(t *testing.T, servers string) *kafka.Client {
	t.Helper()
	tr := &kafka.Transport{Dial: (&net.Dialer{}).DialContext}
	t.Cleanup(tr.CloseIdleConnections)
	return &kafka.Client{Addr: kafka.TCP(strings.Split(servers, ",")...), Transport: tr, Timeout: 30 * time.Second}
}

// newTopic creates a topic and waits until every partition has its leader.
func newTopic(t *testing.T, servers, topic string) {
	t.Helper()
	c := client(t, servers)
	answer, err := c.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1},
	}})
	if err == nil {
		err = answer.Errors[topic]
	}
	if err != nil {
		t.Fatalf("making the topic %s: %v", topic, err)
	}
	eventually(t, "leaders of "+topic, func() bool {
		got, err := c.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: everyPartition()}})
		if err != nil {
			return false
		}
		for _, p := range got.Topics[topic] {
			if p.Error != nil {
				return false
			}
		}
		return len(got.Topics[topic]) == partitions
	})
}

func everyPartition() []kafka.OffsetRequest {
	var rs []kafka.OffsetRequest
	for p := range partitions {
		rs = append(rs, kafka.LastOffsetOf(p))
	}
	return rs
}

// publish writes msgs with acks=all, in order, the partition chosen by the key.
func publish(t *testing.T, servers, topic string, msgs ...kafka.Message) {
	t.Helper()
	w := &kafka.Writer{
		Addr: kafka.TCP(strings.Split(servers, ",")...), Topic: topic, Balancer: &kafka.Hash{},
		RequiredAcks: kafka.RequireAll, BatchSize: 200, BatchTimeout: 10 * time.Millisecond,
		Transport: client(t, servers).Transport,
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := w.WriteMessages(t.Context(), msgs...); err != nil {
		t.Fatalf("publishing to %s: %v", topic, err)
	}
}

// topicReader reads a topic from its start, as often as it is asked.
type topicReader struct {
	client *kafka.Client
	topic  string
	next   [partitions]int64
	got    [partitions][]kafka.Message // by partition, in order
}

func readTopic(t *testing.T, servers, topic string) *topicReader {
	t.Helper()
	return &topicReader{client: client(t, servers), topic: topic}
}

// more reads what has come since and gives the number of messages read so far. A topic that does not exist has none.
func (r *topicReader) more(t *testing.T) int {
	t.Helper()
	count := 0
	for p := range partitions {
		for r.fetch(t, p) > 0 {
		}
		count += len(r.got[p])
	}
	return count
}

func (r *topicReader) fetch(t *testing.T, p int) int {
	t.Helper()
	var answer *kafka.FetchResponse
	var err error
	eventually(t, fmt.Sprintf("a leader of %s/%d", r.topic, p), func() bool {
		answer, err = r.client.Fetch(t.Context(), &kafka.FetchRequest{
			Topic: r.topic, Partition: p, Offset: r.next[p], MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 50 * time.Millisecond,
		})
		if err == nil {
			err = answer.Error
		}
		return !leaderless(err)
	})
	if errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, protocol.ErrNoTopic) {
		return 0
	}
	if err != nil {
		t.Fatalf("reading %s/%d: %v", r.topic, p, err)
	}
	n := 0
	for {
		rec, err := answer.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatalf("reading %s/%d: %v", r.topic, p, err)
		}
		if rec.Offset < r.next[p] {
			continue // a batch is sent whole, also what lies before the offset asked for
		}
		r.got[p] = append(r.got[p], kafka.Message{
			Topic: r.topic, Partition: p, Offset: rec.Offset, Time: rec.Time,
			Key: bytesOf(t, rec.Key), Value: bytesOf(t, rec.Value), Headers: rec.Headers,
		})
		r.next[p] = rec.Offset + 1
		n++
	}
}

// leaderless says whether an error is that a partition has no leader now: after a broker was killed, or while it stands still.
func leaderless(err error) bool {
	return errors.Is(err, protocol.ErrNoLeader) || errors.Is(err, kafka.LeaderNotAvailable) || errors.Is(err, kafka.NotLeaderForPartition)
}

// bytesOf keeps nil apart from empty: a tombstone is not an empty value.
func bytesOf(t *testing.T, b kafka.Bytes) []byte {
	t.Helper()
	if b == nil {
		return nil
	}
	all, err := kafka.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	if all == nil {
		all = []byte{}
	}
	return all
}

func header(m kafka.Message, key string) string {
	for _, h := range m.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
