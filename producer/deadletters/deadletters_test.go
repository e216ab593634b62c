package deadletters

import (
	"bytes"
	"crypto/rand"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster starts a broker in this process with the topic "in", and a client that reads the given topics.
func cluster(t *testing.T, topics ...string) *kgo.Client {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "in"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	opts := append(kafka.LargeOpts(4<<20), kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())) // it also reads, so it writes the large ones itself
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func read(t *testing.T, cl *kgo.Client, n int) []*kgo.Record {
	t.Helper()
	var all []*kgo.Record
	for len(all) < n {
		fs := cl.PollFetches(t.Context())
		if err := fs.Err(); err != nil {
			t.Fatal(err)
		}
		all = append(all, fs.Records()...)
	}
	return all
}

// noise can't be compressed.
func noise(t *testing.T, n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBuryKeepsBytesAndFallsBackToReferences(t *testing.T) {
	cl := cluster(t, "in.dlq")
	if err := EnsureTopic(t.Context(), cl, "in", "in.dlq"); err != nil {
		t.Fatal(err)
	}
	d := New(kafka.NewWriter(cl), Config{TopicOf: func(s string) string { return s + ".dlq" }})
	l := deadletter.Letter{Stage: "decode", Disposition: "poison", Code: "invalid_json", Error: "e"}
	header := []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}
	for _, c := range []struct {
		rec  kgo.Record
		want string
	}{
		{kgo.Record{Topic: "in", Key: []byte("k"), Value: []byte("v"), Headers: header}, ""},
		{kgo.Record{Topic: "in", Key: nil, Value: nil}, ""},
		{kgo.Record{Topic: "in", Key: []byte("k"), Value: noise(t, 6<<20), Headers: header}, deadletter.ReferenceKept},
		{kgo.Record{Topic: "in", Key: noise(t, 6<<20), Value: []byte("v")}, deadletter.ReferenceBare},
	} {
		if err := d.Bury(t.Context(), &c.rec, l); err != nil {
			t.Fatal(err)
		}
		got := read(t, cl, 1)[0]
		gl, ok, err := deadletter.Unwrap(got)
		if !ok || err != nil || gl.Reference != c.want || gl.Code != l.Code || gl.Topic != "in" {
			t.Errorf("%+v %v %v", gl, ok, err)
		}
		if c.want == "" && (!bytes.Equal(got.Value, c.rec.Value) || (got.Value == nil) != (c.rec.Value == nil) || !bytes.Equal(got.Key, c.rec.Key)) {
			t.Errorf("bytes changed: %q %q", got.Key, got.Value)
		}
	}
}

func TestConnectHeadersAreWrittenByOption(t *testing.T) {
	for on, want := range map[bool]string{true: "in", false: ""} {
		cl := cluster(t, "in.dlq")
		d := New(kafka.NewWriter(cl), Config{TopicOf: func(s string) string { return s + ".dlq" }, ConnectHeaders: on})
		if err := d.Bury(t.Context(), &kgo.Record{Topic: "in", Value: []byte("v")}, deadletter.Letter{Code: "invalid_json"}); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, h := range read(t, cl, 1)[0].Headers {
			if h.Key == "__connect.errors.topic" {
				got = string(h.Value)
			}
		}
		if got != want {
			t.Errorf("%t: connect's topic is %q, want %q", on, got, want)
		}
	}
}

func TestFailedBuryHoldsThePartition(t *testing.T) {
	cl := cluster(t)
	d := New(kafka.NewWriter(cl), Config{TopicOf: func(string) string { return "missing" }})
	if f := fault.Of(d.Bury(t.Context(), &kgo.Record{Topic: "gone"}, deadletter.Letter{})); f.Kind != fault.Backend || f.Hint == "" {
		t.Errorf("%+v", f)
	}
}

func TestALetterMakesItsTopicIfItIsMissing(t *testing.T) {
	d := New(kafka.NewWriter(cluster(t)), Config{TopicOf: func(source string) string { return source + ".late" }})
	if err := d.Bury(t.Context(), &kgo.Record{Topic: "in", Value: []byte("v")}, deadletter.Letter{}); err != nil {
		t.Error(err)
	}
}

func TestDeadLetterTopicIsMadeAfterItsSource(t *testing.T) {
	cl := cluster(t)
	for range 2 { // the second finds it
		if err := EnsureTopic(t.Context(), cl, "in", "in.dlq"); err != nil {
			t.Fatal(err)
		}
	}
	fresh, err := kgo.NewClient(kgo.SeedBrokers(cl.OptValue(kgo.SeedBrokers).([]string)...)) // cl remembers that it was missing
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	adm := kadm.NewClient(fresh)
	topics, err := adm.ListTopics(t.Context(), "in.dlq")
	if err != nil || len(topics["in.dlq"].Partitions) != 3 {
		t.Errorf("%v %v", topics, err)
	}
	source, _ := maxMessageBytes(t.Context(), adm, "in")
	made, _ := maxMessageBytes(t.Context(), adm, "in.dlq")
	if source["max.message.bytes"] == nil || made["max.message.bytes"] == nil || *source["max.message.bytes"] >= *made["max.message.bytes"] {
		t.Errorf("%v %v", source, made)
	}
	if f := fault.Of(EnsureTopic(t.Context(), cl, "nowhere", "nowhere.dlq")); f.Kind != fault.Backend {
		t.Errorf("%+v", f)
	}
}

// Letters that are written at the same time share batches, which a broker refuses as a whole: only the one that is too large becomes a reference.
func TestOnlyTheLetterThatIsTooLargeBecomesAReference(t *testing.T) {
	cl := cluster(t, "in.dlq")
	if err := EnsureTopic(t.Context(), cl, "in", "in.dlq"); err != nil {
		t.Fatal(err)
	}
	d := New(kafka.NewWriter(cl), Config{TopicOf: func(s string) string { return s + ".dlq" }})
	var all sync.WaitGroup
	for i := range 20 {
		size := 100_000 // together too large
		if i == 11 {
			size = 2 << 20 // alone
		}
		body := noise(t, size)
		all.Go(func() {
			if err := d.Bury(t.Context(), &kgo.Record{Topic: "in", Key: []byte("k"), Offset: int64(i), Value: body}, deadletter.Letter{Code: "c"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	form := make(map[int64]string) // of the last letter of each
	for len(form) < 20 {
		for _, rec := range read(t, cl, 1) {
			l, _, err := deadletter.Unwrap(rec)
			if err != nil {
				t.Fatal(err)
			}
			form[l.Offset] = l.Reference
		}
	}
	for i, reference := range form {
		if (reference != "") != (i == 11) {
			t.Errorf("the letter of %d: reference %q", i, reference)
		}
	}
}

// In a transaction the form must be told, since the transaction has failed: the next one writes the smaller form.
func TestInATransactionALetterThatIsTooLargeIsAMessageFault(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "in", "in.dlq"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cl, err := kgo.NewClient(append(kafka.LargeOpts(4<<20), kgo.SeedBrokers(c.ListenAddrs()...), kgo.TransactionalID("t"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	w := kafka.NewTransactionWriter(cl)
	d := New(nil, Config{TopicOf: func(s string) string { return s + ".dlq" }}).InTransaction(w)
	rec := &kgo.Record{Topic: "in", Key: []byte("k"), Value: noise(t, 2<<20)}
	bury := func(l deadletter.Letter) error {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		err := d.Bury(t.Context(), rec, l)
		if ended := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(err == nil)); ended != nil {
			t.Fatal(ended)
		}
		return err
	}
	l := deadletter.Letter{Code: "c"}
	err = bury(l)
	if f := fault.Of(err); f.Kind == fault.Backend && f.Code == "dead_letter_kafka_batch_too_large" { // not certain yet
		err = bury(l)
	}
	if f := fault.Of(err); f.Kind != fault.Message || f.Disposition != fault.Oversize || f.Code != kafka.TooLarge {
		t.Fatalf("%+v", f)
	}
	l.Reference = deadletter.ReferenceKept
	if err := bury(l); err != nil {
		t.Errorf("the reference: %v", err)
	}
}
