package mapper

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// What Decode and Map may allocate for a message of n bytes: outOfProportion times its size, and what any message may.
const (
	outOfProportion = 12
	anyMessage      = 8 << 20
)

// repeated is text so often that prefix, texts and suffix together have about size bytes.
func repeated(size int, prefix, text, separator, suffix string) []byte {
	var b strings.Builder
	b.WriteString(prefix)
	for n := 0; b.Len() < size-len(suffix); n++ {
		if n > 0 {
			b.WriteString(separator)
		}
		b.WriteString(strings.ReplaceAll(text, "%", fmt.Sprintf("%06x", n)))
	}
	b.WriteString(suffix)
	return []byte(b.String())
}

// hostile are documents of size bytes whose facts would be many times as large as they are.
func hostile(size int) map[string][]byte {
	in := func(prefix, text, separator, suffix string) []byte {
		return repeated(size, prefix, text, separator, suffix)
	}
	const results, end = `{"success":true,"statistics":{},"results":[`, `]}`
	one := func(prefix, text, separator, suffix string) []byte {
		return in(results+`{"success":false,"expectation_config":{"type":"expect_x","kwargs":{"column":"a"`+prefix, text, separator, suffix+end)
	}
	result := func(prefix, text, separator, suffix string) []byte {
		return in(results+`{"success":false,"result":{`+prefix, text, separator, suffix+`}}`+end)
	}
	meta := func(prefix, text, separator, suffix string) []byte {
		return in(`{"success":true,"results":[],"meta":{`+prefix, text, separator, suffix+`}}`)
	}
	all := map[string][]byte{
		"zeros":                   in(results, `0`, `,`, end),
		"empty objects":           in(results, `{}`, `,`, end),
		"empty arrays":            in(results, `[]`, `,`, end),
		"empty texts":             in(results, `""`, `,`, end),
		"one result, then zeros":  in(results+`{"success":true},`, `0`, `,`, end),
		"nested arrays":           in(results, strings.Repeat("[", 400)+strings.Repeat("]", 400), `,`, end),
		"top-level zeros":         in(`[`, `0`, `,`, `]`),
		"top-level objects":       in(`[`, `{}`, `,`, `]`),
		"top-level arrays":        in(`[`, `[]`, `,`, `]`),
		"top-level keys":          in(`{`, `"%":0`, `,`, `}`),
		"top-level repeated key":  in(`{`, `"a":0`, `,`, `}`),
		"least results":           in(results, `{"success":true}`, `,`, end),
		"least failed results":    in(results, `{"success":false}`, `,`, end),
		"least raised results":    in(results, `{"exception_info":{"raised_exception":true}}`, `,`, end),
		"least results by type":   in(results, `{"type":"a"}`, `,`, end),
		"loose results":           in(`[`, `{"expectation_config":0,"success":true}`, `,`, `]`),
		"results of many columns": in(results, `{"success":true,"kwargs":{"column":"%"},"result":{"element_count":1,"missing_count":0}}`, `,`, end),
		"results with bounds":     in(results, `{"success":false,"kwargs":{"min_value":1,"max_value":2},"result":{"observed_value":3}}`, `,`, end),
		"least validations":       in(`[`, `{"results":[],"success":true}`, `,`, `]`),
		"validations of one":      in(`[`, `{"success":true,"results":[{"success":false}]}`, `,`, `]`),
		"validations with asset":  in(`[`, `{"results":[],"success":true,"data_asset_name":"a"}`, `,`, `]`),
		"run results":             in(`{"run_results":{`, `"%":{"results":[],"success":true}`, `,`, `}}`),
		"run results, wrapped":    in(`{"run_results":{`, `"%":{"validation_result":{"results":[],"success":true}}`, `,`, `}}`),
		"run results of nothing":  in(`{"run_results":{`, `"%":{}`, `,`, `}}`),
		"described":               in(`{"validation_results":[`, `{"expectations":[],"success":true}`, `,`, `]}`),
		"keys of run results":     in(`{"run_results":{"a":{`, `"%":0`, `,`, `}}}`),
		"result after result":     in(`{"success":true,`, `"results":[{"success":true}]`, `,`, `}`),
		"many kwargs":             one(`,`, `"%":1`, `,`, `}}}`),
		"repeated kwargs":         one(`,`, `"a":1`, `,`, `}}}`),
		"kwarg of many keys":      one(`,"k":{`, `"%":1`, `,`, `}}}}`),
		"kwarg of a repeated key": one(`,"k":{`, `"a":1`, `,`, `}}}}`),
		"kwargs as long lists":    one(`,`, `"%":[`+strings.Repeat("0,", 2000)+`0]`, `,`, `}}}`),
		"nested kwargs":           one(`,`, `"%":`+strings.Repeat(`{"a":`, 200)+`1`+strings.Repeat(`}`, 200), `,`, `}}}`),
		"deeply nested unordered": one(`,`, `"%":`+strings.Repeat(`{"b":1,"a":`, 200)+`1`+strings.Repeat(`}`, 200), `,`, `}}}`),
		"substituted parameters":  one(`}},"meta":{"substituted_parameters":{`, `"%":1`, `,`, `}}}`),
		"names in mismatched":     result(`"details":{"mismatched":{"unexpected":[`, `""`, `,`, `]}}`),
		"value counts":            result(`"details":{"value_counts":[`, `0`, `,`, `]}`),
		"observed list":           result(`"observed_value":[`, `0`, `,`, `]`),
		"observed objects":        result(`"observed_value":{`, `"%":0`, `,`, `}`),
		"a long number":           result(`"element_count":1`, `1`, ``, ``),
		"a long observed number":  result(`"observed_value":[1`, `1`, ``, `]`),
		"escaped text":            in(`{"success":true,"results":[],"suite_name":"`, `\u0001`, ``, `"}`),
		"escaped version":         meta(`"great_expectations_version":"`, `\u00e9`, ``, `"`),
		"long names":              meta(`"checkpoint_name":"`, `a`, ``, `"`),
		"long notes":              meta(`"notes":["`, `a`, ``, `"]`),
		"many notes":              meta(`"notes":[`, `""`, `,`, `]`),
		"batch spec keys":         meta(`"batch_spec":{`, `"%":0`, `,`, `}`),
		"batch identifiers":       meta(`"active_batch_definition":{"batch_identifiers":{`, `"%":0`, `,`, `}}`),
		"batch kwargs":            meta(`"batch_kwargs":{`, `"%":0`, `,`, `}`),
		"suite parameters":        in(`{"success":true,"results":[],"suite_parameters":{`, `"%":0`, `,`, `}}`),
		"tracebacks":              in(results, `{"exception_info":{"raised_exception":true,"exception_message":"`+strings.Repeat(`\n`, 99)+`","exception_traceback":"Traceback (most recent call last):`+strings.Repeat(`\n`, 900)+`"}}`, `,`, end),
		"event of keys":           in(`{"eventTime":"2026-01-01T00:00:00Z","producer":"p","job":{"namespace":"n","name":"j"},"run":{"facets":{`, `"%":0`, `,`, `}}}`),
		"open brackets":           in(``, `[`, ``, ``),
		"columns observed":        in(results, `{"success":true,"type":"expect_table_columns_to_match_set","result":{"observed_value":[`+strings.Repeat(`"a",`, 9000)+`"a"]}}`, `,`, end),
		"quantiles":               in(results, `{"success":true,"type":"expect_column_quantile_values_to_be_between","kwargs":{"column":"%"},"result":{"observed_value":{"quantiles":[`+strings.Repeat(`1,`, 9000)+`1],"values":[`+strings.Repeat(`1,`, 9000)+`1]}}}`, `,`, end),
		"checkpoints of queries":  in(`[`, `{"results":[],"success":true,"meta":{"batch_spec":{"query":"select * from a,b,c,d,e,f,g,h,i,j,k,l"},"active_batch_definition":{"datasource_name":"d","data_asset_name":"q"}}}`, `,`, `]`),
	}
	for _, name := range []string{"least results", "least validations", "many kwargs"} {
		inner := all[name]
		text, _ := json.Marshal(string(inner))
		all[name+" in a string"] = text
		all[name+" in base64"] = []byte(`{"specversion":"1.0","data_base64":"` + base64.StdEncoding.EncodeToString(inner) + `"}`)
	}
	return all
}

