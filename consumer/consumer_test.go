package consumer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	topic = "results"
	group = "readers"
)

// broker is a fake cluster with the topic on it.
func broker(t *testing.T, partitions int32) (addrs []string, admin *kadm.Client) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		cluster.Close()
	})
	return cluster.ListenAddrs(), kadm.NewClient(client)
}

func produce(t *testing.T, addrs []string, n int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := range n {
		key := fmt.Sprintf("k%d", i%7)
		client.Produce(t.Context(), &kgo.Record{Key: []byte(key), Value: fmt.Append(nil, i)}, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// settling is a Handler made of a function; a record's lane is its key.
type settling func(ctx context.Context, rec *kgo.Record, turn Turn) error

type keyed struct{ rec *kgo.Record }

func (k keyed) Bytes() int { return 0 }

func (k keyed) Lanes() []uint64 {
	if k.rec.Key == nil {
		return nil
	}
	return []uint64{laneOf(string(k.rec.Key))}
}

var seed = maphash.MakeSeed()

func laneOf(name string) uint64 { return maphash.String(seed, name) }

func (f settling) Prepare(rec *kgo.Record) Prepared { return keyed{rec} }

func (f settling) Settle(ctx context.Context, p Prepared, turn Turn) error {
	return f(ctx, p.(keyed).rec, turn)
}

// start runs a consumer and gives a function that stops it and waits.
func start(t *testing.T, addrs []string, h Handler, grace ...time.Duration) (stop func() error) {
	t.Helper()
	_, stop = startConsumer(t, addrs, h, grace...)
	return stop
}

func startConsumer(t *testing.T, addrs []string, h Handler, grace ...time.Duration) (c *Consumer, stop func() error) {
	t.Helper()
	cfg := Config{}
	if len(grace) > 0 {
		cfg.Grace = grace[0]
	}
	return startWith(t, addrs, cfg, h)
}

// startWith fills in cfg where the brokers are.
func startWith(t *testing.T, addrs []string, cfg Config, h Handler) (c *Consumer, stop func() error) {
	t.Helper()
	cfg.Client = append([]kgo.Opt{kgo.SeedBrokers(addrs...), kgo.FetchMaxWait(50 * time.Millisecond)}, cfg.Client...)
	cfg.Topics, cfg.Group = []string{topic}, group
	c, err := New(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var once sync.Once
	var result error
	stop = func() error {
		once.Do(func() { cancel(); result = <-done })
		return result
	}
	t.Cleanup(func() { _ = stop() })
	return c, stop
}

func committed(t *testing.T, admin *kadm.Client) (total int64) {
	t.Helper()
	offsets, err := admin.FetchOffsets(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	offsets.Each(func(o kadm.OffsetResponse) { total += max(o.At, 0) })
	return total
}

// seen collects what handlers were given.
type seen struct {
	mu    sync.Mutex
	parts map[int32][]int64
	n     int
	all   chan struct{}
	want  int
}

func newSeen(want int) *seen {
	return &seen{parts: make(map[int32][]int64), all: make(chan struct{}), want: want}
}

func (s *seen) add(recs ...*kgo.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range recs {
		s.parts[r.Partition] = append(s.parts[r.Partition], r.Offset)
	}
	before := s.n
	s.n += len(recs)
	if before < s.want && s.n >= s.want {
		close(s.all)
	}
}

func TestRecordsOfOneKeySettleInOrderAndAllIsCommitted(t *testing.T) {
	addrs, admin := broker(t, 4)
	produce(t, addrs, 1000)
	got := newSeen(1000)
	last := make(map[string]int)
	stop := start(t, addrs, settling(func(_ context.Context, rec *kgo.Record, _ Turn) error {
		got.mu.Lock()
		n, _ := strconv.Atoi(string(rec.Value))
		if before, ok := last[string(rec.Key)]; ok && n <= before {
			t.Errorf("key %s: %d after %d", rec.Key, n, before)
		}
		last[string(rec.Key)] = n
		got.mu.Unlock()
		got.add(rec)
		return nil
	}))
	<-got.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := committed(t, admin); n != 1000 {
		t.Errorf("committed %d of 1000", n)
	}
}

func TestOnlyTheSettledPrefixIsCommitted(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 40)
	got := newSeen(33 + 1)
	stop := start(t, addrs, settling(func(ctx context.Context, rec *kgo.Record, _ Turn) error {
		got.add(rec)
		if rec.Offset == 7 { // those of its key behind it wait: 14, 21, 28, 35
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}), 50*time.Millisecond)
	for {
		got.mu.Lock()
		n := got.n
		got.mu.Unlock()
		if n == 36 { // all but 14, 21, 28, 35
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := committed(t, admin); n != 7 {
		t.Errorf("committed %d, want the 7 before the first that is not settled", n)
	}
}

func TestAHeldPartitionDoesNotBlockTheOthers(t *testing.T) {
	addrs, admin := broker(t, 4)
	produce(t, addrs, 2000)
	others := othersOf(t, admin, 0)
	got := newSeen(others)
	stop := start(t, addrs, settling(func(ctx context.Context, rec *kgo.Record, _ Turn) error {
		if rec.Partition == 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		got.add(rec)
		return nil
	}), 500*time.Millisecond)
	<-got.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := committed(t, admin); n != int64(others) {
		t.Errorf("committed %d, want the %d of the other partitions", n, others)
	}
}

// othersOf is how many records lie in all partitions but one, which must have some.
func othersOf(t *testing.T, admin *kadm.Client, but int32) (others int) {
	t.Helper()
	ends, err := admin.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Partition != but {
			others += int(o.Offset)
		} else if o.Offset == 0 {
			t.Fatal("the test needs records on the partition")
		}
	})
	return others
}

func TestRebalanceLosesNothingAndCommitsBeforeLeaving(t *testing.T) {
	addrs, admin := broker(t, 4)
	const n = 3000
	var mu sync.Mutex
	distinct := make(map[string]bool)
	complete := make(chan struct{})
	h := settling(func(_ context.Context, rec *kgo.Record, _ Turn) error {
		time.Sleep(time.Millisecond) // so that a rebalance meets work in flight
		mu.Lock()
		defer mu.Unlock()
		if distinct[string(rec.Value)] = true; len(distinct) == n {
			select {
			case <-complete:
			default:
				close(complete)
			}
		}
		return nil
	})
	stopA := start(t, addrs, h)
	produce(t, addrs, n/2)
	stopB := start(t, addrs, h)
	client := mustClient(t, addrs)
	for i := n / 2; i < n; i++ {
		client.Produce(t.Context(), &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i%7), Value: fmt.Append(nil, i)}, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := stopA(); err != nil {
		t.Fatal(err)
	}
	<-complete
	if err := stopB(); err != nil {
		t.Fatal(err)
	}
	if c := committed(t, admin); c != n {
		t.Errorf("committed %d of %d", c, n)
	}
}

// The client joins the group while New makes it: the first assignment may come before New returns.
func TestAnAssignmentBeforeNewReturnsFindsAClient(t *testing.T) {
	cfg := Config{}.withDefaults()
	c := &Consumer{parts: make(map[partitionID]*partition), log: zap.NewNop(), grace: time.Second, losses: newLossWatch(cfg), watch: cfg.Watch}
	c.engine = newEngine(cfg, settling(nil), c.fail)
	defer c.engine.stop(t.Context())
	client, err := kgo.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	parts := map[string][]int32{topic: {0}}
	c.assigned(t.Context(), client, parts) // c.client is not set yet
	c.lost(t.Context(), client, parts)
}

func TestRunEndsWithTheErrorOfAHandler(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 5)
	boom := errors.New("boom")
	c, err := New(Config{Client: []kgo.Opt{kgo.SeedBrokers(addrs...)}, Topics: []string{topic}, Group: group},
		settling(func(context.Context, *kgo.Record, Turn) error { return boom }))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); !errors.Is(err, boom) {
		t.Errorf("Run: %v, want boom", err)
	}
	if n := committed(t, admin); n != 0 {
		t.Errorf("committed %d of what was never settled", n)
	}
}

// The new owner may have ended by then what this one has begun again: nobody else ends it once more.
func TestALostPartitionEndsWhatItHasBegun(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 10)
	entered, ended := make(chan struct{}), make(chan bool, 10)
	var once sync.Once
	c, stop := startConsumer(t, addrs, settling(func(ctx context.Context, _ *kgo.Record, _ Turn) error {
		once.Do(func() { close(entered) })
		select {
		case <-ctx.Done():
			ended <- false
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
			ended <- true
			return nil
		}
	}))
	<-entered
	began := time.Now()
	c.lost(t.Context(), c.client, map[string][]int32{topic: {0}})
	if !<-ended {
		t.Error("what was in flight was dropped at once")
	}
	if took := time.Since(began); took > lostGrace+30*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := committed(t, admin); n != 0 {
		t.Errorf("committed %d records of a lost partition", n)
	}
}

// The late mark that lost others thousands of records: the partition is lost while a record is in flight, whose acknowledgement comes after that.
// The commits in the background must have had their chance when the test looks.
func TestALostPartitionMarksNothing(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 10)
	entered := make(chan struct{})
	var once sync.Once
	c, stop := startConsumer(t, addrs, settling(func(ctx context.Context, _ *kgo.Record, _ Turn) error {
		once.Do(func() { close(entered) })
		<-ctx.Done()
		return nil // settled, but too late
	}))
	<-entered
	p := c.of(topic, 0)
	c.lost(t.Context(), c.client, map[string][]int32{topic: {0}})
	p.mark(c.client) // as the keeper would that had the partition in hand when it was lost
	time.Sleep(commitEvery + markEvery + 300*time.Millisecond)
	if n := committed(t, admin); n != 0 {
		t.Errorf("committed %d records of a lost partition in the background", n)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := committed(t, admin); n != 0 {
		t.Errorf("committed %d records of a lost partition at the stop", n)
	}
}
