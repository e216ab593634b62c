package replay

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/transact"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	source = "in"
	dead   = "in.dlq"
)

var (
	day = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	cfg = dlq.Config{MaxMessageBytes: 1 << 20}
)

// estate is a broker with a source topic and a dead-letter topic of two partitions each, and topics that no replay may write to.
type estate struct {
	t      *testing.T
	opts   []kgo.Opt
	client *kgo.Client
	topic  *dlq.Topic

	cluster *kfake.Cluster
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, source, dead, "other", "__internal", "other.dlq"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	opts := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ProducerBatchMaxBytes(64 << 20), kgo.BrokerMaxWriteBytes(100 << 20), kgo.MetadataMinAge(20 * time.Millisecond)}
	client, err := kgo.NewClient(append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	e := &estate{t: t, opts: opts, client: client, cluster: cluster}
	if e.topic, err = dlq.Open(t.Context(), client, dead, cfg); err != nil {
		t.Fatal(err)
	}
	return e
}

// bury writes a letter about a record of the source topic to the partition of the same number.
func (e *estate) bury(partition int32, offset int64, key string, change ...func(*deadletter.Letter, *kgo.Record)) dlq.Position {
	e.t.Helper()
	rec := &kgo.Record{Topic: source, Partition: partition, Offset: offset, Timestamp: day, Key: []byte(key), Value: fmt.Appendf(nil, "value of %d/%d", partition, offset),
		Headers: []kgo.RecordHeader{{Key: "own", Value: []byte("header")}}}
	l := deadletter.Letter{Group: "g", Stage: "deliver", Disposition: "rejected", Code: "http_422", Error: "no such column", FailedAt: day.Add(time.Duration(offset) * time.Second)}
	for _, c := range change {
		c(&l, rec)
	}
	letter := deadletter.Wrap(rec, dead, l)
	if l.Reference != "" {
		letter = deadletter.WrapReference(rec, dead, l)
	}
	return e.write(letter, partition)
}

func (e *estate) write(rec *kgo.Record, partition int32) dlq.Position {
	e.t.Helper()
	rec.Partition = partition
	if err := e.client.ProduceSync(e.t.Context(), rec).FirstErr(); err != nil {
		e.t.Fatal(err)
	}
	return dlq.Position{Partition: rec.Partition, Offset: rec.Offset}
}

func (e *estate) index() *dlq.Index {
	e.t.Helper()
	ix, err := e.topic.Load(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	return ix
}

func (e *estate) begin() *dlq.Session {
	e.t.Helper()
	s, err := e.topic.Begin(e.t.Context(), e.opts, careful, "tester", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(s.Close)
	return s
}

func (e *estate) discard(at dlq.Position) {
	e.t.Helper()
	s := e.begin()
	defer s.Close()
	if err := s.Discard(e.t.Context(), []*dlq.Letter{s.Index.At(at)}, "a test", func(dlq.Audit) {}); err != nil {
		e.t.Fatal(err)
	}
}

// read is every committed record of a topic, by partition and offset.
func (e *estate) read(topic string) (out []*kgo.Record) {
	e.t.Helper()
	ends, err := kadm.NewClient(e.client).ListCommittedOffsets(e.t.Context(), topic)
	if err != nil {
		e.t.Fatal(err)
	}
	for p := range int32(len(ends[topic])) {
		end, _ := ends.Lookup(topic, p)
		if end.Offset == 0 {
			continue
		}
		reader, err := kgo.NewClient(append(e.opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
			kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {p: kgo.NewOffset().AtStart()}}))...)
		if err != nil {
			e.t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(e.t.Context(), 2*time.Minute)
		for next := int64(0); next < end.Offset; {
			fetches := reader.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				e.t.Fatal(err)
			}
			fetches.EachRecord(func(rec *kgo.Record) {
				if next = rec.Offset + 1; !rec.Attrs.IsControl() {
					out = append(out, rec)
				}
			})
		}
		cancel()
		reader.Close()
	}
	return out
}

// replay replays in a session of its own and gives the outcomes by letter.
func (e *estate) replay(plan Plan) map[string]dlq.Outcome {
	e.t.Helper()
	s := e.begin()
	defer s.Close()
	got := make(map[string]dlq.Outcome)
	plan.Each = func(a dlq.Audit) { got[a.Letter] = a.Outcome }
	if err := Run(e.t.Context(), s, plan); err != nil {
		e.t.Fatal(err)
	}
	return got
}

// careful is the writer that the commands use.
func careful(client *kgo.Client) transact.Writer { return kafka.NewTransactionWriter(client) }