// wholeAndParts are the hostile documents, whole and as a part of a larger one, so that some come to just below each limit.
func wholeAndParts(size int) map[string][]byte {
	all := map[string][]byte{}
	for _, part := range []int{1, 4, 16} {
		for name, value := range hostile(size / part) {
			if part > 1 {
				name = fmt.Sprintf("%s, 1/%d", name, part)
				value = append(value, bytes.Repeat([]byte{' '}, max(0, size-len(value)))...)
			}
			all[name] = value
		}
	}
	return all
}

// allocated is what f allocates in all. No more than that can be live at one time.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

func mapBytes(m *Mapper, value []byte) (code string) {
	msg, err := gx.Decode(value)
	if err == nil {
		_, err = m.Map(msg, Input{Received: received, Topic: "t"})
	}
	switch e := err.(type) { //nolint:errorlint // both are returned as they are
	case *gx.DecodeError:
		return e.Code
	case *Error:
		return e.Code
	}
	return "mapped"
}

// hostileMappers are the default, and those under which events repeat most.
func hostileMappers(t testing.TB) (all []*Mapper) {
	for _, s := range []Settings{
		{},
		{MaxEventBytes: 100_000, TestFacet: "always", Compat: compatReference, AssertionsIn: []string{"inputFacets", "facets"}, QueryAssertions: "tables", BatchValues: "all",
			JobName: "{{.Batch}}", RowValues: RowValues{Params: true, ExceptionText: true, Queries: true}, Datasources: map[string]Datasource{"*": {Namespace: "postgres://h", Database: "d"}}},
	} {
		m, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// A producer must not be able to stop the process with a message that is small on the wire and large in memory.
func TestNoDocumentTakesMemoryOutOfProportion(t *testing.T) {
	notRaced(t)
	mappers := hostileMappers(t)
	sizes := []map[string][]byte{wholeAndParts(1 << 20), hostile(8 << 20)}
	for _, documents := range sizes {
		for name, value := range documents {
			for i, m := range mappers {
				var code string
				n := allocated(func() { code = mapBytes(m, value) })
				times := float64(n) / float64(len(value))
				if n > outOfProportion*len(value)+anyMessage {
					t.Errorf("%s of %d bytes, settings %d: %s, %.1f times its size", name, len(value), i, code, times)
				}
				t.Logf("%-30s %8d %d %-20s %5.1f times", name, len(value), i, code, times)
			}
		}
	}
}

func FuzzMemoryStaysInProportion(f *testing.F) {
	for _, value := range hostile(4 << 10) {
		f.Add(value, uint16(100))
	}
	mappers := hostileMappers(f)
	f.Fuzz(func(t *testing.T, value []byte, times uint16) {
		// The middle of a small document again and again finds what grows faster than the document.
		third := len(value) / 3
		value = slices.Concat(value[:third], bytes.Repeat(value[third:2*third], min(int(times), 1<<20/(third+1))), value[2*third:])
		for i, m := range mappers {
			var code string
			if n := allocated(func() { code = mapBytes(m, value) }); n > outOfProportion*len(value)+2*anyMessage { // other workers allocate too
				t.Fatalf("settings %d: %s, %d bytes for %d", i, code, n, len(value))
			}
		}
	})
}
