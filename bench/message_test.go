package main

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/bench/results"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// BenchmarkMessage is what decoding and mapping takes of a message of the topics that are measured here, in one goroutine: of suites
// that come again, and of such where nothing comes again, since each names a batch of its own.
func BenchmarkMessage(b *testing.B) {
	for _, kind := range []results.Kind{results.Small, results.Medium} {
		for _, name := range []string{"again", "new"} {
			b.Run(string(kind)+"/"+name, func(b *testing.B) { message(b, kind, name == "new") })
		}
	}
}

func message(b *testing.B, kind results.Kind, renamed bool) {
	m, err := mapper.New(mapper.Settings{Version: "1.0.0", Lifecycle: "end_only"})
	if err != nil {
		b.Fatal(err)
	}
	source := results.Variants(kind)
	values, size := make([][]byte, 200), 0
	for i := range values {
		_, values[i] = source.At(i)
		size += len(values[i])
	}
	const batch = `"warehouse-orders_daily"`
	in := mapper.Input{Received: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Topic: "t"}
	b.SetBytes(int64(size / len(values)))
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		value := values[i%len(values)]
		if renamed {
			b.StopTimer()
			value = bytes.ReplaceAll(value, []byte(batch), []byte(`"`+strconv.Itoa(1_000_000_000+i)+`"`))
			b.StartTimer()
		}
		msg, err := gx.Decode(value)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.Map(msg, in); err != nil {
			b.Fatal(err)
		}
		msg.Release()
	}
}
