package topic_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
	"github.com/gx-ol/gx-ol/internal/lineage/topic"
	"github.com/gx-ol/gx-ol/test/rawbatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func broker(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("events"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func record(job string) *kgo.Record {
	return &kgo.Record{Key: []byte(job), Value: fmt.Appendf(nil, `{"eventType":"COMPLETE","eventTime":"2026-03-01T10:00:00Z","run":{"runId":"1"},"job":{"namespace":"n","name":%q},"inputs":[],"outputs":[{"namespace":"n","name":%[1]q}],"producer":"p"}`, job)}
}

func produce(t *testing.T, client *kgo.Client, recs ...*kgo.Record) {
	t.Helper()
	if err := client.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestATopicIsReadToItsEndWithoutWhatWasAborted(t *testing.T) {
	client := broker(t, kgo.TransactionalID("writer"))
	for i, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} { // it ends in aborted records and a marker
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 10 {
			produce(t, client, record(fmt.Sprintf("%v-%d-%d", commit, i, j)))
		}
		if err := client.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	var done, all int64
	src, err := topic.Read(t.Context(), topic.Config{Client: client, Topic: "events", Progress: func(d, a int64) { done, all = max(done, d), a }})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(src.Graph.Jobs()); n != 20 || done != all || all < 40 {
		t.Errorf("%d jobs, %d of %d offsets", n, done, all)
	}
}

func TestRecordsThatAreNoEventsAreCounted(t *testing.T) {
	client := broker(t)
	produce(t, client, record("a"), &kgo.Record{Value: []byte("not json")}, &kgo.Record{Key: []byte("tombstone")}, &kgo.Record{Value: []byte(`{"results": []}`)})
	src, err := topic.Read(t.Context(), topic.Config{Client: client, Topic: "events"})
	if err != nil || len(src.Graph.Jobs()) != 1 || len(src.Graph.Notes) != 1 || !strings.Contains(src.Graph.Notes[0], "2 records of events are no OpenLineage events") {
		t.Errorf("%v %+v", err, src)
	}
}

func TestATopicOfSomethingElseIsAnErrorWithAHint(t *testing.T) {
	client := broker(t)
	src, err := topic.Read(t.Context(), topic.Config{Client: client, Topic: "events"})
	if err != nil || len(src.Graph.Notes) != 1 || !strings.Contains(src.Graph.Notes[0], "empty") {
		t.Errorf("empty: %v %+v", err, src)
	}
	produce(t, client, &kgo.Record{Value: []byte(`{"results": [], "success": true}`)})
	for name, text := range map[string]string{"events": "holds no OpenLineage event", "other": "there is no topic other"} {
		_, err := topic.Read(t.Context(), topic.Config{Client: client, Topic: name})
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || !strings.Contains(err.Error(), text) || f.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABoundOfATopicIsSaid(t *testing.T) {
	client := broker(t)
	for i := range 20 {
		produce(t, client, record(fmt.Sprint(i)))
	}
	src, err := topic.Read(t.Context(), topic.Config{Client: client, Topic: "events", Bound: events.Bound{Things: 10, Facts: 10}})
	if err != nil || len(src.Graph.Notes) != 1 || !strings.Contains(src.Graph.Notes[0], "15 events were left out") {
		t.Errorf("%v %+v", err, src)
	}
	var _ lineage.Source = src
}

// Who may write to the topic can send a few KB that inflate to a GB: they cost themselves, and a note.
func TestABatchThatInflatesIsPassedOverAndSaid(t *testing.T) {
	client := broker(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	produce(t, client, record("a"))
	rawbatch.Write(t, client, "events", rawbatch.Inflating(t, kgo.ZstdCompression(), 64), kgo.CodecZstd, 10)
	produce(t, client, record("b"))
	src, err := topic.Read(t.Context(), topic.Config{Client: client, Topic: "events"})
	if err != nil || len(src.Graph.Jobs()) != 2 || len(src.Graph.Notes) != 1 || !strings.Contains(src.Graph.Notes[0], "passed over") || !strings.Contains(src.Graph.Notes[0], "events[0], offsets") {
		t.Errorf("%v %+v", err, src)
	}
}
