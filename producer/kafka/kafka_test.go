package kafka

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// topicMax is the largest batch that the topic "in" takes.
const topicMax = 100_000

// cluster starts a broker in this process with the topic "in" of one partition, and gives its address.
func cluster(t testing.TB) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "roomy"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	most := fmt.Sprint(topicMax)
	if _, err := kadm.NewClient(client(t, c.ListenAddrs())).CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": &most}, "in"); err != nil {
		t.Fatal(err)
	}
	return c.ListenAddrs()
}

func client(t testing.TB, addrs []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(append(EventOpts(4<<20), kgo.SeedBrokers(addrs...)), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// read gives what the topic holds, n records at least, committed ones only.
func read(t *testing.T, addrs []string, n int) []*kgo.Record {
	t.Helper()
	cl := client(t, addrs, kgo.ConsumeTopics("in"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
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

// noise can't be compressed; it begins with its number.
func noise(t testing.TB, number, n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(b, uint32(number))
	return b
}

// sendAll hands all bodies over before it waits, and gives what was told of each.
func sendAll(t *testing.T, w *Writer, bodies ...[]byte) []error {
	t.Helper()
	errs := make([]error, len(bodies))
	var told sync.WaitGroup
	told.Add(len(bodies))
	for i, b := range bodies {
		w.Send(t.Context(), &kgo.Record{Topic: "in", Key: []byte("k"), Value: b}, func(err error) {
			errs[i] = err
			told.Done()
		})
	}
	told.Wait()
	return errs
}

func oversize(err error) bool {
	f := fault.Of(err)
	return f.Kind == fault.Message && f.Disposition == fault.Oversize && f.Code == TooLarge
}

func TestEventsArriveInOrderUnderTheirKey(t *testing.T) {
	addrs := cluster(t)
	d := Over(NewWriter(client(t, addrs)), "in", "")
	var told sync.WaitGroup
	told.Add(100)
	for i := range 100 {
		d.Send(t.Context(), openlineage.Event{Key: "run:a", Body: fmt.Append(nil, i)}, func(err error) {
			if err != nil {
				t.Error(err)
			}
			told.Done()
		})
	}
	told.Wait()
	for i, r := range read(t, addrs, 100) {
		if string(r.Key) != "run:a" || string(r.Value) != fmt.Sprint(i) || len(r.Headers) != 0 {
			t.Errorf("%d: %s %s", i, r.Key, r.Value)
		}
	}
	if err := Over(d.writer, "in", "k").Deliver(t.Context(), openlineage.Event{Key: "run:a"}); err != nil {
		t.Fatal(err)
	}
	if r := read(t, addrs, 101)[100]; string(r.Key) != "k" {
		t.Errorf("the configured key is %q", r.Key)
	}
}

func TestFaultsOfKafkaAreNamed(t *testing.T) {
	cl := client(t, cluster(t))
	w := NewWriter(cl)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Over(w, "in", "k").Deliver(ctx, openlineage.Event{}); !errors.Is(err, context.Canceled) || fault.Of(err).Kind != fault.Bug {
		t.Errorf("stopped: %v", err)
	}
	if f := fault.Of(Over(w, "nowhere", "").Deliver(t.Context(), openlineage.Event{})); f.Kind != fault.Backend || f.Code != "kafka_topic" || f.Hint == "" {
		t.Errorf("%+v", f)
	}
	defer w.Close()
	if err := Over(w, "in", "").Deliver(t.Context(), openlineage.Event{Body: noise(t, 0, 6<<20)}); !oversize(err) {
		t.Errorf("over every limit: %v", err)
	}
}

func TestAnEventAloneThatIsTooLargeIsBlamed(t *testing.T) {
	w := NewWriter(client(t, cluster(t)))
	if err := w.Write(t.Context(), &kgo.Record{Topic: "in", Value: noise(t, 0, topicMax+1)}); !oversize(err) {
		t.Error(err)
	}
	if err := w.Write(t.Context(), &kgo.Record{Topic: "in", Value: noise(t, 0, topicMax/2)}); err != nil {
		t.Error(err)
	}
}

// A batch that is too large has no culprit, and one in a batch is the only one that is blamed.
func TestInABatchOfSeveralOnlyTheOneThatIsTooLargeIsBlamed(t *testing.T) {
	for name, big := range map[string]int{"none": -1, "the first": 0, "one in the middle": 15, "the last": 29} {
		t.Run(name, func(t *testing.T) {
			addrs := cluster(t)
			w := NewWriter(client(t, addrs, kgo.ProducerLinger(50*time.Millisecond)))
			var bodies [][]byte
			for i := range 30 {
				bodies = append(bodies, noise(t, i, 10_000))
			}
			if big >= 0 {
				bodies[big] = noise(t, big, topicMax+1)
			}
			for i, err := range sendAll(t, w, bodies...) {
				if i == big && !oversize(err) || i != big && err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}
			w.Close()
			arrived(t, addrs, 30, big)
		})
	}
}

// arrived checks that of each of n records but without the last copy lies in the order of their numbers.
func arrived(t *testing.T, addrs []string, n, without int) {
	t.Helper()
	cl := client(t, addrs)
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: []byte("end!")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var all []*kgo.Record
	for len(all) == 0 || string(all[len(all)-1].Value) != "end!" {
		all = read(t, addrs, len(all)+1)
	}
	last := make(map[int]int64)
	for _, r := range all[:len(all)-1] {
		last[int(binary.BigEndian.Uint32(r.Value))] = r.Offset
	}
	before := int64(-1)
	for i := range n {
		at, ok := last[i]
		if ok == (i == without) {
			t.Errorf("%d: there %t", i, ok)
		}
		if ok && at < before {
			t.Errorf("%d lies at %d, before one that was handed over before it", i, at)
		}
		before = max(before, at)
	}
}

// lateComer lets a record with the key "late" reach the client only after others have met a verdict.
type lateComer struct {
	w    *Writer
	came bool
}

func (l *lateComer) OnProduceRecordBuffered(r *kgo.Record) {
	if string(r.Key) != "late" || l.came {
		return
	}
	for !l.w.again.Load() {
		time.Sleep(time.Millisecond)
	}
	l.came = true
}

// What reaches the broker while others wait to be written again must not stay in front of them.
func TestWhatIsWrittenAgainIsNotOvertaken(t *testing.T) {
	addrs := cluster(t)
	hook := &lateComer{}
	hook.w = NewWriter(client(t, addrs, kgo.WithHooks(hook), kgo.ProducerLinger(200*time.Millisecond)))
	var told sync.WaitGroup
	told.Add(3)
	done := func(err error) {
		if err != nil {
			t.Error(err)
		}
		told.Done()
	}
	go hook.w.Send(t.Context(), &kgo.Record{Topic: "in", Key: []byte("late"), Value: noise(t, 2, 100)}, done)
	for hook.w.room.TryAcquire(inHand) { // until it has room
		hook.w.room.Release(inHand)
	}
	for i := range 2 { // together too large
		hook.w.Send(t.Context(), &kgo.Record{Topic: "in", Key: []byte("k"), Value: noise(t, i, topicMax*6/10)}, done)
	}
	told.Wait()
	hook.w.Close()
	arrived(t, addrs, 3, -1)
}

// In a transaction what failed can't be mended. Only a certain verdict blames a record, and it comes by the third attempt.
func TestInATransactionOnlyACertainVerdictBlamesARecord(t *testing.T) {
	addrs := cluster(t)
	cl := client(t, addrs, kgo.TransactionalID("t"), kgo.ProducerLinger(50*time.Millisecond))
	w := NewTransactionWriter(cl)
	var bodies [][]byte
	for i := range 20 {
		bodies = append(bodies, noise(t, i, 10_000))
	}
	bodies[7] = noise(t, 7, topicMax+1)
	blamed := -1
	for attempt := 1; blamed < 0; attempt++ {
		if attempt > 3 {
			t.Fatal("no verdict after three transactions")
		}
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for i, err := range sendAll(t, w, bodies...) {
			switch f := fault.Of(err); {
			case err == nil, f.Kind == fault.Backend && f.Code == "kafka_batch_too_large":
			case oversize(err) && i == 7 && blamed < 0:
				blamed = i
			default:
				t.Fatalf("attempt %d, record %d: %v", attempt, i, err)
			}
		}
		if err := cl.AbortBufferedRecords(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
	}
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	bodies[7] = noise(t, 7, 100) // what a letter is for
	for i, err := range sendAll(t, w, bodies...) {
		if err != nil {
			t.Errorf("after the verdict, %d: %v", i, err)
		}
	}
	if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	w.Committed()
	if w.care.Load() != freely {
		t.Error("the care does not end")
	}
	for i, r := range read(t, addrs, 20) {
		if !bytes.Equal(r.Value, bodies[i]) {
			t.Errorf("%d: another record", i)
		}
	}
}

// A record that is larger than a batch should be passes, in its order, if it compresses to what the topic takes; and the operator's limit holds.
func TestALargeRecordPassesInItsOrder(t *testing.T) {
	addrs := cluster(t)
	w := NewWriter(client(t, addrs))
	defer w.Close()
	var bodies [][]byte
	for i := range 9 {
		body := noise(t, i, 100)
		if i%3 == 1 {
			body = append(body, make([]byte, 6<<20)...)
		}
		bodies = append(bodies, body)
	}
	for i, err := range sendAll(t, w, bodies...) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	for i, r := range read(t, addrs, len(bodies)) {
		if !bytes.Equal(r.Value, bodies[i]) {
			t.Errorf("%d: another record", i)
		}
	}
	strict := NewWriter(client(t, addrs, kgo.ProducerBatchMaxBytes(50_000)))
	defer strict.Close()
	if err := strict.Write(t.Context(), &kgo.Record{Topic: "in", Value: make([]byte, 60_000)}); !oversize(err) {
		t.Errorf("over the operator's limit: %v", err)
	}
}

// Batches stay below what topics take, also where nothing compresses and the broker is slow.
func TestBatchesStayBelowWhatTopicsTake(t *testing.T) {
	for name, opts := range map[string][]kgo.Opt{"events": EventOpts(32 << 20), "letters": LetterOpts(32 << 20)} {
		cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers("127.0.0.1:1"))...)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := cl.OptValue(kgo.ProducerBatchMaxBytes).(int32); !ok || n > 1_048_588 {
			t.Errorf("%s: %d bytes", name, n)
		}
		cl.Close()
	}
}

func TestAStopEndsAWriteThatNoBrokerAnswers(t *testing.T) {
	w := NewWriter(client(t, []string{"127.0.0.1:1"}))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := w.Write(ctx, &kgo.Record{Topic: "in"}); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 20*time.Second { // a record's own time is longer
		t.Errorf("%v after %s", err, time.Since(begin))
	}
}

// What is in hand is bounded, however many records wait, and a record that is larger than the bound passes alone.
func TestBytesInHandAreBounded(t *testing.T) {
	cl := client(t, []string{"127.0.0.1:1"}, kgo.RecordDeliveryTimeout(time.Minute))
	w := NewWriter(cl)
	ctx, cancel := context.WithCancel(t.Context())
	body := make([]byte, 512<<10)
	var sent sync.WaitGroup
	for range 64 {
		sent.Go(func() { w.Send(ctx, &kgo.Record{Topic: "in", Value: body}, func(error) {}) })
	}
	for full := 0; full < 20; time.Sleep(10 * time.Millisecond) { // the others have had the time to come in too
		n := cl.BufferedProduceBytes()
		if n > inHand {
			t.Fatalf("%d bytes are in hand", n)
		}
		if n >= inHand/2 {
			full++
		}
	}
	cancel()
	sent.Wait()
}

// What has to wait for room, or to be alone, is not tried: it is as if nobody had asked.
func TestNothingIsTriedThatMustWait(t *testing.T) {
	for name, c := range map[string]struct {
		size  int   // of the record
		taken int64 // of the room
		want  bool
	}{
		"room":                   {100, 0, true},
		"none for it":            {100_000, inHand - 50_000, false},
		"larger than a batch":    {batchBytes, 0, false},
		"as large as the room":   {inHand, 0, false},
		"room beside the others": {100, inHand - 50_000, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWriter(client(t, cluster(t)))
			if !w.room.TryAcquire(c.taken) {
				t.Fatal("no room at the start")
			}
			answers := make(chan error, 1)
			got := w.TrySend(t.Context(), &kgo.Record{Topic: "in", Value: noise(t, 0, c.size)}, func(err error) { answers <- err })
			if got != c.want {
				t.Errorf("tried: %t", got)
			}
			if got {
				if err := <-answers; err != nil {
					t.Error(err)
				}
			}
			if w.room.Release(c.taken); !w.room.TryAcquire(w.size) || len(answers) > 0 {
				t.Error("something of it is left")
			}
		})
	}
}

// However small records are, there is no room for more than a client holds: it would let the caller wait.
func TestRoomIsForNoMoreRecordsThanAClientHolds(t *testing.T) {
	w := NewWriter(client(t, []string{"127.0.0.1:1"})) // nobody answers
	ctx, stop := context.WithCancel(t.Context())
	n := 0
	for w.TrySend(ctx, &kgo.Record{Topic: "in"}, func(error) {}) {
		n++
	}
	if n < bufferedRecs*9/10 || n >= bufferedRecs {
		t.Errorf("%d records in hand, of at most %d", n, bufferedRecs)
	}
	stop()
}

func TestConfigurationOfATopicIsChecked(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("taken without a topic")
	}
	d, err := New(Config{Topic: "in", MaxMessageBytes: 1 << 20, Client: []kgo.Opt{kgo.SeedBrokers("127.0.0.1:1")}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
