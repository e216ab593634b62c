package gx

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// messages are the results that the benchmarks decode: a real one, and ones of the same facts made larger.
func messages(t testing.TB) []struct {
	name  string
	value []byte
} {
	all := testdata(t)
	return []struct {
		name  string
		value []byte
	}{
		{"small", all["1.9.3-failed-only.json"]},
		{"medium", all["0.13.49-operator.json"]},
		{"large", manyResults(300, 0)},
		{"huge", manyResults(40, 1500)},
	}
}

// manyResults is a suite result of n expectations, each with a list of so many raw rows.
func manyResults(n, rows int) []byte {
	var b strings.Builder
	b.WriteString(`{"success": false, "results": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"success": false, "expectation_config": {"type": "expect_column_values_to_be_between", "kwargs": {"batch_id": "warehouse-orders", "column": "column_%d", "min_value": 0, "max_value": 100.5, "mostly": 0.95}, "meta": {}, "id": "0f6b1c0e-5d2a-4a1e-9e11-%012d", "severity": "critical"}, `, i%25, i)
		b.WriteString(`"result": {"element_count": 1200, "unexpected_count": 7, "unexpected_percent": 0.5833333333333334, "missing_count": 0, "partial_unexpected_list": [101.5, 250.0, 333.25], "unexpected_index_list": [`)
		for row := range rows {
			if row > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, `{"order_id": %d, "status": "ROWVALUE-shipped", "note": "ROWVALUE \"quoted\" \u00fcn\u00ef, %d", "amount": 333.25}`, row, row)
		}
		b.WriteString(`]}, "meta": {}, "exception_info": {"raised_exception": false, "exception_traceback": null, "exception_message": null}}`)
	}
	b.WriteString(`], "suite_name": "orders", "suite_parameters": {}, "statistics": {"evaluated_expectations": 40, "successful_expectations": 0, "unsuccessful_expectations": 40, "success_percent": 0.0}, "meta": {"great_expectations_version": "1.9.3", "run_id": {"run_name": "nightly", "run_time": "2026-11-23T06:51:57.494322+00:00"}, "active_batch_definition": {"datasource_name": "warehouse", "data_asset_name": "orders", "batch_identifiers": {}}}, "id": null}`)
	return []byte(b.String())
}

// plainSuite is what a program reads of the same messages with encoding/json and structs: no more than the facts, and no
// shape but two.
type plainSuite struct {
	Success    *bool
	SuiteName  string `json:"suite_name"`
	Results    []plainResult
	Statistics struct {
		Evaluated int64 `json:"evaluated_expectations"`
	}
	Meta struct {
		Version string          `json:"great_expectations_version"`
		Suite   string          `json:"expectation_suite_name"`
		RunID   json.RawMessage `json:"run_id"`
		Batch   struct {
			Datasource  string          `json:"datasource_name"`
			Asset       string          `json:"data_asset_name"`
			Identifiers json.RawMessage `json:"batch_identifiers"`
		} `json:"active_batch_definition"`
		Spec        map[string]json.RawMessage `json:"batch_spec"`
		BatchKwargs map[string]json.RawMessage `json:"batch_kwargs"`
	}
	RunResults map[string]struct {
		Result *plainSuite `json:"validation_result"`
	} `json:"run_results"`
}

type plainResult struct {
	Success *bool
	Config  struct {
		Type, Description, ID, Severity string
		OldType                         string `json:"expectation_type"`
		Kwargs                          map[string]json.RawMessage
	} `json:"expectation_config"`
	Result struct {
		Elements   *float64        `json:"element_count"`
		Unexpected *float64        `json:"unexpected_count"`
		Missing    *float64        `json:"missing_count"`
		Percent    *float64        `json:"unexpected_percent"`
		Observed   json.RawMessage `json:"observed_value"`
		Details    json.RawMessage
	}
	Exception json.RawMessage `json:"exception_info"`
}

// BenchmarkDecode compares Decode with encoding/json, into structs and into any, on the same messages in one run.
func BenchmarkDecode(b *testing.B) {
	for _, m := range messages(b) {
		for _, c := range []struct {
			name   string
			decode func([]byte) error
		}{
			{"gx", func(v []byte) error { _, err := Decode(v); return err }},
			{"encoding_json_structs", func(v []byte) error { return json.Unmarshal(v, new(plainSuite)) }},
			{"encoding_json_any", func(v []byte) error { return json.Unmarshal(v, new(any)) }},
		} {
			b.Run(fmt.Sprintf("%s_%dKB/%s", m.name, len(m.value)/1000, c.name), func(b *testing.B) {
				b.SetBytes(int64(len(m.value)))
				b.ReportAllocs()
				for range b.N {
					if err := c.decode(m.value); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// Raw rows go by unbuilt: what Decode allocates follows the facts.
func TestMemoryFollowsTheFactsAndNotTheRows(t *testing.T) {
	few, many := allocated(t, manyResults(40, 1)), allocated(t, manyResults(40, 1500))
	if many > 2*few+4096 {
		t.Errorf("%d bytes allocated for 40 results with one row each, %d with 1,500", few, many)
	}
}

func allocated(t *testing.T, value []byte) uint64 {
	t.Helper()
	least := uint64(1 << 62)
	for range 5 { // other goroutines allocate too: the least counts
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode(value); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
