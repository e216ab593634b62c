package consumer

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// Every broker from 2.8 on is read, watched and committed to, with and without transactions.
func TestBrokersOfManyVersionsAreRead(t *testing.T) {
	for name, version := range map[string]*kversion.Versions{"2.8": kversion.V2_8_0(), "3.0": kversion.V3_0_0(), "3.3": kversion.V3_3_0(), "3.6": kversion.V3_6_0(),
		"3.9": kversion.V3_9_0(), "4.0": kversion.V4_0_0(), "4.1": kversion.V4_1_0(), "4.2": kversion.V4_2_0()} {
		t.Run(name, func(t *testing.T) {
			cluster := fakeCluster(t, kfake.MaxVersions(version))
			addrs := cluster.ListenAddrs()
			produce(t, addrs, 50)
			w, _ := watching()
			_, stop := startWith(t, addrs, Config{Watch: w}, everything(newSeen(50)))
			read := func(n int64) func() bool {
				return func() bool { l := w.Lags(); return w.Ready() == nil && len(l) == 1 && l[0] == Lag{topic, 0, 0, n} }
			}
			until(t, "at least once: ready, and all is committed", read(50))
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			produce(t, addrs, 50)
			w, _ = watching()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				cfg := Config{Client: []kgo.Opt{kgo.SeedBrokers(addrs...)}, Topics: []string{topic}, Group: group, Watch: w, Grace: time.Second}
				done <- RunTransactions(ctx, cfg, "id", func(*kgo.Client) TransactHandler { return inTransaction{everything(newSeen(50))} })
			}()
			until(t, "exactly once: ready, and all is committed", read(100))
			cancel()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A hold may last as long as it likes: the member keeps its place, also beyond max.poll.interval.ms, while nothing can be polled.
func TestAHoldOutlastsTheRebalanceTimeout(t *testing.T) {
	cluster := fakeCluster(t)
	produce(t, cluster.ListenAddrs(), 40)
	core, logs := observer.New(zapcore.InfoLevel)
	let := make(chan struct{})
	got := newSeen(40)
	h := settling(func(ctx context.Context, rec *kgo.Record, _ Turn) error {
		select {
		case <-let:
			got.add(rec)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	w, _ := watching()
	_, stop := startWith(t, cluster.ListenAddrs(), Config{Watch: w, Log: zap.New(core), MaxBytes: 4 << 10, // room for a few records only
		Client: []kgo.Opt{kgo.RebalanceTimeout(time.Second), kgo.HeartbeatInterval(100 * time.Millisecond), kgo.SessionTimeout(6 * time.Second)}}, h)
	until(t, "ready", says(w, ""))
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err := w.Ready(); err != nil {
			t.Fatalf("the hold cost the member its place: %v", err)
		}
	}
	close(let)
	<-got.all
	if err := stop(); err != nil {
		t.Error(err)
	}
	if n := logs.FilterMessageSnippet("lost").Len(); n > 0 || got.n != 40 {
		t.Errorf("partitions lost %d times, %d records settled, not 40", n, got.n)
	}
}

// While a partition is held another member joins. What moves is given up within the rebalance timeout, however long the grace may be: else the brokers throw the
// member out, and take the partitions too that would have stayed.
func TestAHeldPartitionMovesWithinTheRebalanceTimeout(t *testing.T) {
	cluster := fakeCluster(t, kfake.SeedTopics(4, "wide"))
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for p := range int32(4) {
		for range 10 {
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "wide", Partition: p, Value: []byte("v")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	let := make(chan struct{})
	got := newSeen(40)
	h := settling(func(ctx context.Context, rec *kgo.Record, _ Turn) error {
		select {
		case <-let:
			got.add(rec)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	type member struct {
		w    *Watch
		logs *observer.ObservedLogs
		stop func()
	}
	join := func() member {
		w, logs := watching()
		cfg := Config{Topics: []string{"wide"}, Group: group, Watch: w, Log: w.log, Grace: 30 * time.Second,
			Client: []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.FetchMaxWait(50 * time.Millisecond), kgo.RebalanceTimeout(3 * time.Second), kgo.HeartbeatInterval(100 * time.Millisecond)}}
		c, err := New(cfg, h)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		return member{w, logs, sync.OnceFunc(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})}
	}
	a := join()
	defer a.stop()
	until(t, "ready", says(a.w, ""))
	time.Sleep(300 * time.Millisecond) // records are in flight, and held
	b := join()
	defer b.stop()
	until(t, "the second has its half", func() bool { return len(b.w.Lags()) == 2 && len(a.w.Lags()) == 2 })
	close(let)
	<-got.all
	until(t, "all is committed", func() bool {
		offsets, err := kadm.NewClient(client).FetchOffsets(t.Context(), group)
		n := int64(0)
		offsets.Each(func(o kadm.OffsetResponse) { n += max(o.At, 0) })
		return err == nil && n == 40
	})
	for _, m := range []member{a, b} {
		if n := m.logs.FilterMessageSnippet("lost").Len() + m.logs.FilterMessageSnippet("no member").Len(); n > 0 {
			t.Errorf("thrown out of the group: %v", m.logs.All())
		}
	}
}

// The clocks of those who write and of the brokers do not matter to what is read.
func TestRecordsOfAnyTimeAreRead(t *testing.T) {
	cluster := fakeCluster(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	now := time.Now()
	for _, at := range []time.Time{now, now.Add(-10 * 365 * 24 * time.Hour), time.UnixMilli(0), now.Add(24 * time.Hour), now.Add(-time.Hour), time.UnixMilli(1 << 52), now} {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Value: []byte("v"), Timestamp: at}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	w, _ := watching()
	got := newSeen(7)
	_, stop := startWith(t, cluster.ListenAddrs(), Config{Watch: w}, everything(got))
	<-got.all
	until(t, "no lag", func() bool { l := w.Lags(); return len(l) == 1 && l[0] == Lag{topic, 0, 0, 7} })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A replica that was behind became leader: the end of the log is gone, and other records take its offsets. They are read, and it is told.
func TestALogThatWasTruncatedIsReadOn(t *testing.T) {
	cluster := fakeCluster(t, kfake.NumBrokers(2))
	addrs := cluster.ListenAddrs()
	produce(t, addrs, 100)
	core, logs := observer.New(zapcore.WarnLevel)
	w, _ := watching()
	got := newSeen(100 + 40 + 10)
	_, stop := startWith(t, addrs, Config{Watch: w, Log: zap.New(core), Client: []kgo.Opt{kgo.MetadataMinAge(100 * time.Millisecond), kgo.MetadataMaxAge(200 * time.Millisecond)}}, everything(got))
	until(t, "the first are settled", func() bool { l := w.Lags(); return len(l) == 1 && l[0] == Lag{topic, 0, 0, 100} })
	cluster.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		asked := req.(*kmsg.OffsetForLeaderEpochRequest)
		resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		for _, rt := range asked.Topics {
			st := kmsg.NewOffsetForLeaderEpochResponseTopic()
			st.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				sp := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				sp.Partition, sp.LeaderEpoch, sp.EndOffset = rp.Partition, rp.LeaderEpoch, 60
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	if err := cluster.MoveTopicPartition(topic, 0, 1-cluster.LeaderFor(topic, 0)); err != nil {
		t.Fatal(err)
	}
	until(t, "it is told", func() bool {
		for _, l := range logs.All() {
			if text, _ := l.ContextMap()["error"].(string); strings.Contains(text, "60") && strings.Contains(text, "lost") {
				return true
			}
		}
		return false
	})
	produce(t, addrs, 10)
	select {
	case <-got.all:
	case <-time.After(2 * time.Minute):
		t.Fatalf("%d records, not those behind offset 60 again and the new ones", got.n)
	}
	until(t, "no lag", func() bool { l := w.Lags(); return len(l) == 1 && l[0] == Lag{topic, 0, 0, 110} })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// What compaction leaves is read over its gaps, and nothing of them is told as lost.
func TestACompactedTopicIsReadOverItsGaps(t *testing.T) {
	cluster := fakeCluster(t)
	addrs := cluster.ListenAddrs()
	if err := cluster.CreateTopic("compacted", 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic("compacted"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 10 {
		for _, key := range []string{"a", "b", "c"} {
			if err := client.ProduceSync(t.Context(), &kgo.Record{Key: []byte(key), Value: []byte("v")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cluster.Compact()
	left := cluster.PartitionInfo("compacted", 0)
	w, _ := watching()
	got := newSeen(3)
	var lost []Lost
	cfg := Config{Topics: []string{"compacted"}, Group: group, Watch: w, OnLost: func(l Lost) { lost = append(lost, l) },
		Client: []kgo.Opt{kgo.SeedBrokers(addrs...), kgo.FetchMaxWait(50 * time.Millisecond)}}
	c, err := New(cfg, everything(got))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	until(t, "no lag", func() bool { l := w.Lags(); return len(l) == 1 && l[0].Records == 0 && l[0].Retained > 0 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got.n >= 30 || len(lost) > 0 {
		t.Errorf("%d records of 30 (%+v), lost %v", got.n, left, lost)
	}
}
