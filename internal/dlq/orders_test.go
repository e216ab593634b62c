package dlq

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// An operator's order reaches who waits for it, whether it was given before or after, and stays in the ledger until it counts no more.
func TestAnOrderToBuryReachesWhoHoldsTheRecord(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "orders", "orders.dlq"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	orders := NewOrders(client, func(topic string) string { return topic + ".dlq" }, Config{MaxMessageBytes: 1 << 20})
	told := make(map[string]string)
	watch := func(partition int32, offset int64) func() {
		return orders.Watch("orders", partition, offset, func(why string) { told[Position{partition, offset}.String()] = why })
	}
	end := watch(1, 7)
	defer end()
	defer watch(1, 8)()
	watch(1, 9)() // it does not wait any more
	letters, err := Open(t.Context(), client, "orders.dlq", Config{MaxMessageBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"orders/1/7", "orders/1/9", "orders/0/3"} {
		if err := letters.Order(t.Context(), client, at, "ann@host", "no such table"); err != nil {
			t.Fatal(err)
		}
	}
	if err := letters.Order(t.Context(), client, "orders/x", "ann@host", "r"); err == nil {
		t.Error("an order for no record is taken")
	}
	old := &kgo.Record{Topic: "orders.dlq.ledger", Key: []byte("bury/orders/1/8"), Value: []byte(`{"by":"x","at":"2020-01-01T00:00:00Z","reason":"y"}`)}
	if err := client.ProduceSync(t.Context(), old).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := orders.Poll(t.Context(), []string{"orders", "nowhere"}); err != nil {
		t.Fatal(err)
	}
	defer watch(0, 3)() // given before it waits
	if len(told) != 2 || told["1/7"] != "no such table (ann@host)" || told["0/3"] == "" {
		t.Errorf("told %v", told)
	}
	l, err := letters.ledger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for key := range l.stale {
		if !strings.HasSuffix(key, "orders/1/8") { // it counts no more, and the next session clears it away
			t.Errorf("the order %s would be cleared away", key)
		}
	}
	if len(l.stale) != 1 {
		t.Errorf("stale: %v", l.stale)
	}
}

func TestFollowingOrdersEndsWithItsOwner(t *testing.T) {
	orders := NewOrders(nil, nil, Config{})
	stop := orders.Follow(t.Context(), func() []string { return nil }, func(error) {})
	done := make(chan struct{})
	go func() { stop(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("it goes on")
	}
}
