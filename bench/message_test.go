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
// that come again, of such that name another batch each time, and of such where nothing comes again, since each is of a table and of a suite of its own.
func BenchmarkMessage(b *testing.B) {
	const batch, column = `"warehouse-orders_daily"`, `"column": "`
	for _, kind := range []results.Kind{results.Small, results.Medium} {
		for name, differs := range map[string]func(value []byte, i string) []byte{
			"again": func(value []byte, _ string) []byte { return bytes.Clone(value) },
			"batch": func(value []byte, i string) []byte { return bytes.ReplaceAll(value, []byte(batch), []byte(`"`+i+`"`)) },
			"new":   func(value []byte, i string) []byte { return bytes.ReplaceAll(value, []byte(column), []byte(column+i)) },
		} {
			b.Run(string(kind)+"/"+name, func(b *testing.B) { message(b, kind, differs) })
		}
	}
}

func message(b *testing.B, kind results.Kind, differs func([]byte, string) []byte) {
	m, err := mapper.New(mapper.Settings{Version: "1.0.0", Lifecycle: "end_only"})
	if err != nil {
		b.Fatal(err)
	}
	source := results.Variants(kind)
	values, size := make([][]byte, 2000), 0
	for i := range values {
		_, value := source.At(i)
		values[i] = differs(value, strconv.Itoa(1_000_000+i))
		size += len(values[i])
	}
	in := mapper.Input{Received: time.Date(2026, 8, 20, 23, 0, 0, 0, time.UTC), Topic: "t"}
	b.SetBytes(int64(size / len(values)))
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		msg, err := gx.Decode(values[i%len(values)])
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.Map(msg, in); err != nil {
			b.Fatal(err)
		}
		msg.Release()
	}
}
