//go:build unix

package mapper

import (
	"fmt"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// cpu is the processor time that f takes: the clock would count the machine's other work too. The least of some runs.
func cpu(t testing.TB, f func()) time.Duration {
	t.Helper()
	least := time.Hour
	for range 5 {
		before := used(t)
		f()
		least = min(least, used(t)-before)
	}
	return least
}

// used is the processor time that this process has taken.
func used(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// Four times as many of anything cost about four times as much, never sixteen. What stands in a message so often may be
// refused for its number, but not after work that grows with its square.
func TestTheCostGrowsWithTheMessageAndNotItsSquare(t *testing.T) {
	m := hostileMappers(t)[0]
	const end = `]}`
	many := func(n int, text string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.ReplaceAll(text, "%", fmt.Sprintf("%06x", i)))
		}
		return b.String()
	}
	nested := func(depth int, open, end string) string {
		return strings.Repeat(open, depth) + "1" + strings.Repeat(end, depth)
	}
	one := func(kwargs, rest string) string {
		return `{"success":true,"results":[{"success":false,"type":"expect_column_values_to_be_in_set","kwargs":{` + kwargs + `}` + rest + `}` + end
	}
	for name, document := range map[string]func(n int) string{
		"distinct columns": func(n int) string {
			return `{"success":true,"results":[` + many(n, `{"success":true,"type":"expect_column_values_to_not_be_null","kwargs":{"column":"%"},"result":{"element_count":9,"unexpected_count":0,"unexpected_percent":0.0,"missing_count":0}}`) + end
		},
		"quantiles": func(n int) string {
			q := many(min(n, 12_000), `1.0`)
			return `{"success":true,"results":[` + many(n/1000, `{"success":true,"type":"expect_column_quantile_values_to_be_between","kwargs":{"column":"a"},"result":{"observed_value":{"quantiles":[`+q[:4*1000-1]+`],"values":[`+q[:4*1000-1]+`]}}}`) + end
		},
		"substituted parameters": func(n int) string {
			return one(many(n, `"%":{"$PARAMETER":"p"}`), `,"meta":{"substituted_parameters":{`+many(n, `"%":1`)+`}}`)
		},
		"kwargs":        func(n int) string { return one(many(n, `"%":"a value that is as long as most"`), ``) },
		"nested kwargs": func(n int) string { return one(many(n/100, `"%":`+nested(300, `{"a":`, `}`)), ``) },
		"unsorted":      func(n int) string { return one(many(n/100, `"%":`+nested(300, `{"b":1,"a":`, `}`)), ``) },
		"nested skipped": func(n int) string {
			return `{"success":true,"results":[],"x":[` + many(n/10, nested(300, `[`, `]`)) + end
		},
		"columns observed": func(n int) string {
			return `{"success":true,"results":[{"success":true,"type":"expect_table_columns_to_match_set","result":{"observed_value":[` + many(min(n/4, 6000), `"%"`) + `]}}` + end
		},
		"exceptions": func(n int) string {
			return `{"success":true,"results":[` + many(n/4, `{"success":false,"type":"expect_%","exception_info":{"raised_exception":true,"exception_message":"m","exception_traceback":"Traceback (most recent call last):\n  a\nValueError: x"}}`) + end
		},
		"array of many keys": func(n int) string {
			return `[{"success":true,"results":[],"meta":{"a":"` + strings.Repeat("a", 20*n) + `"},` + many(n/4, `"%":1`) + `},` + many(n/40, `{"success":true,"results":[],"meta":{"x":"`+strings.Repeat("a", 2000)+`"}}`) + `]`
		},
	} {
		small, large := []byte(document(4_000)), []byte(document(16_000))
		grown := float64(len(large)) / float64(len(small))
		// Other work on the machine makes a measurement dear, and none cheap: what grows with the square is dear each time.
		ratio := math.Inf(1)
		for n := 0; n < 6 && ratio > 2.5*grown; n++ {
			a, b := cpu(t, func() { mapBytes(m, small) }), cpu(t, func() { mapBytes(m, large) })
			ratio = min(ratio, float64(b)/float64(max(a, 200*time.Microsecond)))
		}
		t.Logf("%-24s %8d bytes, %8d bytes (%s): %.1f for %.1f", name, len(small), len(large), mapBytes(m, large), ratio, grown)
		if ratio > 2.5*grown {
			t.Errorf("%s: %.1f times the cost for %.1f times the bytes", name, ratio, grown)
		}
	}
}

