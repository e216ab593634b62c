package consumer

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fill writes n records of size bytes to each of the partitions, a batch each.
func fill(t *testing.T, addrs []string, n, size int, partitions ...int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range n {
		for _, p := range partitions {
			if err := client.ProduceSync(t.Context(), &kgo.Record{Partition: p, Value: bytes.Repeat([]byte{'x'}, size)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// steady waits until what is in hand has not changed for a while.
func steady(c *Consumer) (inHand int64) {
	for same := 0; same < 20; time.Sleep(20 * time.Millisecond) {
		if n := c.InHand(); n == inHand && n > 0 {
			same++
		} else {
			inHand, same = n, 0
		}
	}
	return inHand
}

// settledAfter settles records when release is closed.
func settledAfter(release <-chan struct{}, got *seen) func(context.Context, *kgo.Record, Turn) error {
	return func(ctx context.Context, rec *kgo.Record, _ Turn) error {
		select {
		case <-release:
			got.add(rec)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestWhatIsInHandStaysBoundedWhateverTheTopicHolds(t *testing.T) {
	addrs, _ := broker(t, 2)
	fill(t, addrs, 40, 100<<10, 0, 1) // 8 MB
	const limit = 1 << 20
	release := make(chan struct{})
	got := newSeen(80)
	c, stop := startWith(t, addrs, Config{MaxBytes: limit, MaxInFlight: 4}, settling(settledAfter(release, got)))
	// Records are let in one more than fits, and a poll brings several.
	if n := steady(c); n > limit+200<<10 {
		t.Errorf("%d bytes in hand, bound is %d", n, limit)
	}
	close(release)
	<-got.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// One partition whose records can't be settled has the window full; the others go on in what is left, and it goes on itself when it can.
func TestAPartitionThatIsHeldLeavesRoomForTheOthers(t *testing.T) {
	addrs, _ := broker(t, 2)
	fill(t, addrs, 60, 100<<10, 0) // six times the window, and there before the others
	release := make(chan struct{})
	got, held := newSeen(60), newSeen(60)
	waits := settledAfter(release, held)
	c, stop := startWith(t, addrs, Config{MaxBytes: 1 << 20, MaxInFlight: 4}, settling(func(ctx context.Context, rec *kgo.Record, turn Turn) error {
		if rec.Partition == 1 {
			got.add(rec)
			return nil
		}
		return waits(ctx, rec, turn)
	}))
	steady(c)
	fill(t, addrs, 60, 100<<10, 1)
	select {
	case <-got.all:
	case <-time.After(2 * time.Minute):
		t.Fatal("the other partition waits behind the one that is held")
	}
	if n := c.InHand(); n > 1<<20+200<<10 {
		t.Errorf("%d bytes in hand", n)
	}
	close(release)
	<-held.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestARecordLargerThanTheWindowPasses(t *testing.T) {
	addrs, _ := broker(t, 1)
	fill(t, addrs, 3, 900<<10, 0)
	got := newSeen(3)
	_, stop := startWith(t, addrs, Config{MaxBytes: 64 << 10}, everything(got))
	<-got.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// What waits at a stop is dropped at once, and only what is in flight is waited for.
func TestAStopWaitsForWhatIsInFlightAlone(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 500)
	entered := make(chan struct{})
	release := make(chan struct{})
	var once sync.Once
	var mu sync.Mutex
	begun := 0
	_, stop := startWith(t, addrs, Config{MaxInFlight: 2, Grace: time.Minute}, settling(func(_ context.Context, _ *kgo.Record, _ Turn) error {
		mu.Lock()
		if begun++; begun == 2 {
			once.Do(func() { close(entered) })
		}
		mu.Unlock()
		<-release
		return nil
	}))
	<-entered
	go func() { time.Sleep(100 * time.Millisecond); close(release) }()
	began := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 45*time.Second {
		t.Errorf("the stop took %s", took)
	}
	mu.Lock()
	defer mu.Unlock()
	if n := committed(t, admin); begun != 2 || n != 2 {
		t.Errorf("%d begun and %d committed, want the 2 that were in flight", begun, n)
	}
}

// Nothing that was fetched is thrown away, however slow the Handler is: a partition is not paused while it goes on.
func TestASteadyBacklogIsFetchedOnce(t *testing.T) {
	addrs, _ := broker(t, 2)
	fill(t, addrs, 50, 50<<10, 0, 1) // 5 MB
	var fetched counter
	got := newSeen(100)
	_, stop := startWith(t, addrs, Config{MaxBytes: 512 << 10, MaxInFlight: 2, Client: []kgo.Opt{kgo.WithHooks(&fetched)}}, settling(func(_ context.Context, rec *kgo.Record, _ Turn) error {
		time.Sleep(5 * time.Millisecond)
		got.add(rec)
		return nil
	}))
	<-got.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := fetched.bytes(); float64(n) > 1.05*100*(50<<10+100) {
		t.Errorf("%d bytes fetched of a topic of %d", n, 100*50<<10)
	}
}

// counter counts what batches are fetched.
type counter struct {
	mu sync.Mutex
	n  int64
}

func (c *counter) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.FetchBatchMetrics) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += int64(m.CompressedBytes)
}

func (c *counter) bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestAFetchAsksForWhatFitsInflated(t *testing.T) {
	client := mustClient(t, []string{"127.0.0.1:1"})
	f := newFetchSize(64 << 20)
	f.client.Store(client)
	learn := func(compressed, inflated int) int32 {
		f.OnFetchBatchRead(kgo.BrokerMetadata{}, topic, 0, kgo.FetchBatchMetrics{CompressedBytes: compressed, UncompressedBytes: inflated})
		return client.OptValue(kgo.FetchMaxBytes).(int32)
	}
	if got := learn(1000, 1000); got != 16<<20 {
		t.Errorf("uncompressed: %d bytes a fetch, want a quarter of the window", got)
	}
	if got := learn(1000, 20_000); got != 16<<20/20 {
		t.Errorf("dense: %d bytes a fetch, want a twentieth of that", got)
	}
	if got := learn(100, 3_000_000); got != minFetch {
		t.Errorf("a bomb: %d bytes a fetch, want the least", got)
	}
	for range 400 {
		learn(1000, 2000)
	}
	if got := learn(1000, 2000); got < 6<<20 {
		t.Errorf("after a bomb: %d bytes a fetch, want it to recover", got)
	}
	operator, err := kgo.NewClient(kgo.FetchMaxBytes(12345))
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()
	f = newFetchSize(64 << 20)
	f.follow(operator)
	if f.client.Load() != nil {
		t.Error("a size that an operator chose is changed")
	}
}

// Who waits for much room is not woken for a little.
func TestWhoWaitsForRoomIsWokenWhenItIsThere(t *testing.T) {
	w := newWindow(100)
	w.take(100)
	w.release(10)
	w.wanted.Store(60)
	w.release(29)
	if len(w.freed) != 0 {
		t.Error("woken too early, or though nobody waited")
	}
	w.release(1)
	if len(w.freed) != 1 {
		t.Error("not woken")
	}
}

// Where records settle one by one, slower than they come, a poll brings many of them; where nothing settles for a while it brings the few that there is room for.
func TestAPollIsForRoomThatIsWorthIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const record, usual = 4 << 10, 8 << 20
		c := &Consumer{engine: &engine{window: newWindow(usual * 3 / 2)}, parts: map[partitionID]*partition{}, records: average{now: record}}
		w := c.engine.window
		if n := c.recordsOf(c.room(t.Context())); n != mostPolled {
			t.Errorf("room for %d in an empty window", n)
		}
		w.take(usual)
		began := time.Now()
		go func() {
			for range usual / record {
				time.Sleep(10 * time.Microsecond)
				w.release(record)
			}
		}()
		if n := c.recordsOf(c.room(t.Context())); n < usual/worthPolling/record {
			t.Errorf("a poll for %d records after %s", n, time.Since(began))
		}
		time.Sleep(time.Second)
		w.take(usual)
		w.release(3 * record)
		began = time.Now()
		if n, took := c.recordsOf(c.room(t.Context())), time.Since(began); n != 3 || took != aMoment {
			t.Errorf("room for %d after %s, want 3 after a moment", n, took)
		}
		stopped, stop := context.WithCancel(t.Context())
		go stop()
		w.take(3 * record)
		if n := c.room(stopped); n != 0 {
			t.Errorf("room for %d after a stop", n)
		}
	})
}
