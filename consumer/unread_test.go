package consumer

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// refusing settles what can be read, and remembers what could not be.
type refusing struct {
	settling
	mu     sync.Mutex
	unread []int64
	more   int64
}

func (r *refusing) PrepareUnread(rec *kgo.Record, more int64) Prepared {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unread = append(r.unread, rec.Offset)
	r.more += more
	return keyed{rec}
}

// bomb writes n records of size bytes in one batch that is small on the wire.
func bomb(t *testing.T, addrs []string, n, size int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerBatchMaxBytes(1<<30), kgo.BrokerMaxWriteBytes(1<<30), kgo.MaxBufferedRecords(1<<20), kgo.ManualFlushing())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	value := make([]byte, size)
	for range n {
		client.Produce(t.Context(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A batch that inflates to more than is read must neither kill the process nor stop its partition: its records are handed over as unread,
// in their turn, and what lies behind it is read.
func TestABatchThatInflatesTooFarIsPassedOver(t *testing.T) {
	for name, c := range map[string]struct {
		records, size int
		letters       int
		more          int64
	}{
		"one large record":      {1, 64 << 20, 1, 0},
		"a few":                 {3, 20 << 20, 3, 0},
		"many tiny ones":        {100_000, 100, mostUnread, 100_000 - mostUnread},
		"the last of its topic": {1, 64 << 20, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			addrs, admin := broker(t, 1)
			produce(t, addrs, 10)
			bomb(t, addrs, c.records, c.size)
			behind := 10
			if name == "the last of its topic" {
				behind = 0
			}
			produce(t, addrs, behind)
			got := newSeen(10 + c.letters + behind)
			h := &refusing{settling: func(_ context.Context, rec *kgo.Record, _ Turn) error { got.add(rec); return nil }}
			member, stop := startWith(t, addrs, Config{MaxInflated: 1 << 20}, h)
			<-got.all
			want := int64(10 + c.records + behind)
			for committed(t, admin) != want && member.InHand() > 0 {
				continue
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if n := committed(t, admin); n != want {
				t.Errorf("committed %d of %d", n, want)
			}
			slices.Sort(h.unread)
			if len(h.unread) != c.letters || h.unread[0] != 10 || h.more != c.more {
				t.Errorf("%d unread from %d on, standing for %d more; want %d from 10 on for %d more", len(h.unread), h.unread[0], h.more, c.letters, c.more)
			}
		})
	}
}

// Many batches, each of which inflates to no more than is read, must not fill memory together.
func TestManyDenseBatchesAreReadWithinBounds(t *testing.T) {
	const batches, size = 100, 8 << 20               // 800 MB of a few hundred kilobytes
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // so that the heap is what lives
	addrs, _ := broker(t, 1)
	for range batches {
		bomb(t, addrs, 1, size)
	}
	got := newSeen(batches)
	var most atomic.Int64
	h := settling(func(_ context.Context, rec *kgo.Record, _ Turn) error {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most.Store(max(most.Load(), int64(m.HeapAlloc)))
		got.add(rec)
		return nil
	})
	_, stop := startWith(t, addrs, Config{MaxInflated: 16 << 20, MaxBytes: 32 << 20, MaxInFlight: 1}, h)
	<-got.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := most.Load() >> 20; n > 250 {
		t.Errorf("%d MB of heap for a window of 32 MB", n)
	}
}
