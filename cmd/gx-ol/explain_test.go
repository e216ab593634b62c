package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestExplainPrintsOriginsInsteadOfEvents(t *testing.T) {
	file := testdata(t, "1.24.1-suite.store.json")
	t.Chdir(t.TempDir())
	code, table, stderr := call(t, "", "map", "--explain", file)
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	if !strings.HasPrefix(table, file+"\nEVENT ") || !strings.Contains(table, "/suite_name") || strings.Contains(table, "_producer") {
		t.Errorf("table:\n%s", table)
	}
	code, lines, _ := call(t, "", "map", "--explain", "-o", "json", file)
	seen := make(map[string]fileOrigin)
	for line := range strings.Lines(lines) {
		var o fileOrigin
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		seen[o.Field] = o
	}
	if o := seen["run.facets.great_expectations_meta.expectation_suite_name"]; code != 0 || o.From != "message" || o.Where != "/suite_name" || o.Value == "" || o.File != file {
		t.Errorf("exit %d, %+v", code, o)
	}
}

func TestExplainRefusesWhatMakesNoSense(t *testing.T) {
	t.Chdir(t.TempDir())
	for want, args := range map[string][]string{
		`-o "yaml" must be table or json`:       {"--explain", "-o", "yaml"},
		"-o is the form of --explain":           {"-o", "json"},
		"no events that --validate could check": {"--explain", "--validate"},
	} {
		if code, stdout, stderr := call(t, "", append([]string{"map"}, args...)...); code != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
}

func TestExplainSaysThatAnEventPassesThrough(t *testing.T) {
	t.Chdir(t.TempDir())
	event := `{"eventTime":"2026-01-01T00:00:00Z","producer":"https://example.com","schemaURL":"https://example.com/s","job":{"namespace":"n","name":"j"}}`
	code, stdout, stderr := call(t, event, "map", "--explain", "--received", "2026-01-01T00:00:00Z")
	if code != 0 || stdout != "" || !strings.Contains(stderr, "passes through as it is") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}

func TestMapFindsTheResultInAnEnvelopeOfTheUsers(t *testing.T) {
	raw, err := os.ReadFile(testdata(t, "1.24.1-suite.store.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("c.yaml", []byte("input: {json_pointer: /details/0}"), 0o600); err != nil {
		t.Fatal(err)
	}
	message := `{"details": [` + string(raw) + `]}`
	_, want, _ := call(t, string(raw), "map", "--received", "2026-01-01T00:00:00Z")
	if code, got, stderr := call(t, message, "map", "--config", "c.yaml", "--received", "2026-01-01T00:00:00Z"); code != 0 || got != want || want == "" {
		t.Errorf("exit %d, %s\n%s", code, stderr, got)
	}
	if code, _, stderr := call(t, message, "map"); code != 1 || !strings.Contains(stderr, "an object with 1 keys") {
		t.Errorf("without the pointer: exit %d, %s", code, stderr)
	}
}
