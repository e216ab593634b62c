package marquez_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// FuzzEventsOfOurMakingPassTheGuard holds what the HTTP destination relies on: it looks for what breaks a Marquez only in events that pass
// through, since the mapper makes none that would.
func FuzzEventsOfOurMakingPassTheGuard(f *testing.F) {
	for _, pattern := range []string{"../../schemas/gx/testdata/*.json", "../../internal/samples/results/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for i, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw, "", uint8(i))
		}
	}
	for i, bad := range []string{"", " ", "\x00", "a\x00b~ %é;=", strings.Repeat("é", 2000), strings.Repeat("x", 5000), "\xff\xfe", `\u0000`} {
		quoted := strings.NewReplacer("\x00", `\u0000`, "\xff\xfe", `\udcff`, `\u0000`, `\\u0000`).Replace(bad)
		f.Add([]byte(`{"success": false, "results": [{"success": false, "expectation_config": {"type": "expect_table_columns_to_match_ordered_list",
			"kwargs": {"column": "`+quoted+`", "`+quoted+`": "`+quoted+`"}}, "result": {"observed_value": ["`+quoted+`", "b"]}}], "meta": {"expectation_suite_name": "`+quoted+`",
			"checkpoint_name": "`+quoted+`", "run_id": {"run_name": "`+quoted+`", "run_time": "2026-01-02T03:04:05+00:00"}, "batch_spec": {"table_name": "`+quoted+`", "schema_name": "`+quoted+`"},
			"active_batch_definition": {"datasource_name": "`+quoted+`", "data_asset_name": "`+quoted+`", "batch_identifiers": {"`+quoted+`": "`+quoted+`"}}}}`), bad, uint8(i))
	}
	var mappers []*mapper.Mapper
	for _, s := range []mapper.Settings{
		{},
		{Compat: "reference", AssertionsIn: []string{"inputFacets", "facets"}, RowValues: mapper.RowValues{Params: true, ExceptionText: true, Queries: true}, BatchValues: "all", CheckpointRun: true, Symlinks: "on"},
		{SchemaFacet: "on", SingleResults: "dataset", TestFacet: "always", FileDatasets: "asset", JobName: "{{.Suite}} {{.Batch}} {{.RunName}}", JobDescription: "{{.Suite}}"},
		{QueryAssertions: "tables", Symlinks: "on", Datasources: map[string]mapper.Datasource{"*": {Namespace: "postgres://h", Database: "d", Name: "{{.Schema}}.{{.Table}}{{.Path}}"}}},
	} {
		m, err := mapper.New(s)
		if err != nil {
			f.Fatal(err)
		}
		mappers = append(mappers, m)
	}
	guard, err := http.New(http.Config{URL: "http://127.0.0.1:1", Backend: http.Marquez, MaxEventBytes: 1 << 30})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte, name string, which uint8) {
		msg, err := gx.Decode(value)
		if err != nil || msg.Shape == gx.ShapeEvent {
			return
		}
		runs, err := mappers[int(which)%len(mappers)].Map(msg, mapper.Input{Received: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), JobNamespace: name, JobName: name,
			Parent: mapper.ParentRun{Namespace: name, Name: name, RunID: "0191533c-0a53-7c23-a16e-8b1ac4d8f3a1"}})
		if err != nil {
			return
		}
		for _, run := range runs {
			if run.Minimal != nil {
				run.Events = append(run.Events, run.Minimal())
			}
			for _, ev := range run.Events {
				ev.PassThrough = true // else nobody looks
				if err := guard.Check(t.Context(), ev); err != nil {
					t.Fatalf("%v\n%s", err, ev.Body)
				}
			}
		}
	})
}
