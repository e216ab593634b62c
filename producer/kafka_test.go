package producer

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// cluster starts a broker in this process with the topic "in", and a client that reads the given topics.
func cluster(t *testing.T, topics ...string) *kgo.Client {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "in"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	opts := append(ClientOpts(4<<20), kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
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

func TestKafkaDeliversInOrderUnderTheEventsKey(t *testing.T) {
	cl := cluster(t, "in")
	k := NewKafka(cl, "in", "")
	evs := []openlineage.Event{{Key: "run:a", Body: []byte("1")}, {Key: "run:a", Body: []byte("2")}, {Key: "run:a", Body: []byte("3")}}
	for _, err := range k.DeliverAll(t.Context(), evs) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range read(t, cl, 3) {
		if string(r.Key) != "run:a" || !bytes.Equal(r.Value, evs[i].Body) || len(r.Headers) != 0 {
			t.Errorf("%d: %s %s", i, r.Key, r.Value)
		}
	}
	if len(k.DeliverAll(t.Context(), nil)) != 0 {
		t.Error("errors for nothing")
	}
}

func TestKafkaBlamesTheRightOne(t *testing.T) {
	cl := cluster(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := NewKafka(cl, "in", "k").Deliver(ctx, event); !errors.Is(err, context.Canceled) || fault.Of(err).Kind != fault.Bug {
		t.Errorf("stopped: %v", err)
	}
	if f := fault.Of(NewKafka(cl, "nowhere", "").Deliver(t.Context(), event)); f.Kind != fault.Backend || f.Code != "kafka_topic" || f.Hint == "" {
		t.Errorf("%+v", f)
	}
	huge := openlineage.Event{Key: "b", Body: noise(t, 6<<20)} // over the client's own limit
	errs := NewKafka(cl, "in", "").DeliverAll(t.Context(), []openlineage.Event{event, huge, event})
	if f := fault.Of(errs[1]); errs[0] != nil || errs[2] != nil || f.Disposition != fault.Oversize || f.Code != "kafka_message_too_large" {
		t.Errorf("%v", errs)
	}
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
	if err := EnsureDeadLetterTopic(t.Context(), cl, "in", "in.dlq"); err != nil {
		t.Fatal(err)
	}
	d := NewDeadLetters(cl, func(s string) string { return s + ".dlq" })
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
		d := NewDeadLetters(cl, func(s string) string { return s + ".dlq" }).ConnectHeaders(on)
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
	d := NewDeadLetters(cl, func(string) string { return "missing" })
	if f := fault.Of(d.Bury(t.Context(), &kgo.Record{Topic: "gone"}, deadletter.Letter{})); f.Kind != fault.Backend || f.Hint == "" {
		t.Errorf("%+v", f)
	}
}

func TestALetterMakesItsTopicIfItIsMissing(t *testing.T) {
	d := NewDeadLetters(cluster(t), func(source string) string { return source + ".late" })
	if err := d.Bury(t.Context(), &kgo.Record{Topic: "in", Value: []byte("v")}, deadletter.Letter{}); err != nil {
		t.Error(err)
	}
}

func TestDeadLetterTopicIsMadeAfterItsSource(t *testing.T) {
	cl := cluster(t)
	for range 2 { // the second finds it
		if err := EnsureDeadLetterTopic(t.Context(), cl, "in", "in.dlq"); err != nil {
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
	if f := fault.Of(EnsureDeadLetterTopic(t.Context(), cl, "nowhere", "nowhere.dlq")); f.Kind != fault.Backend {
		t.Errorf("%+v", f)
	}
}

func TestLinesStayLines(t *testing.T) {
	var out strings.Builder
	c := NewConsole(&out)
	if err := c.Deliver(t.Context(), openlineage.Event{Body: []byte("{\n\"a\":\r\n1}\n")}); err != nil {
		t.Fatal(err)
	}
	if out.String() != "{ \"a\":  1}\n" {
		t.Errorf("%q", out.String())
	}
	path := filepath.Join(t.TempDir(), "events.ndjson")
	for range 2 { // appends
		f, err := NewFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Deliver(t.Context(), event), f.Close()); err != nil {
			t.Fatal(err)
		}
		if err := f.Deliver(t.Context(), event); fault.Of(err).Kind != fault.Backend {
			t.Errorf("writing to a closed file: %v", err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || bytes.Count(got, []byte("\n")) != 2 {
		t.Errorf("%q %v", got, err)
	}
}
