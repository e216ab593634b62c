package mapper

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// A mapper remembers what it decided for other messages. A new one, which remembers nothing, decides the same for each.
func TestWhatAMapperRemembersChangesNothing(t *testing.T) {
	var values [][]byte
	files, err := filepath.Glob("../schemas/gx/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		value, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
	}
	for _, spec := range []string{`"table_name": "t"`, `"table_name": "t", "schema_name": "a"`, `"table_name": "t", "schema_name": "b"`, `"type": "x"`, `"query": "select 1"`,
		`"path": "/data/a.csv"`, `"path": "/data/b.csv"`, `"reader_method": "table", "reader_options": {"con": "postgresql://h/d", "table_name": "t"}`} {
		for _, batch := range []string{`"data_asset_name": "t"`, `"datasource_name": "d", "data_asset_name": "t"`, `"datasource_name": "d", "data_asset_name": "t", "batch_identifiers": {"year": "2024"}`,
			`"datasource_name": "d", "batch_identifiers": {"year": "2025"}`} {
			for _, id := range []string{"d-one", "d-two", "e-t"} {
				values = append(values, fmt.Appendf(nil, `{"success": true, "suite_name": "s", "meta": {"batch_spec": {%s}, "active_batch_definition": {%s}},
					"results": [{"success": true, "expectation_config": {"type": "expect_x", "kwargs": {"batch_id": "%s"}}}]}`, spec, batch, id))
			}
		}
	}
	for _, s := range []Settings{
		{},
		{JobName: "{{.Suite}} {{.Batch}}", Datasources: map[string]Datasource{"*": {Namespace: "postgres://h", Database: "d", Name: "{{.Schema}}.{{.Table}}{{.Path}}{{.Asset}}"}}},
	} {
		old := newMapper(t, s)
		for round := range 3 {
			for i, value := range values {
				msg, err := gx.Decode(value)
				if err != nil {
					continue
				}
				in := Input{Received: received, JobName: []string{"", "j", ""}[(i+round)%3], JobNamespace: []string{"", "n"}[(i+round)%2]}
				same(t, value, old, newMapper(t, s), msg, in)
				msg.Release()
			}
		}
	}
}

func newMapper(t *testing.T, s Settings) *Mapper {
	t.Helper()
	m, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// same fails where two mappers make different runs of a message.
func same(t *testing.T, value []byte, old, fresh *Mapper, msg *gx.Message, in Input) {
	t.Helper()
	got, err := old.Map(msg, in)
	want, wantErr := fresh.Map(msg, in)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || len(got) != len(want) {
		t.Fatalf("%d runs, %v; a new mapper gives %d, %v", len(got), err, len(want), wantErr)
	}
	for i := range got {
		g, w := got[i], want[i]
		least, wantLeast := []openlineage.Event(nil), []openlineage.Event(nil)
		if g.Minimal != nil {
			least, wantLeast = []openlineage.Event{g.Minimal()}, []openlineage.Event{w.Minimal()}
		}
		g.Minimal, w.Minimal = nil, nil
		if !reflect.DeepEqual(g, w) || !reflect.DeepEqual(least, wantLeast) {
			t.Fatalf("%.300s\n%s\n%+v\na new mapper gives\n%s\n%+v", value, bytes.TrimSpace(g.Events[len(g.Events)-1].Body), g, w.Events[len(w.Events)-1].Body, w)
		}
	}
}
