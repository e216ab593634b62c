package consumer

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkEngine is what a record costs between its fetch and the mark, beside preparing and settling it: records of a hundred keys that are
// handed over at once and acknowledged at once.
func BenchmarkEngine(b *testing.B) {
	h := settling(func(ctx context.Context, _ *kgo.Record, turn Turn) error {
		turn.Pass()
		_, err := turn.First(ctx)
		return err
	})
	eng := newEngine(Config{MaxInFlight: 1000, MaxBytes: 1 << 40}.withDefaults(), h, func(err error) { b.Error(err) })
	defer eng.stop(b.Context())
	recs := make([]*kgo.Record, 1000)
	for i := range recs {
		recs[i] = &kgo.Record{Topic: topic, Key: fmt.Append(nil, i%100), Value: make([]byte, 100), Offset: int64(i)}
	}
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(recs) {
		p := newPartition(eng, topic, 0)
		p.add(recs)
		if err := p.whole(b.Context()); err != nil {
			b.Fatal(err)
		}
		finish([]*partition{p}, 0, false)
	}
}
