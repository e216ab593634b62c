package consumer

import (
	"context"
	"errors"
	"strings"
	"sync"
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

// everything settles what it is given and remembers it.
func everything(got *seen) Handler {
	return settling(func(_ context.Context, rec *kgo.Record, _ Turn) error {
		got.add(rec)
		return nil
	})
}

func deleteUntil(t *testing.T, admin *kadm.Client, offset int64) {
	t.Helper()
	var to kadm.Offsets
	to.AddOffset(topic, 0, offset, -1)
	if _, err := admin.DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, admin *kadm.Client, offset int64) {
	t.Helper()
	var to kadm.Offsets
	to.AddOffset(topic, 0, offset, -1)
	if err := admin.CommitAllOffsets(t.Context(), group, to); err != nil {
		t.Fatal(err)
	}
}

// runWith runs a consumer with options until it has what got wants, or ends by itself.
func runWith(t *testing.T, addrs []string, got *seen, opts ...kgo.Opt) (lost []Lost, err error) {
	t.Helper()
	var mu sync.Mutex
	cfg := Config{Client: append([]kgo.Opt{kgo.SeedBrokers(addrs...), kgo.FetchMaxWait(50 * time.Millisecond), kgo.MetadataMinAge(100 * time.Millisecond), kgo.MetadataMaxAge(time.Second)}, opts...),
		Topics: []string{topic}, Group: group, OnLost: func(l Lost) { mu.Lock(); lost = append(lost, l); mu.Unlock() }}
	c, err := New(cfg, everything(got))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	select {
	case <-got.all:
		cancel()
		err = <-done
	case err = <-done:
	}
	mu.Lock()
	defer mu.Unlock()
	return lost, err
}

func TestRecordsThatWereDeletedBeforeTheyWereReadAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		committed int64 // -1: the group is new
		deleted   int64
		want      []Lost
		records   int
	}{
		"behind the retention":     {10, 60, []Lost{{topic, 0, 10, 60}}, 40},
		"just in time":             {60, 60, nil, 40},
		"nothing deleted":          {10, 0, nil, 90},
		"a new group lost nothing": {-1, 60, nil, 40},
		"committed at the start":   {0, 60, []Lost{{topic, 0, 0, 60}}, 40},
	} {
		t.Run(name, func(t *testing.T) {
			addrs, admin := broker(t, 1)
			produce(t, addrs, 100)
			if c.committed >= 0 {
				commit(t, admin, c.committed)
			}
			deleteUntil(t, admin, c.deleted)
			lost, err := runWith(t, addrs, newSeen(c.records))
			if err != nil {
				t.Fatal(err)
			}
			if len(lost) != len(c.want) || len(lost) > 0 && lost[0] != c.want[0] {
				t.Errorf("lost %v, want %v", lost, c.want)
			}
		})
	}
}

func TestWithAutoOffsetResetNoneALossEndsTheConsumer(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 100)
	commit(t, admin, 10)
	deleteUntil(t, admin, 60)
	got := newSeen(1)
	_, err := runWith(t, addrs, got, kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	if !errors.Is(err, kerr.OffsetOutOfRange) || !strings.Contains(err.Error(), "auto.offset.reset") {
		t.Errorf("got %v, want an error that names auto.offset.reset", err)
	}
	if got.n != 0 {
		t.Errorf("%d records were handled all the same", got.n)
	}
}

// A group that has committed nothing has no offset either: with none it is for the operator to say where it begins.
func TestWithAutoOffsetResetNoneAGroupWithoutOffsetsEnds(t *testing.T) {
	addrs, _ := broker(t, 1)
	produce(t, addrs, 10)
	got := newSeen(1)
	if _, err := runWith(t, addrs, got, kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.ConsumeStartOffset(kgo.NewOffset().AtCommitted())); err == nil || !strings.Contains(err.Error(), topic+"[0]") || !strings.Contains(err.Error(), "auto.offset.reset") {
		t.Errorf("got %v, want an error that names the partition and auto.offset.reset", err)
	}
	if got.n != 0 {
		t.Errorf("%d records were handled all the same", got.n)
	}
}

func TestAnOffsetBeyondTheEndIsResetByPolicy(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 100)
	commit(t, admin, 5000) // of a topic that was deleted and made again
	if _, err := runWith(t, addrs, newSeen(100)); err != nil {
		t.Fatal(err)
	}
}

func TestAddedPartitionsAreRead(t *testing.T) {
	addrs, admin := broker(t, 1)
	produce(t, addrs, 10)
	got := newSeen(210)
	done := make(chan error, 1)
	go func() {
		_, err := runWith(t, addrs, got)
		done <- err
	}()
	if _, err := admin.CreatePartitions(t.Context(), 3, topic); err != nil {
		t.Fatal(err)
	}
	produce(t, addrs, 200)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(got.parts) < 2 {
		t.Errorf("read %d partitions, want the added ones too", len(got.parts))
	}
}

