package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/replay"
	"github.com/gx-ol/gx-ol/internal/transact"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	source = "in"
	dead   = "in.dlq"
)

// estate is a broker with a dead-letter topic, and a desk over it.
type estate struct {
	*Desk
	t      *testing.T
	client *kgo.Client
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, source, dead))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	opts := func() []kgo.Opt {
		return []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ProducerBatchMaxBytes(64 << 20), kgo.BrokerMaxWriteBytes(100 << 20), kgo.MetadataMinAge(20 * time.Millisecond)}
	}
	client, err := kgo.NewClient(append(opts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	setting := dlq.Config{MaxMessageBytes: 1 << 20}
	d := New(Config{Who: "a page",
		Topics: func(context.Context) ([]string, error) { return []string{dead, "absent.dlq"}, nil },
		Live:   func(topic string) *dlq.Live { return dlq.NewLive(client, topic, setting) },
		Open: func(ctx context.Context, topic string) (*dlq.Topic, error) {
			return dlq.Open(ctx, client, topic, setting)
		},
		Session: func(ctx context.Context, t *dlq.Topic, by string) (*dlq.Session, error) {
			return t.Begin(ctx, opts(), func(c *kgo.Client) transact.Writer { return kafka.NewTransactionWriter(c) }, by, nil)
		},
		Prepare: func(context.Context, replay.Options, *replay.Plan) (func(), error) { return func() {}, nil },
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return &estate{d, t, client}
}

// bury writes letters with a code.
func (e *estate) bury(code string, n int) {
	e.t.Helper()
	for i := range n {
		rec := &kgo.Record{Topic: source, Partition: int32(i % 2), Offset: time.Now().UnixNano(), Timestamp: time.Now(), Key: fmt.Append(nil, i), Value: []byte(`{"secret": "row value"}`)}
		letter := deadletter.Wrap(rec, dead, deadletter.Letter{Group: "g", Disposition: "rejected", Code: code, Error: "refused", FailedAt: time.Now()})
		letter.Partition = rec.Partition
		if err := e.client.ProduceSync(e.t.Context(), letter).FirstErr(); err != nil {
			e.t.Fatal(err)
		}
	}
}

// sees waits until so many letters are not settled.
func (e *estate) sees(pending int) {
	e.t.Helper()
	e.until(fmt.Sprintf("%d letters that are not settled", pending), func() bool {
		n := -1
		if err := e.Look(e.t.Context(), dead, func(ix *dlq.Index, _ dlq.LiveState, _ error) { n = len(ix.Choose(dlq.Filter{})) }); err != nil {
			e.t.Fatal(err)
		}
		return n == pending
	})
}

func (e *estate) until(what string, done func() bool) {
	e.t.Helper()
	deadline := time.After(2 * time.Minute)
	for !done() {
		select {
		case <-deadline:
			e.t.Fatalf("never: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ends waits for a job's end.
func (e *estate) ends(id string) (j Job) {
	e.t.Helper()
	e.until("the end of job "+id, func() bool { j, _ = e.Job(id); return !j.Ended.IsZero() })
	return j
}

func order(kind Kind, filter dlq.Filter) Order {
	return Order{Kind: kind, Topic: dead, Filter: filter, Reason: "a test", Options: replay.Options{To: replay.ToSource, MaxReplays: 3, Stale: "report"}}
}

// What came after somebody looked is not settled, although the filter would choose it.
func TestWhatWasLookedAtIsSettledAndNoMore(t *testing.T) {
	e := newEstate(t)
	e.bury("http_422", 3)
	e.sees(3)
	o := order(Replay, dlq.Filter{Codes: []string{"http_422"}})
	seen, err := e.Foresee(t.Context(), o, true)
	if err != nil || seen.Letters != 3 || seen.Stats.Letters != 3 {
		t.Fatalf("%+v, %v", seen, err)
	}
	e.bury("http_422", 1)
	o.Filter.Before = seen.Before
	id, err := e.Begin(o)
	if err != nil {
		t.Fatal(err)
	}
	if j := e.ends(id); j.Failed != "" || j.Stopped || j.All != 3 || j.Counts[dlq.ReplayedOutcome] != 3 || j.Order.By != "a page" {
		t.Errorf("%+v", j)
	}
	e.sees(1)
	o = order(Discard, dlq.Filter{})
	o.By = "ann"
	if id, err = e.Begin(o); err != nil {
		t.Fatal(err)
	}
	if j := e.ends(id); j.Counts[dlq.DiscardedNow] != 1 || j.Order.By != "ann" {
		t.Errorf("%+v", j)
	}
	e.sees(0)
	if jobs := e.Jobs(); len(jobs) != 2 || jobs[0].ID != id {
		t.Errorf("%+v", jobs)
	}
}

// One settlement at a time in a topic; it can be stopped, and the letters that are left stay.
func TestAReplayCanBeStoppedAndHasTheTopicForItself(t *testing.T) {
	e := newEstate(t)
	e.bury("http_422", 40)
	e.sees(40)
	o := order(Replay, dlq.Filter{})
	o.Options.Rate = 1 // a letter a second
	id, err := e.Begin(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Begin(order(Discard, dlq.Filter{})); !errors.Is(err, ErrUnderway) {
		t.Errorf("a second one: %v", err)
	}
	e.until("a first letter", func() bool { j, _ := e.Job(id); return j.Done() > 0 })
	number := e.Number()
	if !e.Stop(id) || e.Number() == number {
		t.Error("it is not stopped, or nobody hears of it")
	}
	j := e.ends(id)
	if !j.Stopped || j.Failed != "" || j.Done() == 0 || j.Done() == 40 {
		t.Errorf("%+v", j)
	}
	e.sees(40 - j.Done())
	if e.Stop(id) {
		t.Error("what has ended is stopped")
	}
}

func TestOnlyTheDeadLetterTopicsOfTheDeploymentAreShown(t *testing.T) {
	e := newEstate(t)
	if err := e.Look(t.Context(), source, func(*dlq.Index, dlq.LiveState, error) { t.Error("shown") }); !errors.Is(err, ErrNoSuchTopic) {
		t.Error(err)
	}
	o := order(Replay, dlq.Filter{})
	o.Topic = source
	if _, err := e.Begin(o); !errors.Is(err, ErrNoSuchTopic) {
		t.Error(err)
	}
	if err := e.Look(t.Context(), "absent.dlq", func(ix *dlq.Index, s dlq.LiveState, failed error) {
		if s.There || !s.Known || failed != nil || len(ix.Letters) != 0 {
			t.Errorf("%+v %v", s, failed)
		}
	}); err != nil {
		t.Error(err)
	}
}

func TestALetterIsShownWithoutItsRowValues(t *testing.T) {
	e := newEstate(t)
	e.bury("http_422", 1)
	e.sees(1)
	s, err := e.Show(t.Context(), dead, dlq.Position{})
	if err != nil || s == nil || !strings.Contains(s.Value, "secret") || strings.Contains(s.Value, "row value") {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := e.Show(t.Context(), dead, dlq.Position{Offset: 9}); s != nil || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
}
