package ranges_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/test/rawbatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const name = "events"

func brokers(t *testing.T, n int, opts ...kgo.Opt) (*kfake.Cluster, *kgo.Client) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(n), kfake.SeedTopics(1, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic(name))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return cluster, client
}

func readerOf(t *testing.T, client *kgo.Client) *ranges.Reader {
	t.Helper()
	inflate, err := ranges.NewInflater(1<<20, "raise the bound")
	if err != nil {
		t.Fatal(err)
	}
	return ranges.NewReader(client, inflate, 64<<10)
}

func produce(t *testing.T, client *kgo.Client, values ...string) {
	t.Helper()
	for _, v := range values {
		if err := client.ProduceSync(t.Context(), kgo.StringRecord(v)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// read is what lies in a range: values, and batches that are not read.
func read(t *testing.T, r *ranges.Reader, from, to int64) (found []string) {
	t.Helper()
	passed := from
	err := r.Read(t.Context(), name, 0, ranges.Range{From: from, To: to}, func(got ranges.Answer) error {
		if got.Span.From != passed || got.Span.To > to {
			t.Errorf("the answer is about %v, %d were passed of %d", got.Span, passed, to)
		}
		passed = got.Span.To
		for _, rec := range got.Records {
			found = append(found, string(rec.Value))
		}
		if got.Large != nil {
			found = append(found, got.Large.Error())
		}
		return nil
	})
	if err != nil || passed != to {
		t.Fatalf("%v; %d of %d were passed", err, passed, to)
	}
	return found
}

func TestARangeThatEndsInWhatWasAbortedIsPassed(t *testing.T) {
	_, client := brokers(t, 1, kgo.TransactionalID("writer"))
	for _, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(t, client, fmt.Sprint(commit))
		if err := client.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	extent, err := ranges.ExtentOf(t.Context(), kadm.NewClient(client), name)
	if err != nil || len(extent) != 1 || extent[0] != (ranges.Range{From: 0, To: 8}) { // each record and its marker
		t.Fatalf("%v %v", extent, err)
	}
	if got := read(t, readerOf(t, client), 0, 8); !slices.Equal(got, []string{"true", "true"}) {
		t.Errorf("%q", got)
	}
}

func TestATopicThatIsNotThereHasNoExtent(t *testing.T) {
	_, client := brokers(t, 1)
	if extent, err := ranges.ExtentOf(t.Context(), kadm.NewClient(client), "other"); extent != nil || err != nil {
		t.Errorf("%v %v", extent, err)
	}
}

// What one answer held is not asked for again: letters are looked at one by one.
func TestRangesOneAfterTheOtherAreOneFetch(t *testing.T) {
	cluster, client := brokers(t, 1)
	produce(t, client, "a", "b", "c", "d")
	fetches := 0
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		fetches++
		return nil, nil, false
	})
	r := readerOf(t, client)
	var got []string
	for _, from := range []int64{0, 1, 1, 3, 0} {
		got = append(got, read(t, r, from, from+1)...)
	}
	if strings.Join(got, "") != "abbda" || fetches != 1 {
		t.Errorf("%q in %d fetches", got, fetches)
	}
}

func TestABatchThatInflatesCostsItselfAlone(t *testing.T) {
	_, client := brokers(t, 1)
	produce(t, client, "before")
	rawbatch.Write(t, client, name, rawbatch.Inflating(t, kgo.ZstdCompression(), 64), kgo.CodecZstd, 10)
	produce(t, client, "behind")
	want := "events[0], offsets 1 – 10: a batch that is not read, since it is larger than 1048576 bytes in memory or cannot be decompressed; if nobody means harm, raise the bound"
	if got := read(t, readerOf(t, client), 0, 12); !slices.Equal(got, []string{"before", want, "behind"}) {
		t.Errorf("%q", got)
	}
}

// The leader's broker dies, and another leads: who reads goes on there.
func TestALeaderThatIsGoneIsLookedForAgain(t *testing.T) {
	var mu sync.Mutex
	var conns []net.Conn
	cluster, client := brokers(t, 2, kgo.MetadataMinAge(10*time.Millisecond), kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			conns = append(conns, conn)
		}
		return conn, err
	}))
	produce(t, client, "a", "b", "c")
	r := readerOf(t, client)
	err := r.Read(t.Context(), name, 0, ranges.Range{To: 1}, func(ranges.Answer) error { return nil }) // it knows the leader now
	if err != nil {
		t.Fatal(err)
	}
	old := cluster.LeaderFor(name, 0)
	if err := cluster.RemoveNode(old); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	for _, conn := range conns {
		_ = conn.Close()
	}
	mu.Unlock()
	produce(t, client, "d")
	if got := read(t, r, 3, 4); !slices.Equal(got, []string{"d"}) {
		t.Errorf("%q", got)
	}
}
