package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/mapper"
)

func TestExplainPrintsOriginsInsteadOfEvents(t *testing.T) {
	file := testdata(t, "1.24.1-suite.store.json")
	t.Chdir(t.TempDir())
	code, table, stderr := call(t, "", "map", "--explain", file)
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	if !strings.HasPrefix(table, "EVENT ") || !strings.Contains(table, "/suite_name") || strings.Contains(table, "_producer") {
		t.Errorf("table:\n%s", table)
	}
	code, lines, _ := call(t, "", "map", "--explain", "-o", "json", file)
	seen := make(map[string]mapper.Origin)
	for line := range strings.Lines(lines) {
		var o mapper.Origin
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		seen[o.Field] = o
	}
	if o := seen["run.facets.great_expectations_meta.expectation_suite_name"]; code != 0 || o.From != "message" || o.Where != "/suite_name" || o.Value == "" {
		t.Errorf("exit %d, %+v", code, o)
	}
}

func TestExplainRefusesAnotherForm(t *testing.T) {
	t.Chdir(t.TempDir())
	code, _, stderr := call(t, "", "map", "--explain", "-o", "yaml")
	if code != 2 || !strings.Contains(stderr, `-o "yaml" must be table or json`) {
		t.Errorf("exit %d, %s", code, stderr)
	}
}
