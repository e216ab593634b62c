package mapper

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// valueAt reads a place that Explain names out of the message, as another reader of JSON finds it.
func valueAt(tree any, pointer string) (any, bool) {
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch v := tree.(type) {
		case map[string]any:
			tree = v[token]
		case []any:
			var i int
			if json.Unmarshal([]byte(token), &i) != nil || i >= len(v) {
				return nil, false
			}
			tree = v[i]
		default:
			return nil, false
		}
	}
	return tree, tree != nil
}

// copied fields have the very value of the place that they are said to come from.
var copied = []string{".column", ".assertion", ".expectationType", ".great_expectations_version", ".expectation_suite_name", ".validation_id",
	".checkpoint_id", ".datasource_name", ".data_asset_name", ".data_connector_name"}

func TestExplainNamesTheOriginOfEachFieldAndItIsThere(t *testing.T) {
	for _, s := range []Settings{{}, {Compat: compatReference, AssertionsIn: []string{"inputFacets", "facets"}, CheckpointRun: true, RunTags: map[string]string{"a": "b"},
		Datasources: map[string]Datasource{"*": {Namespace: "postgres://h", Database: "d"}}}} {
		m, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		fields, places := 0, 0
		for _, file := range goldenResults(t) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			msg, err := gx.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			origins, err := m.Explain(msg, Input{Received: received})
			if err != nil {
				t.Fatal(err)
			}
			var tree any
			plain := msg.Shape == gx.ShapeSuite && json.Unmarshal(raw, &tree) == nil
			if top, ok := tree.(map[string]any); !ok || top["results"] == nil { // in a string or an envelope
				plain = false
			}
			for _, o := range origins {
				fields++
				if o.From == "unknown" || o.From == "" || o.Where == "" {
					t.Errorf("%s: %s %s has no origin (%s %s)", filepath.Base(file), o.Event, o.Field, o.From, o.Where)
				}
				pointer, _, _ := strings.Cut(o.Where, " ")
				if !plain || o.From != "message" || pointer[0] != '/' {
					continue
				}
				places++
				value, ok := valueAt(tree, pointer)
				if !ok {
					t.Errorf("%s: %s is said to come from %s, and nothing is there", filepath.Base(file), o.Field, o.Where)
				}
				for _, end := range copied {
					if b, _ := json.Marshal(value); strings.HasSuffix(o.Field, end) && string(b) != o.Value {
						t.Errorf("%s: %s is %s, at %s stands %s", filepath.Base(file), o.Field, o.Value, o.Where, b)
					}
				}
			}
		}
		t.Logf("%d fields, %d places looked up", fields, places)
		if fields < 1000 || places < 100 {
			t.Error("too little was explained")
		}
	}
}

func TestExplainFollowsHeadersAndRules(t *testing.T) {
	m, err := New(Settings{JobRules: []JobRule{{Suite: "orders*", Namespace: "n"}}, Parent: ParentRun{ID: "a/b/0191533c-0a53-7c23-a16e-8b1ac4d8f3a1"}})
	if err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode([]byte(checkpointResult))
	if err != nil {
		t.Fatal(err)
	}
	origins, err := m.Explain(msg, Input{Received: received, JobName: "x"})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, o := range origins {
		got[o.Field] = o.From + " " + o.Where
	}
	for field, want := range map[string]string{
		"job.namespace":              "configuration job.rules[0]",
		"job.name":                   "header openlineage-job-name",
		"run.facets.parent.job.name": "configuration parent.id",
		"inputs[0].name":             "derived /meta/batch_spec/path",
		"run.facets.great_expectations_meta.checkpoint_name":                         "message beside run_results: /checkpoint_config/name",
		"inputs[0].inputFacets.subset.inputCondition.partitions[0].dimensions.year":  "message /meta/active_batch_definition/batch_identifiers (date parts; others by batch_values: all)",
		"run.facets.great_expectations_meta.active_batch_definition.datasource_name": "message /meta/active_batch_definition/datasource_name",
		"inputs[0].facets.dataSource.name":                                           "message /meta/active_batch_definition/datasource_name",
	} {
		if got[field] != want {
			t.Errorf("%s: %s, want %s", field, got[field], want)
		}
	}
}

// The table of docs/mapping.md is the one that Explain answers from; -update writes it.
func TestTheDocumentedOriginsAreTheCodes(t *testing.T) {
	const file, begin, end = "../docs/mapping.md", "<!-- origins: go test ./mapper -update -->\n", "<!-- end of origins -->"
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("\n| field | from | where |\n|---|---|---|\n")
	by := map[string]string{
		"times": "derived | the earliest, or the latest, of the result's own times within an hour of its clock; else when it was received", "job namespace": "header, configuration | `openlineage-job-namespace`, `job.rules`, `job.namespace`, else `default`",
		"job name":        "header, configuration, derived | `openlineage-job-name`, `job.rules`, `job.name`, else the parts of `<suite>.<datasource>.<asset>` that are known",
		"job description": "configuration, message, derived | `job.description`, else `/meta/notes`, else which suite checks which asset", "parent": "header, configuration, derived | `openlineage-parent-…`, `parent.id`, else the checkpoint's own run, where a message holds it whole (`parent.checkpoint`)",
		"run tags": "configuration, derived | `run.tags`; what gx-ol did, and that the result is partial", "dataset": "derived | the entry of `datasources` and what `batch_spec` or `batch_kwargs` tells",
		"subset": "message | `/meta/active_batch_definition/batch_identifiers`, or the file of an asset", "metric": "message | the counts and observed values of the results, see below",
		"outcome": "message | `result/success`, `result/exception_info`", "severity": "message, constant | `result/expectation_config/severity`, else error",
		"test name": "message, derived | the expectation's id, else its type and column",
	}
	for _, r := range originRules {
		row := r.from + " | " + r.where
		switch r.from {
		case "message":
			row = "message | `" + strings.ReplaceAll(r.where, " ", "`, `") + "`"
		case "by":
			row = by[r.where]
		}
		b.WriteString("| `" + r.field + "` | " + row + " |\n")
	}
	b.WriteString("\n")
	head, rest, ok := strings.Cut(string(doc), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(head+begin+b.String()+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if old != b.String() {
		t.Errorf("the table of origins in %s is not the code's: -update writes it", file)
	}
}