// BenchmarkHostile is what hostile documents of a MiB take: 0.3 s at most.
func BenchmarkHostile(b *testing.B) {
	for name, value := range hostile(1 << 20) {
		for i, m := range hostileMappers(b) {
			b.Run(fmt.Sprintf("%s/%d", name, i), func(b *testing.B) {
				for b.Loop() {
					mapBytes(m, value)
				}
			})
		}
	}
}

// BenchmarkMessage decodes, maps and encodes real results under end_only, as toward Kafka. The processor
// time counts where the machine has other work.
func BenchmarkMessage(b *testing.B) {
	for name, file := range map[string]string{"small": "1.9.3-failed-only.json", "medium": "0.13.49-operator.json"} {
		value, err := os.ReadFile("../schemas/gx/testdata/" + file)
		if err != nil {
			b.Fatal(err)
		}
		m, err := New(Settings{Version: "1.0.0", Lifecycle: "end_only"})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(value)))
			b.ReportAllocs()
			before := used(b)
			for range b.N {
				msg, err := gx.Decode(value)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := m.Map(msg, Input{Received: received, Topic: "t"}); err != nil {
					b.Fatal(err)
				}
				msg.Release()
			}
			b.ReportMetric(float64(used(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// What Map allocates does not grow with the expectations: what is written of each goes into memory that is used again.
func TestMapAllocatesNothingForAnExpectation(t *testing.T) {
	m, err := New(Settings{Version: "1.0.0", TestFacet: "always"})
	if err != nil {
		t.Fatal(err)
	}
	allocations := func(n int) float64 {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"success": %t, "expectation_config": {"type": "expect_column_values_to_be_between", "kwargs": {"column": "column_%d", "min_value": 0, "max_value": 100.5, "mostly": 0.95},
				"id": "%08d", "severity": "warning", "description": "says \"why\" \u00fc"}, "result": {"element_count": 1200, "unexpected_count": 7, "unexpected_percent": 0.58, "missing_count": 3}},
				{"success": true, "expectation_config": {"type": "expect_column_max_to_be_between", "kwargs": {"column": "column_%d", "min_value": "2024-01-01", "max_value": {"$PARAMETER": "today"}}}, "result": {"observed_value": "2024-05-06T07:08:09"}},
				{"success": false, "expectation_config": {"type": "expect_column_quantile_values_to_be_between", "kwargs": {"column": "column_%d"}}, "result": {"observed_value": {"quantiles": [0.1, 0.5], "values": [1, 2.5]}}}`, i%2 == 0, i, i, i, i)
		}
		msg, err := gx.Decode([]byte(`{"success": false, "suite_name": "s", "results": [` + b.String() + `], "meta": {"active_batch_definition": {"datasource_name": "d", "data_asset_name": "a"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(50, func() {
			if _, err := m.Map(msg, Input{Received: received}); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := allocations(13), allocations(133) // of three expectations each
	t.Logf("%.0f allocations for 39 expectations, %.0f for 399", few, many)
	if raced {
		return // the race detector empties pools now and then; make unit counts without it
	}
	if many > few+8 {
		t.Errorf("%.0f allocations for 39 expectations, %.0f for 399", few, many)
	}
	if few > 60 {
		t.Errorf("%.0f allocations", few)
	}
}
