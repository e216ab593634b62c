package mapper

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

const columnsResult = `{"success": true, "results": [{"success": true, "expectation_config": {"type": "expect_table_columns_to_match_ordered_list", "kwargs": {}},
	"result": {"observed_value": ["id", "total"]}}], "meta": {"expectation_suite_name": "daily",
	"active_batch_definition": {"datasource_name": "pg", "data_asset_name": "orders"}, "batch_spec": {"table_name": "orders"}}}`

var postgres = map[string]Datasource{"pg": {Namespace: "postgres://h:5432", Database: "shop"}}

// Columns without types hide those of who knows the types, and a GX name means one dataset in one team only.
func TestColumnsAndSecondNamesOnlyWhereTheyAreAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		settings         Settings
		schema, symlinks bool
	}{
		"default":                      {Settings{}, false, false},
		"on":                           {Settings{SchemaFacet: "on", Symlinks: "on"}, true, true},
		"off":                          {Settings{SchemaFacet: "off", Symlinks: "off"}, false, false},
		"as the reference action":      {Settings{Compat: compatReference}, true, false},
		"like it, but without columns": {Settings{Compat: compatReference, SchemaFacet: "off"}, false, false},
	} {
		c.settings.Datasources = postgres
		facets := jsonAt(mapped(t, c.settings, Input{}, columnsResult), "inputs", "0", "facets")
		if strings.Contains(facets, `"schema":`) != c.schema || strings.Contains(facets, `"symlinks":`) != c.symlinks || !strings.Contains(facets, `"dataSource":`) {
			t.Errorf("%s: %s", name, facets)
		}
	}
}

// Marquez takes a dataset's source from the first event that names it, and its default where that has none.
func TestStartTellsTheDatasetsSourceToo(t *testing.T) {
	m, err := New(Settings{Datasources: postgres})
	if err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode([]byte(columnsResult))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := m.Map(msg, Input{Received: received})
	if err != nil {
		t.Fatal(err)
	}
	var start map[string]any
	if err := json.Unmarshal(runs[0].Events[0].Body, &start); err != nil {
		t.Fatal(err)
	}
	if got := jsonAt(start, "inputs", "0", "facets", "dataSource", "uri"); got != `"postgres://h:5432"` {
		t.Errorf("%s", got)
	}
	if got := jsonAt(start, "inputs", "0"); strings.Contains(got, "inputFacets") || strings.Count(got, "_producer") != 1 {
		t.Errorf("more than that: %s", got)
	}
}

func TestAJobIsDescribed(t *testing.T) {
	const notes = `{"success": true, "results": [], "meta": {"expectation_suite_name": "daily", "notes": "What sales needs", "active_batch_definition": {"datasource_name": "pg", "data_asset_name": "orders"}}}`
	for name, c := range map[string]struct{ description, message, want string }{
		"by default":          {"", columnsResult, "Checks orders with the Great Expectations suite daily."},
		"by the suite":        {"", notes, "What sales needs"},
		"by the setting":      {"Nightly checks", notes, "Nightly checks"},
		"by a template":       {"{{ .Suite | upper }} on {{ .Datasource }}.{{ .Asset }} ({{ .Topic }})", notes, "DAILY on pg.orders (in)"},
		"by an empty one":     {"{{ .Checkpoint }}", notes, "What sales needs"},
		"by its suite alone":  {"", `{"success": true, "results": [], "meta": {"expectation_suite_name": "daily"}}`, "Runs the Great Expectations suite daily."},
		"by its asset alone":  {"", `{"success": true, "results": [], "meta": {"active_batch_definition": {"data_asset_name": "orders"}}}`, "Checks orders with Great Expectations."},
		"by nothing":          {"", `{"success": true, "results": [], "meta": {}}`, ""},
		"by what is not said": {"  ", `{"success": true, "results": [], "meta": {}}`, ""},
	} {
		got := jsonAt(mapped(t, Settings{JobDescription: c.description}, Input{Topic: "in"}, c.message), "job", "facets", "documentation", "description")
		if strings.Trim(got, `"`) != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if _, err := New(Settings{JobDescription: "{{ .Nonsense }}"}); err == nil || !strings.Contains(err.Error(), "job.description") {
		t.Errorf("a template that does not fit: %v", err)
	}
}
