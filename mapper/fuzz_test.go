package mapper

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// FuzzMap feeds whatever Decode takes to Map under one of several settings. Whatever comes out is valid by our own
// schema, is the same bytes the second time, and an error is a message's fault with a code.
func FuzzMap(f *testing.F) {
	for _, pattern := range []string{"../schemas/gx/testdata/*.json", "../internal/samples/results/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for i, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw, uint8(i))
		}
	}
	f.Add([]byte(checkpointResult), uint8(1))
	var mappers []*Mapper
	for _, s := range []Settings{
		{},
		{Compat: compatReference, AssertionsIn: []string{"inputFacets", "facets"}, RowValues: RowValues{Params: true, ExceptionText: true}, BatchValues: "all", CheckpointRun: true},
		{MaxEventBytes: 8 << 10, FileDatasets: "asset", Unmapped: "error", JobName: "{{.Suite}} {{.Batch}} {{.RunName}}"},
		{Lifecycle: "end_only", QueryAssertions: "tables", Datasources: map[string]Datasource{"*": {Namespace: "postgres://h", Database: "d", Name: "{{.Schema}}.{{.Table}}{{.Path}}"}}},
	} {
		m, err := New(s)
		if err != nil {
			f.Fatal(err)
		}
		mappers = append(mappers, m)
	}
	f.Fuzz(func(t *testing.T, value []byte, which uint8) {
		msg, err := gx.Decode(value)
		if err != nil {
			return
		}
		m := mappers[int(which)%len(mappers)]
		runs, err := m.Map(msg, Input{Received: received, Topic: "t"})
		var fault *Error
		if err != nil {
			if !errors.As(err, &fault) || fault.Code == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		again, err := m.Map(msg, Input{Received: received, Topic: "t"})
		if err != nil {
			t.Fatal(err)
		}
		for i, run := range runs {
			for j, ev := range run.Events {
				if !bytes.Equal(ev.Body, again[i].Events[j].Body) {
					t.Fatal("the same message gave other bytes")
				}
				if ev.PassThrough {
					continue
				}
				if err := openlineage.Validate(ev.Body); err != nil {
					t.Fatalf("%v\n%s", err, ev.Body)
				}
			}
			if run.Minimal != nil {
				if err := openlineage.Validate(run.Minimal().Body); err != nil {
					t.Fatalf("without facets: %v\n%s", err, run.Minimal().Body)
				}
			}
		}
	})
}
