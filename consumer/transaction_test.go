package consumer

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const outTopic = "events"

// copying writes each record to another topic inside the transaction. The n-th call of Settle fails.
type copying struct {
	t      *testing.T
	client *kgo.Client
	fails  map[int]bool

	mu     *sync.Mutex // guards below, over the lives of clients
	calls  *int
	begun  *int
	ended  map[bool]int
	unread *[]int64
}

func (c copying) Prepare(rec *kgo.Record) Prepared { return keyed{rec} }

func (c copying) PrepareUnread(rec *kgo.Record, _ int64) Prepared {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.unread = append(*c.unread, rec.Offset)
	return keyed{&kgo.Record{Key: []byte("unread"), Value: []byte("unread")}}
}

func (c copying) Settle(ctx context.Context, p Prepared, turn Turn) error {
	rec := p.(keyed).rec
	c.mu.Lock()
	*c.calls++
	fail := c.fails[*c.calls]
	c.mu.Unlock()
	if fail {
		return errors.New("refused")
	}
	done := make(chan error, 1)
	c.client.Produce(ctx, &kgo.Record{Topic: outTopic, Key: rec.Key, Value: rec.Value}, func(_ *kgo.Record, err error) { done <- err })
	turn.Pass()
	return <-done
}

func (c copying) Begin(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.begun++
	return nil
}

func (c copying) End(committed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended[committed]++
}

// An error of one record aborts its transaction, and all of the poll come again: readers with read_committed see each record once.
func TestWhatATransactionWritesIsSeenOnceAlthoughSomeAreAborted(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topic, outTopic),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	addrs := cluster.ListenAddrs()
	produce(t, addrs, 300)
	bomb(t, addrs, 2, 20<<20)
	produce(t, addrs, 300)
	var mu sync.Mutex
	var calls, begun int
	var unread []int64
	ended := map[bool]int{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		cfg := Config{Client: []kgo.Opt{kgo.SeedBrokers(addrs...), kgo.FetchMaxWait(50 * time.Millisecond)}, Topics: []string{topic}, Group: group,
			MaxInflated: 1 << 20, Grace: time.Second}
		done <- RunTransactions(ctx, cfg, "one", func(client *kgo.Client) TransactHandler {
			return copying{t: t, client: client, fails: map[int]bool{5: true, 300: true}, mu: &mu, calls: &calls, begun: &begun, ended: ended, unread: &unread}
		})
	}()
	reader, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.ConsumeTopics(outTopic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	counted, total := map[string]int{}, 0
	wait, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	for total < 602 && wait.Err() == nil {
		reader.PollFetches(wait).EachRecord(func(rec *kgo.Record) { counted[string(rec.Value)]++; total++ })
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if counted["unread"] != 2 || total != 602 {
		t.Errorf("%d records seen, %d of them for those of the batch that is not read; want 602 and 2", total, counted["unread"])
	}
	for value, n := range counted {
		if value != "unread" && n != 2 { // each value was produced twice
			t.Errorf("%s seen %d times, want 2", value, n)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if ended[false] < 2 || ended[true] == 0 || begun < ended[true]+ended[false] {
		t.Errorf("begun %d, ended %v: want the two aborts and the commits told", begun, ended)
	}
}
