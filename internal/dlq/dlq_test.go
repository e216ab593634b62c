package dlq

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/internal/transact"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	source = "in"
	dead   = "in.dlq"

	maxBytes = 1 << 20 // input.max_message_bytes
)

var cfg = Config{MaxMessageBytes: maxBytes}

var day = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// estate is a broker with a source topic and a dead-letter topic of two partitions each.
type estate struct {
	t      *testing.T
	opts   []kgo.Opt
	client *kgo.Client
	topic  *Topic

	cluster *kfake.Cluster
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, source, dead))
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
	if e.topic, err = Open(t.Context(), client, dead, cfg); err != nil {
		t.Fatal(err)
	}
	return e
}

// bury writes a letter about a record of the source topic to the partition of the same number.
func (e *estate) bury(partition int32, offset int64, key string, change ...func(*deadletter.Letter, *kgo.Record)) Position {
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

func (e *estate) write(rec *kgo.Record, partition int32) Position {
	e.t.Helper()
	rec.Partition = partition
	if err := e.client.ProduceSync(e.t.Context(), rec).FirstErr(); err != nil {
		e.t.Fatal(err)
	}
	return Position{rec.Partition, rec.Offset}
}

func (e *estate) index() *Index {
	e.t.Helper()
	ix, err := e.topic.Load(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	return ix
}

func (e *estate) begin() *Session {
	e.t.Helper()
	s, err := e.topic.Begin(e.t.Context(), e.opts, careful, "tester", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(s.Close)
	return s
}

// read is every committed record of a topic.
func (e *estate) read(topic string) (out []*kgo.Record) {
	e.t.Helper()
	extent, err := e.topic.extent(e.t.Context(), topic)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := e.topic.reader.read(e.t.Context(), topic, extent, func(r *kgo.Record) error { out = append(out, r); return nil }, func(b *ranges.LargeBatch) error { return b }); err != nil {
		e.t.Fatal(err)
	}
	return out
}

// replay writes the chosen letters back in a session of its own, and gives the outcomes by letter.
func (e *estate) replay(f Filter) map[string]Outcome {
	e.t.Helper()
	s := e.begin()
	defer s.Close()
	letters := s.Index.Choose(f)
	recs, err := s.Records(e.t.Context(), letters)
	if err != nil {
		e.t.Fatal(err)
	}
	var actions []*Action
	for _, l := range letters {
		if rec := recs[l.Position]; rec != nil {
			actions = append(actions, &Action{Letter: l, Record: deadletter.Replay(rec, nil, l.Said, l.System, l.First()), Outcome: ReplayedOutcome, Entry: Entry{State: Replayed, To: l.Said.Topic}})
		}
	}
	audits, left, err := s.Settle(e.t.Context(), actions)
	if err != nil {
		e.t.Fatal(err)
	}
	got := make(map[string]Outcome)
	for _, line := range append(audits, left...) {
		got[line.Letter] = line.Outcome
	}
	return got
}

func TestDiscardSettlesWithItsReason(t *testing.T) {
	e := newEstate(t)
	at, other := e.bury(0, 1, "a"), e.bury(0, 2, "b")
	s := e.begin()
	var lines []Audit
	if err := s.Discard(t.Context(), []*Letter{s.Index.At(at)}, "test data", func(a Audit) { lines = append(lines, a) }); err != nil {
		t.Fatal(err)
	}
	ix := e.index()
	if l := ix.At(at); l.State != Discarded || l.Entry.Reason != "test data" || ix.At(other).State != Pending {
		t.Errorf("%+v", l)
	}
	if len(lines) != 1 || lines[0].Outcome != DiscardedNow || lines[0].Reason != "test data" {
		t.Errorf("audit %+v", lines)
	}
}

func TestEntriesOfLettersThatAreGoneAreForgotten(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 1, "a")
	e.bury(0, 2, "b")
	e.replay(Filter{})
	var to kadm.Offsets
	to.AddOffset(dead, 0, 1, -1)
	if _, err := kadm.NewClient(e.client).DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	e.begin()
	last := make(map[string]bool)
	for _, rec := range e.read(dead + LedgerSuffix) {
		last[string(rec.Key)] = rec.Value != nil
	}
	if len(last) != 2 || last[e.topic.ID+"/0/0"] || !last[e.topic.ID+"/0/1"] {
		t.Errorf("ledger %v", last)
	}
}

func TestFilters(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 1, "a")
	e.bury(1, 2, "b", func(l *deadletter.Letter, r *kgo.Record) {
		l.Code, l.Disposition, l.Error, l.FailedAt = "invalid_json", "poison", "Byte 7", day.Add(48*time.Hour)
	})
	e.bury(1, 3, "a")
	ix := e.index()
	for name, c := range map[string]struct {
		f    Filter
		want []int64 // source offsets
	}{
		"all":         {Filter{}, []int64{1, 2, 3}},
		"code":        {Filter{Codes: []string{"invalid_json", "x"}}, []int64{2}},
		"disposition": {Filter{Dispositions: []string{"rejected"}}, []int64{1, 3}},
		"topic":       {Filter{SourceTopics: []string{"other"}}, nil},
		"key":         {Filter{Keys: []string{"a"}}, []int64{1, 3}},
		"partition":   {Filter{Partitions: []int32{1}}, []int64{2, 3}},
		"offsets":     {Filter{Offsets: &Offsets{0, 0}}, []int64{1, 2}},
		"since":       {Filter{Since: day.Add(time.Hour)}, []int64{2}},
		"until":       {Filter{Until: day.Add(2 * time.Second)}, []int64{1}},
		"grep":        {Filter{Grep: "byte"}, []int64{2}},
		"together":    {Filter{Keys: []string{"a"}, Partitions: []int32{1}}, []int64{3}},
	} {
		var got []int64
		for _, l := range ix.Choose(c.f) {
			got = append(got, l.Said.Offset)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	s := Histogram(ix.Letters, day.Add(49*time.Hour))
	if s.Letters != 3 || s.Codes[0].Code != "http_422" || s.Codes[0].Letters != 2 || s.Codes[1].Example != "Byte 7" || len(s.Ages) != 2 || s.Ages[0] != (Count{ages[1], 1}) || s.Ages[1] != (Count{ages[2], 2}) {
		t.Errorf("%+v", s)
	}
}

func TestOpenSaysThatTheTopicIsMissing(t *testing.T) {
	e := newEstate(t)
	if _, err := Open(t.Context(), e.client, "misspelt", cfg); !errors.Is(err, ErrNoTopic) || !strings.Contains(err.Error(), "misspelt") {
		t.Errorf("got %v", err)
	}
}

// noise is text that no codec makes much smaller.
func noise(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; x = x*1664525 + 1013904223 {
		fmt.Fprintf(&b, "%x", x)
	}
	return b.String()
}

func FuzzLedger(f *testing.F) {
	f.Add([]byte("00/1/2"), []byte(`{"state":"replayed","by":"a","at":"2026-03-01T10:00:00Z","to":"in","as":"in/0/7","first":"in/0/1","replays":1}`))
	f.Add([]byte("00/1/-2"), []byte(`{}`))
	topic := &Topic{ID: "00"}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		l := newLedger()
		topic.enter(l, &kgo.Record{Key: key, Value: value})
		for p, e := range l.entries {
			if (e.State == Unclear) != (e.Fault() != "") || e.State == Pending {
				t.Errorf("%v %+v", p, e)
			}
			if e.State == Unclear {
				continue
			}
			again, err := topic.entryRecord(p, e)
			if err != nil {
				t.Errorf("%+v: %v", e, err)
				continue
			}
			if back, ok := topic.parseLedgerKey(again.Key); !ok || back != p {
				t.Errorf("%v %v", p, e)
			}
		}
	})
}

func FuzzParseExported(f *testing.F) {
	f.Add([]byte(`{"letter":{"topic":"t","topic_id":"1","partition":0,"offset":1},"key":null,"value":{"a":1},"headers":[{"key":"h","value":{"base64":"/w=="}}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := ParseExported(line)
		if err != nil {
			return
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseExported(out)
		if err != nil || !slices.Equal(again.Value, e.Value) || !slices.Equal(again.Key, e.Key) || (again.Value == nil) != (e.Value == nil) {
			t.Errorf("%s became %s (%v)", line, out, err)
		}
	})
}

// A session reads the ledger once, when no other can settle beside it: what it read before, or twice, could differ.
func TestTheLedgerIsReadOnceAfterTheFence(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 1, "a")
	e.replay(Filter{})
	details, err := e.topic.admin.ListTopics(t.Context(), dead+LedgerSuffix)
	if err != nil {
		t.Fatal(err)
	}
	id := [16]byte(details[dead+LedgerSuffix].ID)
	var fenced atomic.Bool
	var before, after atomic.Int64
	e.cluster.ControlKey(int16(kmsg.InitProducerID), func(kmsg.Request) (kmsg.Response, error, bool) {
		e.cluster.KeepControl()
		fenced.Store(true)
		return nil, nil, false
	})
	e.cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		e.cluster.KeepControl()
		if slices.ContainsFunc(req.(*kmsg.FetchRequest).Topics, func(t kmsg.FetchRequestTopic) bool { return t.TopicID == id }) {
			if fenced.Load() {
				after.Add(1)
			} else {
				before.Add(1)
			}
		}
		return nil, nil, false
	})
	e.begin()
	if before.Load() != 0 || after.Load() != 1 {
		t.Errorf("read %d times before the fence, %d times after", before.Load(), after.Load())
	}
}

// Who may not create topics can settle letters when somebody else has made the topics.
func TestTopicsThatExistAreNotCreated(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 1, "a")
	e.begin()
	var created atomic.Int64
	e.cluster.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		created.Add(1)
		return nil, nil, false
	})
	if got := e.replay(Filter{}); len(got) != 1 || created.Load() != 0 {
		t.Errorf("outcomes %v, and topics were created %d times", got, created.Load())
	}
}

// careful is the writer that the commands use.
func careful(client *kgo.Client) transact.Writer { return kafka.NewTransactionWriter(client) }
