package consumer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// refusingCommits is a broker that answers every commit with an error.
func refusingCommits(t *testing.T, code int16) (addrs []string) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topic),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cluster.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return refusal(req, code), nil, true
	})
	return cluster.ListenAddrs()
}

// A coordinator that takes no commit must not hold a stop for longer than an orchestrator waits.
func TestAStopEndsWhileEveryCommitIsRefused(t *testing.T) {
	for name, code := range map[string]int16{"retried": kerr.CoordinatorNotAvailable.Code, "refused": kerr.GroupAuthorizationFailed.Code} {
		t.Run(name, func(t *testing.T) {
			addrs := refusingCommits(t, code)
			produce(t, addrs, 100)
			got := newSeen(100)
			c, err := New(Config{Client: []kgo.Opt{kgo.SeedBrokers(addrs...)}, Topics: []string{topic}, Group: group, Grace: time.Second}, everything(got))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- c.Run(ctx) }()
			<-got.all
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(25 * time.Second): // without a bound of its own it took 54 s
				t.Fatal("the stop waits for a commit that nobody takes")
			}
		})
	}
}

func TestAStaticMemberFencedAtACommitEndsTheConsumer(t *testing.T) {
	addrs := refusingCommits(t, kerr.FencedInstanceID.Code)
	produce(t, addrs, 100)
	_, err := runWith(t, addrs, newSeen(1000), kgo.InstanceID("one"), kgo.AutoCommitInterval(100*time.Millisecond))
	if !errors.Is(err, kerr.FencedInstanceID) {
		t.Errorf("got %v, want the end of the consumer", err)
	}
}

func TestCommitsThatFailAreToldOnceAndWhenTheySucceedAgain(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	var fatal error
	l := commitLog{log: zap.New(core), fatal: func(err error) { fatal = err }}
	partition := int32(0)
	answer := func(code int16) *kmsg.OffsetCommitResponse { // of another partition each time
		partition++
		return &kmsg.OffsetCommitResponse{Topics: []kmsg.OffsetCommitResponseTopic{{Topic: topic, Partitions: []kmsg.OffsetCommitResponseTopicPartition{{Partition: partition, ErrorCode: code}}}}}
	}
	for _, c := range []struct {
		resp  *kmsg.OffsetCommitResponse
		err   error
		lines int // so far
	}{
		{answer(0), nil, 0},
		{answer(kerr.RebalanceInProgress.Code), nil, 0},
		{nil, context.Canceled, 0},
		{answer(kerr.CoordinatorNotAvailable.Code), nil, 1},
		{answer(kerr.CoordinatorNotAvailable.Code), nil, 1},
		{nil, kerr.GroupAuthorizationFailed, 2},
		{answer(0), nil, 3},
		{answer(0), nil, 3},
	} {
		l.note(nil, nil, c.resp, c.err)
		if logs.Len() != c.lines {
			t.Fatalf("%d lines after %v %v, want %d", logs.Len(), c.resp, c.err, c.lines)
		}
	}
	if fatal != nil {
		t.Errorf("fatal: %v", fatal)
	}
	l.note(nil, nil, answer(kerr.FencedInstanceID.Code), nil)
	if !errors.Is(fatal, kerr.FencedInstanceID) {
		t.Errorf("a fenced member is told as %v", fatal)
	}
}

func TestFetchesThatFailAreToldOnceAReason(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	l := fetchLog{log: zap.New(core)}
	failing := func(err error, partitions ...int32) kgo.Fetches {
		var ps []kgo.FetchPartition
		for _, p := range partitions {
			ps = append(ps, kgo.FetchPartition{Partition: p, Err: err})
		}
		return kgo.Fetches{{Topics: []kgo.FetchTopic{{Topic: topic, Partitions: ps}}}}
	}
	for i, c := range []struct {
		fetches kgo.Fetches
		lines   int // so far
	}{
		{failing(kerr.NotLeaderForPartition, 1, 2), 1},
		{failing(kerr.NotLeaderForPartition, 2), 1},
		{failing(kerr.LeaderNotAvailable, 2), 2},
		{failing(nil, 2), 2},
		{failing(kerr.LeaderNotAvailable, 1), 3},
		{failing(context.Canceled, 1), 3},
		{failing(fmt.Errorf("%w: no: SECRETPW", kerr.UnknownServerError), 1), 4},
	} {
		if l.note(c.fetches); logs.Len() != c.lines {
			t.Errorf("%d: %d lines, want %d", i, logs.Len(), c.lines)
		}
	}
	if said := fmt.Sprint(logs.All()); strings.Contains(said, "SECRETPW") {
		t.Error("what a broker says beside its code is repeated: " + said)
	}
}

func TestTopicsThatDoNotExistAreToldOnceAndWhenTheyDo(t *testing.T) {
	addrs, admin := broker(t, 1)
	core, logs := observer.New(zapcore.InfoLevel)
	log := zap.New(core)
	topics := []string{topic, "misspelt"}
	missing := noteMissing(t.Context(), admin, topics, nil, log)
	missing = noteMissing(t.Context(), admin, topics, missing, log)
	if len(missing) != 1 || missing[0] != "misspelt" || logs.Len() != 1 {
		t.Fatalf("missing %v, log %v", missing, logs.All())
	}
	if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, "misspelt"); err != nil {
		t.Fatal(err)
	}
	// The first client would answer from what it knows for some seconds more.
	missing = noteMissing(t.Context(), kadm.NewClient(mustClient(t, addrs)), topics, missing, log)
	if len(missing) != 0 || logs.Len() != 2 || logs.All()[1].Message != "topics exist now" {
		t.Fatalf("missing %v, log %v", missing, logs.All())
	}
	if got := noteMissing(t.Context(), kadm.NewClient(unreachable(t)), topics, []string{"as before"}, log); len(got) != 1 {
		t.Errorf("what could not be asked changed to %v", got)
	}
}

// unreachable is a client of a broker that is not there.
func unreachable(t *testing.T) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1"), kgo.RequestRetries(0), kgo.RetryTimeout(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// Partitions that a cooperative rebalance leaves where they are go on undisturbed, however short the grace.
func TestARebalanceCancelsNothingOfThePartitionsThatStay(t *testing.T) {
	addrs, _ := broker(t, 4)
	writer, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for p := range int32(4) {
		if err := writer.ProduceSync(t.Context(), &kgo.Record{Partition: p, Value: []byte("a record")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	release := make(chan struct{})
	cancelled, entered := make(chan int32, 100), make(chan int32, 100)
	slow := settling(func(ctx context.Context, rec *kgo.Record, _ Turn) error {
		entered <- rec.Partition
		select {
		case <-ctx.Done():
			cancelled <- rec.Partition
			return ctx.Err()
		case <-release:
			return nil
		}
	})
	c, stop := startConsumer(t, addrs, slow, 300*time.Millisecond)
	busy := map[int32]bool{}
	for len(busy) < 4 {
		busy[<-entered] = true
	}
	got := newSeen(1)
	stopB := start(t, addrs, everything(got))
	<-got.all // the second member has what moved
	c.mu.Lock()
	stay := len(c.parts)
	c.mu.Unlock()
	if moved := len(cancelled); stay == 0 || moved != 4-stay {
		t.Errorf("%d partitions stayed and %d of 4 were cancelled", stay, moved)
	}
	close(release)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := stopB(); err != nil {
		t.Error(err)
	}
}
