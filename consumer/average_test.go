package consumer

import (
	"cmp"
	"context"
	"runtime"
	"testing"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// together writes n records of size bytes, which compress well, in one batch.
func together(t *testing.T, addrs []string, n, size int, codec kgo.CompressionCodec) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytes(64<<20), kgo.ManualFlushing())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range n {
		client.Produce(t.Context(), &kgo.Record{Value: make([]byte, size)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := client.Flush(t.Context()); err != nil || t.Failed() {
		t.Fatal(err)
	}
}

// pageBytes is where Go lets a large piece of memory begin.
const pageBytes = 8 << 10

// One batch that holds twenty times the window is taken as there is room, also as the first that comes, when nothing is known of the topic.
func TestALargeBatchIsTakenRecordByRecord(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		t.Run(name, func(t *testing.T) {
			addrs, _ := broker(t, 1)
			const limit, size = 1 << 20, 400 << 10
			together(t, addrs, 50, size, codec)
			release := make(chan struct{})
			got := newSeen(50)
			settle := settledAfter(release, got)
			c, stop := startWith(t, addrs, Config{MaxBytes: limit, MaxInflated: 64 << 20, MaxInFlight: 4}, settling(func(ctx context.Context, rec *kgo.Record, turn Turn) error {
				if uintptr(unsafe.Pointer(unsafe.SliceData(rec.Value)))%pageBytes != 0 {
					t.Error("a record lies in the memory of its batch")
				}
				return settle(ctx, rec, turn)
			}))
			if n := steady(c); n > limit+size+4096 {
				t.Errorf("%d bytes in hand, bound is %d", n, limit)
			}
			close(release)
			<-got.all
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestRecordsAreCopiedOutOfLargeBatches(t *testing.T) {
	several := func(bytes int) kgo.FetchBatchMetrics {
		return kgo.FetchBatchMetrics{NumRecords: 10, UncompressedBytes: bytes}
	}
	usual := several(usualBatch)
	for name, c := range map[string]struct {
		read []kgo.FetchBatchMetrics
		want bool
	}{
		"nothing known":                 {},
		"usual batches":                 {read: []kgo.FetchBatchMetrics{usual, usual}},
		"a large one":                   {read: []kgo.FetchBatchMetrics{several(64 << 20)}, want: true},
		"large, and of one record":      {read: []kgo.FetchBatchMetrics{{NumRecords: 1, UncompressedBytes: 64 << 20}}},
		"a large one before usual ones": {read: append([]kgo.FetchBatchMetrics{several(64 << 20)}, repeat(usual, 100)...), want: true},
		"long ago":                      {read: append([]kgo.FetchBatchMetrics{several(64 << 20)}, repeat(usual, 1000)...)},
		"one that can't be read":        {read: []kgo.FetchBatchMetrics{{UncompressedBytes: 64 << 20}}},
	} {
		t.Run(name, func(t *testing.T) {
			var a average
			for _, m := range c.read {
				a.OnFetchBatchRead(kgo.BrokerMetadata{}, topic, 0, m)
			}
			batch := []byte("key value header")
			rec := &kgo.Record{Key: batch[:3], Value: batch[4:9], Headers: []kgo.RecordHeader{{Key: "h", Value: batch[10:]}}, Offset: 7, LeaderEpoch: 3}
			recs := []*kgo.Record{rec}
			a.copyOut(recs)
			if (recs[0] != rec) != c.want {
				t.Fatalf("copied: %t, want %t", recs[0] != rec, c.want)
			}
			if got := recs[0]; got.Offset != 7 || got.LeaderEpoch != 3 || string(got.Key) != "key" || string(got.Value) != "value" || string(got.Headers[0].Value) != "header" {
				t.Errorf("the copy is %+v", got)
			}
			clear(batch)
			clear(rec.Headers)
			if got := recs[0]; c.want && (string(got.Key) != "key" || string(got.Value) != "value" || got.Headers[0].Key != "h" || string(got.Headers[0].Value) != "header") {
				t.Errorf("the copy is not its own: %+v", got)
			}
		})
	}
}

func repeat[T any](v T, n int) (out []T) {
	for range n {
		out = append(out, v)
	}
	return out
}

// A null value, which deletes a key, is no empty one, also as a copy.
func TestACopyOfANullIsNull(t *testing.T) {
	a := average{batch: 64 << 20}
	recs := []*kgo.Record{{Value: nil}, {Key: []byte{}, Value: []byte{}}}
	a.copyOut(recs)
	if recs[0].Key != nil || recs[0].Value != nil || recs[1].Key == nil || recs[1].Value == nil {
		t.Errorf("%+v", recs)
	}
}

// What a large answer left is collected before the next one is asked for, once; usual ones leave the collector its own time.
func TestGarbageIsCollectedBehindALargeAnswer(t *testing.T) {
	large := deflated(t, make([]byte, collectedFirst))
	for name, c := range map[string]struct {
		bytes int                      // of the answer, as it came
		codec kgo.CompressionCodecType // of the large batch in it; none: there is none
		key   int16                    // of the requests; 0: a fetch
		want  uint32
	}{
		"a usual one":          {bytes: 1 << 20},
		"as much as asked for": {bytes: maxFetch + 4096},
		"a large one":          {bytes: collectedFirst, want: 1},
		"one that became so":   {bytes: 1 << 20, codec: kgo.CodecLz4, want: 1},
		"of snappy":            {bytes: 1 << 20, codec: kgo.CodecSnappy, want: 1},
		"of zstd":              {bytes: 1 << 20, codec: kgo.CodecZstd, want: 1},
		"no fetch":             {bytes: collectedFirst, key: int16(kmsg.Metadata)},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := newInflater(Config{}.withDefaults())
			if err != nil {
				t.Fatal(err)
			}
			key := cmp.Or(c.key, int16(kmsg.Fetch))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f.OnBrokerRead(kgo.BrokerMetadata{}, key, c.bytes, 0, 0, nil)
			if c.codec != kgo.CodecNone {
				if _, err := f.Decompress(large[c.codec], c.codec); err != nil {
					t.Fatal(err)
				}
			}
			write := func(key int16) uint32 {
				f.OnBrokerWrite(kgo.BrokerMetadata{}, key, 0, 0, 0, nil)
				runtime.ReadMemStats(&after)
				return after.NumForcedGC - before.NumForcedGC
			}
			if n := write(int16(kmsg.Heartbeat)); n != 0 {
				t.Errorf("collected %d times at a heartbeat", n)
			}
			for range 2 {
				if n := write(key); n != c.want {
					t.Errorf("collected %d times, want %d", n, c.want)
				}
			}
		})
	}
}
