package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const projectFile = "../../internal/gxproject/testdata/fluent-0.18/great_expectations.yml"

// A result of the bundled project, as short as results come: a batch id and nothing else.
const briefResult = `{"success": true, "results": [{"success": true, "expectation_config": {"type": "expect_table_row_count_to_equal",
	"kwargs": {"value": 3, "batch_id": "retail_pg-orders_by_month-year_2024-month_1"}}, "result": {"observed_value": 3}}]}`

func TestMapNamesDatasetsByTheProject(t *testing.T) {
	for _, path := range []string{projectFile, filepath.Dir(projectFile)} {
		code, stdout, stderr := call(t, briefResult, "map", "--great-expectations", path, "--received", "2026-01-01T00:00:00Z")
		if code != 0 || stderr != "" || !strings.Contains(stdout, `"namespace":"postgres://127.0.0.1:5434","name":"retail.public.orders"`) ||
			!strings.Contains(stdout, `retail_pg.orders_by_month"`) {
			t.Errorf("%s: exit %d, stderr %q\n%s", path, code, stderr, stdout)
		}
	}
}

func TestWhatIsWrittenByHandWinsOverTheProject(t *testing.T) {
	config := filepath.Join(t.TempDir(), "c.yaml")
	text := "great_expectations: " + projectFile + "\ndatasources: {\"retail_*\": {namespace: \"postgres://db.example.com:5432\"}}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, briefResult, "map", "--config", config, "--received", "2026-01-01T00:00:00Z")
	if code != 0 || !strings.Contains(stdout, `"namespace":"postgres://db.example.com:5432","name":"retail.public.orders"`) {
		t.Errorf("exit %d, stderr %q\n%s", code, stderr, stdout)
	}
}

func TestAProjectThatCannotBeReadStopsTheStart(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{
		{"map", "--great-expectations", "none.yml"},
		{"run", "--great-expectations", "none.yml", "--brokers", "127.0.0.1:1", "--topic", "a", "--to", "-"},
	} {
		code, _, stderr := call(t, briefResult, args...)
		if code != 2 || !strings.Contains(stderr, "great_expectations: none.yml cannot be read: no such file or directory") {
			t.Errorf("%v: exit %d, stderr %q", args, code, stderr)
		}
	}
}

func TestAMissingVariableIsToldByItsName(t *testing.T) {
	t.Chdir(t.TempDir())
	text := "fluent_datasources:\n  retail_pg:\n    type: postgres\n    connection_string: postgresql://u:${DB_PASSWORD}@${DB_HOST}/shop\n"
	if err := os.WriteFile("great_expectations.yml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, briefResult, "map", "--great-expectations", ".", "--received", "2026-01-01T00:00:00Z")
	if want := "great_expectations.yml:4: fluent_datasources.retail_pg.connection_string: needs DB_HOST"; code != 0 ||
		!strings.Contains(stderr, want) || strings.Contains(stderr, "DB_PASSWORD") || !strings.Contains(stdout, `"great_expectations://retail_pg"`) {
		t.Errorf("exit %d, stderr %q, want %q\n%s", code, stderr, want, stdout)
	}
}
