package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// silentOn is a cluster that never answers requests of one kind, from the n-th on.
func silentOn(t *testing.T, key kmsg.Key, from int) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topic),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	seen := 0
	cluster.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if seen++; seen < from {
			return nil, nil, false
		}
		cluster.SleepControl(func() { <-over })
		return nil, nil, false
	})
	return cluster.ListenAddrs()
}

// A coordinator that waits for other members answers a join, a sync or a leave when they have come, or never: a stop does not wait for it.
func TestAStopDoesNotWaitForTheCoordinator(t *testing.T) {
	for name, key := range map[string]kmsg.Key{"joining": kmsg.JoinGroup, "syncing": kmsg.SyncGroup, "leaving": kmsg.LeaveGroup, "committing": kmsg.OffsetCommit} {
		t.Run(name, func(t *testing.T) {
			addrs := silentOn(t, key, 1)
			produce(t, addrs, 10)
			got := newSeen(10)
			c, err := New(Config{Client: []kgo.Opt{kgo.SeedBrokers(addrs...)}, Topics: []string{topic}, Group: group, Grace: time.Second}, everything(got))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- c.Run(ctx) }()
			select {
			case <-got.all:
			case <-time.After(500 * time.Millisecond): // it can't join
			}
			cancel()
			began := time.Now()
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("the stop waits")
			}
			t.Logf("the stop took %s", time.Since(began).Round(time.Millisecond))
		})
	}
}