// A coordinator that moves, a commit that is refused, a session that expired: nothing is lost, and the member goes on.
func TestTheMemberGoesOnWhenTheGroupIsDisturbed(t *testing.T) {
	for name, c := range map[string]struct {
		key  kmsg.Key
		code int16
	}{
		"the coordinator moves at a heartbeat": {kmsg.Heartbeat, kerr.NotCoordinator.Code},
		"the coordinator moves at a commit":    {kmsg.OffsetCommit, kerr.NotCoordinator.Code},
		"the coordinator loads":                {kmsg.OffsetCommit, kerr.CoordinatorLoadInProgress.Code},
		"a rebalance at a commit":              {kmsg.OffsetCommit, kerr.RebalanceInProgress.Code},
		"the session has expired":              {kmsg.Heartbeat, kerr.UnknownMemberID.Code},
		"the generation is over":               {kmsg.Heartbeat, kerr.IllegalGeneration.Code},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topic),
				kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			disturbed := make(chan struct{})
			var once sync.Once
			cluster.ControlKey(int16(c.key), func(req kmsg.Request) (kmsg.Response, error, bool) {
				once.Do(func() { close(disturbed) })
				return refusal(req, c.code), nil, true // once: a control is dropped after it has answered
			})
			produce(t, cluster.ListenAddrs(), 100)
			_, stop := startWith(t, cluster.ListenAddrs(), Config{Client: []kgo.Opt{kgo.HeartbeatInterval(100 * time.Millisecond), kgo.AutoCommitInterval(100 * time.Millisecond)}},
				everything(newSeen(150)))
			select {
			case <-disturbed:
			case <-time.After(2 * time.Minute):
				t.Fatal("the group was not disturbed")
			}
			produce(t, cluster.ListenAddrs(), 50)
			// Some may come twice, so that all are committed is the only sign that all were seen, and that the member goes on.
			admin := kadm.NewClient(mustClient(t, cluster.ListenAddrs()))
			until(t, "150 records committed", func() bool { return committed(t, admin) == 150 })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if n := committed(t, admin); n != 150 {
				t.Errorf("%d records committed after the stop, want 150", n)
			}
		})
	}
}

// refusal answers a group's request with an error.
func refusal(req kmsg.Request, code int16) kmsg.Response {
	switch req := req.(type) {
	case *kmsg.HeartbeatRequest:
		resp := req.ResponseKind().(*kmsg.HeartbeatResponse)
		resp.ErrorCode = code
		return resp
	case *kmsg.OffsetCommitRequest:
		resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, topic := range req.Topics {
			rt := kmsg.NewOffsetCommitResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				rp := kmsg.NewOffsetCommitResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp
	}
	return nil
}

func mustClient(t *testing.T, addrs []string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// Compaction and transactions leave gaps of offsets, which are no loss.
func TestAGapOfCompactionIsNoLoss(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	var lost []Lost
	l := newLossWatch(Config{Log: zap.New(core), OnLost: func(l Lost) { lost = append(lost, l) }})
	client := mustClient(t, []string{"127.0.0.1:1"})
	fetched := func(begin int64, offsets ...int64) kgo.FetchTopicPartition {
		p := kgo.FetchPartition{Partition: 0, LogStartOffset: begin}
		for _, o := range offsets {
			p.Records = append(p.Records, &kgo.Record{Topic: topic, Offset: o})
		}
		return kgo.FetchTopicPartition{Topic: topic, FetchPartition: p}
	}
	l.check(t.Context(), client, fetched(0, 0, 1, 5))
	l.check(t.Context(), client, fetched(0, 40, 41)) // 6 – 39 are compacted away; the log still begins at 0
	l.check(t.Context(), client, fetched(5, 70))     // the log's begin has moved, but not beyond what was read
	if len(lost) > 0 || logs.Len() > 0 {
		t.Errorf("told as lost: %v", lost)
	}
	l.check(t.Context(), client, fetched(90, 95)) // 71 – 89 were deleted
	if len(lost) != 1 || lost[0] != (Lost{topic, 0, 71, 90}) {
		t.Errorf("lost %v, want 71 to 90", lost)
	}
	l.wait()
}

func TestAFencedStaticMemberEndsWithAClearError(t *testing.T) {
	err := fatalFetchError(kgo.NewErrFetch(&kgo.ErrGroupSession{Err: kerr.FencedInstanceID}))
	if !errors.Is(err, kerr.FencedInstanceID) || !strings.Contains(err.Error(), "group.instance.id") {
		t.Errorf("got %v", err)
	}
	if err := fatalFetchError(kgo.NewErrFetch(kerr.NotLeaderForPartition)); err != nil {
		t.Errorf("what the client mends by itself ends nothing: %v", err)
	}
}
