package kafka

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkSend compares a Writer with the bare client, codecs and lingers, at up to 4,000 records in flight of 1.9 KB, which are alike as
// events are. The broker is of this process.
func BenchmarkSend(b *testing.B) {
	body := []byte(strings.Repeat(`{"assertion":"expect_column_values_to_not_be_null","column":"customer_id","success":true},`, 21))
	for _, codec := range []string{"lz4", "zstd", "snappy", "none"} {
		for _, linger := range []time.Duration{0, 5 * time.Millisecond} {
			codecs := map[string]kgo.CompressionCodec{"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(), "snappy": kgo.SnappyCompression(), "none": kgo.NoCompression()}
			for _, way := range []string{"bare", "writer"} {
				b.Run(fmt.Sprintf("%s/%s/%s", codec, linger, way), func(b *testing.B) {
					addrs := cluster(b)
					cl := client(b, addrs, kgo.ProducerBatchCompression(codecs[codec]), kgo.ProducerLinger(linger), kgo.MaxBufferedRecords(4000))
					w := NewWriter(cl)
					failed := func(err error) {
						if err != nil {
							b.Error(err)
						}
					}
					begin := cpu()
					var all sync.WaitGroup
					all.Add(b.N)
					b.ResetTimer()
					for i := range b.N {
						value := append([]byte(fmt.Sprintf(`{"run":"%d",`, i)), body...)
						rec := &kgo.Record{Topic: "roomy", Key: []byte("k"), Value: value}
						if way == "writer" {
							w.Send(b.Context(), rec, func(err error) { failed(err); all.Done() })
						} else {
							cl.Produce(b.Context(), rec, func(_ *kgo.Record, err error) { failed(err); all.Done() })
						}
					}
					all.Wait()
					b.ReportMetric(float64((cpu()-begin).Nanoseconds())/float64(b.N), "cpu-ns/op")
				})
			}
		}
	}
}

// cpu is what this process has used.
func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
