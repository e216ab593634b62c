package consumer

import (
	"context"
	"errors"
	"fmt"
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

// handlerFunc is a Handler made of a function.
type handlerFunc func(ctx context.Context, recs []*kgo.Record) (int, error)

func (f handlerFunc) Handle(ctx context.Context, recs []*kgo.Record) (int, error) {
	return f(ctx, recs)
}

// start runs a consumer and gives a function that stops it and waits.
func start(t *testing.T, addrs []string, h Handler, grace ...time.Duration) (stop func() error) {
	t.Helper()
	_, stop = startConsumer(t, addrs, h, grace...)
	return stop
}

func startConsumer(t *testing.T, addrs []string, h Handler, grace ...time.Duration) (c *Consumer, stop func() error) {
	t.Helper()
	cfg := Config{
		Client: []kgo.Opt{kgo.SeedBrokers(addrs...), kgo.FetchMaxWait(50 * time.Millisecond)},
		Topics: []string{topic}, Group: group, MaxBatch: 50,
	}
	if len(grace) > 0 {
		cfg.Grace = grace[0]
	}
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

func (s *seen) add(recs []*kgo.Record) {
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

func TestRunHandsEachPartitionItsRecordsInOrderAndCommitsAll(t *testing.T) {
	addrs, admin := broker(t, 4)
	produce(t, addrs, 1000)
	got := newSeen(1000)
	stop := start(t, addrs, handlerFunc(func(_ context.Context, recs []*kgo.Record) (int, error) {
		got.add(recs)
		return len(recs), nil
	}))
	<-got.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for p, offsets := range got.parts {
		for i, o := range offsets {
			if o != int64(i) {
				t.Fatalf("partition %d: record %d has offset %d", p, i, o)
			}
		}
	}
	if n := committed(t, admin); n != 1000 {
		t.Errorf("committed %d of 1000", n)
	}
}

func TestRunCommitsOnlyTheSettledPrefix(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 40)
	entered := make(chan struct{})
	var once sync.Once
	total := 0
	stop := start(t, addrs, handlerFunc(func(ctx context.Context, recs []*kgo.Record) (int, error) {
		if total += len(recs); total < 10 {
			return len(recs), nil
		}
		once.Do(func() { close(entered) })
		<-ctx.Done()
		return len(recs) - (total - 7), ctx.Err()
	}), 50*time.Millisecond)
	<-entered
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := committed(t, admin); n != 7 {
		t.Errorf("committed %d, want the 7 that were settled", n)
	}
}

func TestRunHoldsAPartitionWithoutBlockingTheOthers(t *testing.T) {
	addrs, admin := broker(t, 4)
	produce(t, addrs, 2000)
	ends, err := admin.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var others int
	ends.Each(func(o kadm.ListedOffset) {
		if o.Partition != 0 {
			others += int(o.Offset)
		}
	})
	first, _ := ends.Lookup(topic, 0)
	if first.Offset == 0 {
		t.Fatal("the test needs records on partition 0")
	}
	got := newSeen(others)
	stop := start(t, addrs, handlerFunc(func(ctx context.Context, recs []*kgo.Record) (int, error) {
		if recs[0].Partition == 0 {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		got.add(recs)
		return len(recs), nil
	}), 50*time.Millisecond)
	<-got.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := committed(t, admin); n != int64(others) {
		t.Errorf("committed %d, want the %d of the other partitions", n, others)
	}
}

func TestRebalanceLosesNothingAndCommitsBeforeLeaving(t *testing.T) {
	addrs, admin := broker(t, 4)
	const n = 3000
	got := newSeen(n)
	distinct := make(map[string]bool)
	complete := make(chan struct{})
	h := handlerFunc(func(_ context.Context, recs []*kgo.Record) (int, error) {
		time.Sleep(time.Millisecond) // so that a rebalance meets work in hand
		got.add(recs)
		got.mu.Lock()
		defer got.mu.Unlock()
		for _, r := range recs {
			distinct[string(r.Value)] = true
		}
		if len(distinct) == n {
			select {
			case <-complete:
			default:
				close(complete)
			}
		}
		return len(recs), nil
	})
	stopA := start(t, addrs, h)
	produce(t, addrs, n/2)
	stopB := start(t, addrs, h)
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := n / 2; i < n; i++ {
		client.Produce(t.Context(), &kgo.Record{Key: fmt.Appendf(nil, "k%d", i%7), Value: fmt.Append(nil, i)}, nil)
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
	c := &Consumer{workers: make(map[partition]*worker), log: zap.NewNop(), max: 1, losses: newLossWatch(Config{}.withDefaults())}
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
		handlerFunc(func(context.Context, []*kgo.Record) (int, error) { return 0, boom }))
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

// The late mark that lost others thousands of records: a worker whose partition is lost settles after the fact.
func TestALostPartitionMarksNothing(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 10)
	entered := make(chan struct{})
	var once sync.Once
	c, stop := startConsumer(t, addrs, handlerFunc(func(ctx context.Context, recs []*kgo.Record) (int, error) {
		once.Do(func() { close(entered) })
		<-ctx.Done()
		return len(recs), nil // settled, but too late
	}))
	<-entered
	c.lost(t.Context(), c.client, map[string][]int32{topic: {0}})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := committed(t, admin); n != 0 {
		t.Errorf("committed %d records of a lost partition", n)
	}
}
