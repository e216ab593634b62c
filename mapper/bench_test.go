package mapper

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// BenchmarkMap maps and encodes a decoded result of 22 KB; beside it encoding/json encodes the events that came out,
// from structures that are ready.
func BenchmarkMap(b *testing.B) {
	value, err := os.ReadFile("../schemas/gx/testdata/0.13.49-operator.json")
	if err != nil {
		b.Fatal(err)
	}
	msg, err := gx.Decode(value)
	if err != nil {
		b.Fatal(err)
	}
	m, err := New(Settings{Version: "1.0.0"})
	if err != nil {
		b.Fatal(err)
	}
	in := Input{Received: time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)}
	runs, err := m.Map(msg, in)
	if err != nil {
		b.Fatal(err)
	}
	var ready []any
	size := 0
	for _, ev := range runs[0].Events {
		var v any
		if err := json.Unmarshal(ev.Body, &v); err != nil {
			b.Fatal(err)
		}
		ready = append(ready, v)
		size += len(ev.Body)
	}
	b.Run("gx-ol", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for range b.N {
			if _, err := m.Map(msg, in); err != nil {
				b.Fatal(err)
			}
		}
	})
	briefing, err := New(Settings{Version: "1.0.0", Brief: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("gx-ol_for_a_page", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for range b.N {
			if _, err := briefing.Map(msg, in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding_json_any", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for range b.N {
			for _, v := range ready {
				if _, err := json.Marshal(v); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
