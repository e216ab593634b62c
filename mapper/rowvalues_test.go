package mapper

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

// everySetting is each choice that is no opt-in for row values, and all of them together.
func everySetting() map[string]Settings {
	one := map[string]Settings{
		"defaults":      {},
		"assertions in": {AssertionsIn: []string{"inputFacets", "facets"}},
		"assets":        {FileDatasets: "asset"},
		"end only":      {Lifecycle: "end_only", FailedRun: "COMPLETE"},
		"job template":  {JobName: "{{.Checkpoint}} {{.Suite}} {{.Datasource}} {{.Asset}} {{.Batch}} {{.Topic}}"},
		"checkpoints":   {CheckpointRun: true, SingleResults: "dataset"},
		"more facets":   {SchemaFacet: "on", Symlinks: "on", JobDescription: "{{.Suite}} {{.Asset}} {{.Batch}}"},
		"unmapped":      {Unmapped: "error"},
		"query tables":  {QueryAssertions: "tables", Datasources: map[string]Datasource{"*": {Namespace: "postgres://db.example.com", Database: "shop"}}},
		"small":         {MaxEventBytes: 4 << 10},
		"datasources":   {Datasources: map[string]Datasource{"*": {Namespace: "postgresql://etl:SECRETPW-7x@db.example.com/shop", Name: "{{.Database}}.{{.Schema}}.{{.Table}}.{{.Asset}}.{{.Path}}"}}},
	}
	all := Settings{AssertionsIn: []string{"facets"}, FileDatasets: "asset", JobName: one["job template"].JobName, CheckpointRun: true, Datasources: one["datasources"].Datasources}
	one["all"] = all
	return one
}

// No row value, no member of a set, no text of a query and no password leaves in an event or an error, whatever is set but
// row_values and batch_values, which name what they let out. What people wrote about a check or a run goes with it by intent.
func TestNoRowValueLeavesAtAnySetting(t *testing.T) {
	lines := corpus(t)
	if raced {
		lines = everyEighth(lines)
	}
	for name, s := range everySetting() {
		m, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, line := range lines {
				raw, err := os.ReadFile(filepath.Join(corpusDir, line.File))
				if err != nil {
					t.Fatal(err)
				}
				msg, err := gx.Decode(raw)
				if err != nil {
					t.Fatal(err)
				}
				runs, err := m.Map(msg, Input{Received: received, Topic: "results"})
				if err != nil && corpustest.LeakInText(err.Error()) != "" {
					t.Errorf("%s: %v", line.File, err)
				}
				for _, run := range runs {
					if run.Minimal != nil {
						run.Events = append(run.Events, run.Minimal())
					}
					for _, ev := range run.Events {
						if leak := corpustest.Leak(ev.Body) + corpustest.LeakInText(ev.Key); leak != "" {
							t.Errorf("%s: a marked value left: %s", line.File, leak)
						}
					}
				}
			}
		})
	}
}

// everyEighth is what is enough to find a race.
func everyEighth[T any](all []T) (some []T) {
	for i := 0; i < len(all); i += 8 {
		some = append(some, all[i])
	}
	return some
}

// A broken message is quoted nowhere either.
func TestNoRowValueLeavesInAnErrorAboutABrokenMessage(t *testing.T) {
	notRaced(t)
	for _, line := range corpus(t) {
		raw, err := os.ReadFile(filepath.Join(corpusDir, line.File))
		if err != nil {
			t.Fatal(err)
		}
		for part := range 16 {
			at := len(raw) * part / 16
			for _, broken := range [][]byte{raw[:at], append(append(append([]byte(nil), raw[:at]...), '\x01'), raw[at:]...)} {
				if _, err := gx.Decode(broken); err != nil && corpustest.LeakInText(err.Error()) != "" {
					t.Fatalf("%s cut at %d: %v", line.File, at, err)
				}
			}
		}
	}
}

// cell is a value that is neither a name of code nor a time.
const cell = "ROWVALUE of a cell"

