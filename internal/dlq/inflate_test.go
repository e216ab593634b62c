package dlq

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/test/rawbatch"
)

// takes lets the dead-letter topic take large batches.
func (e *estate) takes(most string) {
	e.t.Helper()
	if _, err := e.topic.admin.AlterTopicConfigs(e.t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &most}}, dead); err != nil {
		e.t.Fatal(err)
	}
}

// attack writes one batch to partition 0 of the dead-letter topic as whoever may write there can: raw holds its records, compressed.
func (e *estate) attack(raw []byte, codec kgo.CompressionCodecType, records int32) Position {
	e.t.Helper()
	return Position{0, rawbatch.Write(e.t, e.client, dead, raw, codec, records)}
}

// peak is how much more heap was in use while work ran.
func peak(work func()) uint64 {
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	var most atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			runtime.ReadMemStats(&now)
			most.Store(max(most.Load(), now.HeapInuse))
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	work()
	close(stop)
	<-done
	return most.Load() - min(most.Load(), before.HeapInuse)
}

// Whoever may write to the dead-letter topic can send a few KB that inflate to a GB: they cost neither memory nor the letters behind them.
func TestABatchThatInflatesCostsItsRecordsAlone(t *testing.T) {
	tiny := bytes.Repeat([]byte{12, 0, 0, 0, 1, 1, 0}, 300_000) // records of nothing
	full := binary.AppendVarint(nil, 2<<20+8)                   // one of a million empty headers
	full = append(append(full, 0, 0, 0, 1, 1), binary.AppendVarint(nil, 1<<20)...)
	full = append(full, make([]byte, 2<<20)...)
	for name, c := range map[string]struct {
		raw     []byte
		codec   kgo.CompressionCodecType
		records int32
	}{
		"zstd, to 1 GiB":           {rawbatch.Inflating(t, kgo.ZstdCompression(), 64), kgo.CodecZstd, 10},
		"gzip, to 1 GiB":           {rawbatch.Inflating(t, kgo.GzipCompression(), 64), kgo.CodecGzip, 10},
		"lz4, to 16 MiB":           {rawbatch.Inflating(t, kgo.Lz4Compression(), 1), kgo.CodecLz4, 10},
		"snappy that claims 1 GiB": {append(binary.AppendUvarint(nil, 1<<30), make([]byte, 1000)...), kgo.CodecSnappy, 10},
		"snappy in Java's framing": {append([]byte{130, 83, 78, 65, 80, 80, 89, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 10}, append(binary.AppendUvarint(nil, 1<<30), make([]byte, 5)...)...), kgo.CodecSnappy, 10},
		"no zstd at all":           {[]byte("not compressed"), kgo.CodecZstd, 10},
		"empty records":            {rawbatch.Compressed(t, kgo.ZstdCompression(), tiny), kgo.CodecZstd, 300_000},
		"empty headers":            {rawbatch.Compressed(t, kgo.ZstdCompression(), full), kgo.CodecZstd, 1},
		"empty records, as is":     {tiny, kgo.CodecNone, 300_000},
		"empty headers, as is":     {full, kgo.CodecNone, 1},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEstate(t)
			e.takes("8388608")
			before := e.bury(0, 1, "a")
			at := e.attack(c.raw, c.codec, c.records)
			behind := e.bury(0, 2, "b")
			var ix *Index
			used := peak(func() { ix = e.index() })
			t.Logf("%d bytes; %d MiB of heap", len(c.raw), used>>20)
			if used > 128<<20 {
				t.Errorf("reading took %d MiB", used>>20)
			}
			if len(ix.Letters) != 3 || ix.At(before) == nil || ix.At(behind) == nil || ix.At(at) == nil {
				t.Fatalf("letters %+v", ix.Letters)
			}
			l := ix.At(at)
			if l.Said.Code != CodeUnreadBatch || l.State != Pending || l.Batch.Span != (ranges.Range{From: at.Offset, To: at.Offset + int64(c.records)}) || !strings.Contains(l.Fault, "in.dlq[0], offsets 1 – ") {
				t.Errorf("the batch: %+v", l)
			}
			f := Follow(e.client, dead, cfg)
			if used := peak(func() {
				if err := f.Poll(t.Context()); err != nil {
					t.Error(err)
				}
			}); used > 128<<20 {
				t.Errorf("counting took %d MiB", used>>20)
			}
			if depth, _, _ := f.Depth(); len(depth) != 2 {
				t.Errorf("depth %+v", depth)
			}
			got := e.replay(Filter{})
			if got[before.String()] != ReplayedOutcome || got[behind.String()] != ReplayedOutcome || len(got) != 2 {
				t.Errorf("outcomes %v", got)
			}
			s := e.begin()
			if err := s.Discard(t.Context(), []*Letter{s.Index.At(at)}, "an attack", func(Audit) {}); err != nil {
				t.Fatal(err)
			}
			if left := e.index().Choose(Filter{}); len(left) != 0 {
				t.Errorf("pending after all: %+v", left)
			}
		})
	}
}

// What a reference letter is about may lie in such a batch.
func TestAnOriginalInABatchThatIsNotReadIsGone(t *testing.T) {
	e := newEstate(t)
	e.takes("8388608")
	if _, err := e.topic.one(t.Context(), dead, e.attack(rawbatch.Inflating(t, kgo.ZstdCompression(), 4), kgo.CodecZstd, 1)); err == nil || !strings.Contains(err.Error(), "not read") {
		t.Errorf("got %v", err)
	}
	large := deadletter.Wrap(&kgo.Record{Topic: source, Value: []byte(noise(2 * maxBytes))}, dead, deadletter.Letter{Code: "http_422"})
	if at := e.write(large, 1); e.index().At(at).Batch != nil {
		t.Error("a letter of twice the usual size is not read")
	}
}