// Columns of text have a text as maximum, sets in place of one value, rules with bounds of text: no real result of the corpus has a
// mark at each of these places, so they get one here.
func TestNoValueLeavesFromAPlaceWhereNoRealResultHasAMark(t *testing.T) {
	notRaced(t)
	forms := map[string]any{"text": cell, "list": []any{cell}, "object": map[string]any{"value": cell, cell: 1}, "nested": []any{map[string]any{"a": []any{cell}}}}
	spoil := map[string]func(result map[string]any, form any){
		"observed value": func(r map[string]any, form any) { in(r, "result")["observed_value"] = form },
		"details": func(r map[string]any, form any) {
			in(r, "result")["details"] = map[string]any{"value_counts": form, "x": form}
		},
		"unknown member": func(r map[string]any, form any) { r["new"], in(r, "result")["new"] = form, form },
		"kwargs": func(r map[string]any, form any) {
			kwargs := in(in(r, "expectation_config"), "kwargs")
			for _, k := range []string{"value", "min_value", "max_value", "value_set", "regex", "threshold", "mostly", "sum_total", "type_", "new"} {
				kwargs[k] = form
			}
		},
		"exception": func(r map[string]any, form any) {
			r["exception_info"] = map[string]any{"raised_exception": true, "exception_message": form, "exception_traceback": form, cell: form}
		},
	}
	var mappers []*Mapper
	for _, s := range []Settings{{}, {Compat: compatReference}} {
		m, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		mappers = append(mappers, m)
	}
	lines, largest := corpus(t), int64(6<<10) // the small ones suffice, and keep this short
	if corpustest.Bundled() {
		largest = 20 << 10
	}
	for place, put := range spoil {
		for form, value := range forms {
			t.Run(place+" "+form, func(t *testing.T) {
				spoiled := 0
				for _, line := range lines {
					if strings.Contains("AB", line.Shape) && line.bytes(t) < largest {
						spoiled += mapSpoiled(t, mappers, line, func(r map[string]any) { put(r, value) })
					}
				}
				if spoiled < 100 {
					t.Errorf("%d results only", spoiled)
				}
			})
		}
	}
}

func (l indexed) bytes(t *testing.T) int64 {
	t.Helper()
	f, err := os.Stat(filepath.Join(corpusDir, l.File))
	if err != nil {
		t.Fatal(err)
	}
	return f.Size()
}

// mapSpoiled maps a message whose results were changed, and tells how many they were.
func mapSpoiled(t *testing.T, mappers []*Mapper, line indexed, change func(result map[string]any)) (n int) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(corpusDir, line.File))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if json.Unmarshal(raw, &doc) != nil {
		return 0 // a text of Python, or with NaN
	}
	results, ok := doc["results"].([]any)
	if !ok {
		results = []any{doc}
	}
	for _, r := range results {
		r, ok := r.(map[string]any)
		if !ok || r["expectation_config"] == nil {
			continue
		}
		// What these observe are names of columns, which events have.
		if c := in(r, "expectation_config"); !strings.Contains(fmt.Sprint(c["type"], c["expectation_type"]), "expect_table_columns_") {
			change(r)
			n++
		}
	}
	if raw, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode(raw)
	if err != nil {
		if leak := corpustest.LeakInText(err.Error()); leak != "" {
			t.Errorf("%s: %v", line.File, err)
		}
		return n
	}
	for _, m := range mappers {
		runs, err := m.Map(msg, Input{Received: received})
		if err != nil && corpustest.LeakInText(err.Error()) != "" {
			t.Errorf("%s: %v", line.File, err)
		}
		for _, run := range runs {
			for _, ev := range run.Events {
				if leak := corpustest.Leak(ev.Body); leak != "" {
					t.Errorf("%s: %s", line.File, leak)
				}
			}
		}
	}
	return n
}

// in is the object at a key, made where there is none.
func in(of map[string]any, key string) map[string]any {
	inner, ok := of[key].(map[string]any)
	if !ok {
		inner = make(map[string]any)
		of[key] = inner
	}
	return inner
}
