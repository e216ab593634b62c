package mapper

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

const checkpointResult = `{"run_id": {"run_name": "nightly", "run_time": "2026-01-02T03:04:05+00:00"},
	"checkpoint_config": {"name": "orders_checkpoint"}, "run_results": {
	"ValidationResultIdentifier::a": {"validation_result": {"success": true, "results": [], "evaluation_parameters": {"lowest": 2, "who": "ROWVALUE", "since": "2024-01-01", "deep": {"a": 1}},
		"meta": {"expectation_suite_name": "orders.daily", "run_id": {"run_name": "nightly", "run_time": "2026-01-02T03:04:05+00:00"},
		"active_batch_definition": {"datasource_name": "warehouse", "data_asset_name": "orders", "batch_identifiers": {"month": "02", "YEAR": 2024, "currency": "ROWVALUE-EUR"}},
		"batch_spec": {"path": "s3://lake/orders/2024/02.csv"}}}}}}`

// mapped gives the terminal event of the only run, as a tree.
func mapped(t *testing.T, s Settings, in Input, message string) map[string]any {
	t.Helper()
	m, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	if in.Received.IsZero() {
		in.Received = time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC)
	}
	runs, err := m.Map(msg, in)
	if err != nil {
		t.Fatal(err)
	}
	runs = slices.DeleteFunc(runs, func(r openlineage.Run) bool { return r.Part == checkpointPart })
	events := runs[len(runs)-1].Events
	for _, ev := range events {
		if err := openlineage.Validate(ev.Body); err != nil {
			t.Errorf("%s: %v", ev.Type, err)
		}
	}
	var tree map[string]any
	if err := json.Unmarshal(events[len(events)-1].Body, &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

// jsonAt gives the JSON below a path of keys and indexes, "" where there is nothing.
func jsonAt(tree any, path ...string) string {
	for _, key := range path {
		switch v := tree.(type) {
		case map[string]any:
			tree = v[key]
		case []any:
			if tree = nil; key == "0" && len(v) > 0 {
				tree = v[0]
			}
		default:
			return ""
		}
	}
	if tree == nil {
		return ""
	}
	b, _ := json.Marshal(tree)
	return string(b)
}

func TestTheFirstRuleThatFitsNamesTheJob(t *testing.T) {
	rules := []JobRule{
		{Suite: "customers*", Name: "never"},
		{Suite: "orders.*", Datasource: "ware*", Checkpoint: "orders_?heckpoint", Name: "{{.Asset}}_quality"},
		{Topic: "gx.finance", Namespace: "finance"},
		{Name: "late"},
	}
	for name, c := range map[string]struct {
		settings  Settings
		in        Input
		namespace string
		job       string
	}{
		"no rule":         {Settings{}, Input{}, "default", "orders.daily.warehouse.orders"},
		"a rule":          {Settings{JobRules: rules, JobNamespace: "n", JobName: "constant"}, Input{}, "n", "orders_quality"},
		"namespace only":  {Settings{JobRules: rules[2:], JobNamespace: "n", JobName: "constant"}, Input{Topic: "gx.finance"}, "finance", "constant"},
		"fits everything": {Settings{JobRules: rules[2:]}, Input{}, "default", "late"},
		"a header wins":   {Settings{JobRules: rules}, Input{JobName: "h", JobNamespace: "hn"}, "hn", "h"},
		"renders empty":   {Settings{JobRules: []JobRule{{Name: "{{.Topic}}"}}}, Input{}, "default", "orders.daily.warehouse.orders"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := mapped(t, c.settings, c.in, checkpointResult)
			if got := jsonAt(tree, "job", "namespace") + jsonAt(tree, "job", "name"); got != `"`+c.namespace+`""`+c.job+`"` {
				t.Errorf("job %s, want %s %s", got, c.namespace, c.job)
			}
		})
	}
	_, err := New(Settings{JobRules: []JobRule{{Suite: "[", Name: "{{.Nope}}"}}})
	if err == nil || !strings.Contains(err.Error(), "Nope") || !strings.Contains(err.Error(), `"["`) {
		t.Errorf("both faults of a rule must be told: %v", err)
	}
}

func TestParentComesFromHeadersThenSettingsThenTheCheckpoint(t *testing.T) {
	const one, two = "0191533c-0a53-7c23-a16e-8b1ac4d8f3a1", "0191533c-0a53-7c23-a16e-8b1ac4d8f3a2"
	id := func(text string) ParentRun { return ParentRun{ID: text} }
	for name, c := range map[string]struct {
		settings  Settings
		in        Input
		own, root string // name and run id
	}{
		"none":                    {Settings{}, Input{}, "", ""},
		"header":                  {Settings{Parent: id("s/s/" + two)}, Input{Parent: id("n/dag.task/" + one)}, `"dag.task""` + one + `"`, `"dag.task""` + one + `"`},
		"header and root":         {Settings{}, Input{Parent: id("n/dag.task/" + one), Root: id("n/dag/" + two)}, `"dag.task""` + one + `"`, `"dag""` + two + `"`},
		"an address as namespace": {Settings{}, Input{Parent: id("http://airflow.example.com:8080/ui/dag.task/" + one)}, `"dag.task""` + one + `"`, `"dag.task""` + one + `"`},
		"context": {Settings{Parent: id("s/s/" + two)}, Input{Context: `{"parent": {"run": {"runId": "` + one + `"}, "job": {"namespace": "a/b", "name": "dag/task", "jobType": {}}, "root": {"run": {"runId": "` + two + `"}, "job": {"namespace": "a", "name": "dag"}}}, "more": 1}`,
			Parent: id("n/old/" + two)}, `"dag/task""` + one + `"`, `"dag""` + two + `"`},
		"context without root":      {Settings{}, Input{Context: `{"parent": {"run": {"runId": "` + one + `"}, "job": {"namespace": "a", "name": "t"}}}`}, `"t""` + one + `"`, `"t""` + one + `"`},
		"a broken context":          {Settings{}, Input{Context: `{"parent": {}}`, Parent: id("n/old/" + two)}, `"old""` + two + `"`, `"old""` + two + `"`},
		"a context of another kind": {Settings{}, Input{Context: `no`}, "", ""},
		"one by one":                {Settings{}, Input{Parent: ParentRun{Namespace: "n/m", Name: "dag", RunID: one}}, `"dag""` + one + `"`, `"dag""` + one + `"`},
		"settings":                  {Settings{Parent: id("n/s/" + two), CheckpointRun: true}, Input{}, `"s""` + two + `"`, `"s""` + two + `"`},
		"a broken header":           {Settings{Parent: id("n/s/" + two)}, Input{Parent: id("n/dag/manual__2024")}, "", ""},
		"root alone":                {Settings{}, Input{Root: id("n/dag/" + two)}, "", ""},
		"the checkpoint's":          {Settings{CheckpointRun: true}, Input{}, `"orders_checkpoint""019b7ca9-8c88-71b1-8356-b1a5e70705a7"`, `"orders_checkpoint""019b7ca9-8c88-71b1-8356-b1a5e70705a7"`},
	} {
		t.Run(name, func(t *testing.T) {
			tree := mapped(t, c.settings, c.in, checkpointResult)
			own := jsonAt(tree, "run", "facets", "parent", "job", "name") + jsonAt(tree, "run", "facets", "parent", "run", "runId")
			root := jsonAt(tree, "run", "facets", "parent", "root", "job", "name") + jsonAt(tree, "run", "facets", "parent", "root", "run", "runId")
			if own != c.own || root != c.root {
				t.Errorf("parent %s of root %s, want %s of %s", own, root, c.own, c.root)
			}
		})
	}
}

func TestConfiguredFacetsStandOnTheJobAndTheRun(t *testing.T) {
	tree := mapped(t, Settings{
		JobTags: map[string]string{"tier": "gold", "empty": ""}, JobOwners: map[string]string{"team:data": "OWNER", "anna": ""}, RunTags: map[string]string{"env": "prod"},
		SourceCode: SourceCode{URL: "https://git.example.com/dq", Path: "checkpoints/orders.py"},
	}, Input{}, checkpointResult)
	for path, want := range map[string]string{
		"job facets tags tags":                        `[{"key":"empty","source":"USER","value":""},{"key":"tier","source":"USER","value":"gold"}]`,
		"job facets ownership owners":                 `[{"name":"anna"},{"name":"team:data","type":"OWNER"}]`,
		"job facets sourceCodeLocation url":           `"https://git.example.com/dq"`,
		"job facets sourceCodeLocation type":          `"git"`,
		"job facets sourceCodeLocation path":          `"checkpoints/orders.py"`,
		"run facets tags tags":                        `[{"key":"env","source":"USER","value":"prod"}]`,
		"run facets executionParameters parameters":   `[{"key":"lowest","value":"2"},{"key":"since","value":"2024-01-01"}]`,
		"inputs 0 inputFacets subset inputCondition":  `{"partitions":[{"dimensions":{"month":"02","year":"2024"}}],"type":"partition"}`,
		"inputs 0 name":                               `"orders/2024/02.csv"`,
		"run facets great_expectations_meta run_id":   `{"run_name":"nightly","run_time":"2026-01-02T03:04:05.000000Z"}`,
		"run facets great_expectations_meta _tags":    "",
		"job facets documentation description":        `"Checks orders with the Great Expectations suite orders.daily."`,
		"inputs 0 inputFacets subset location":        "",
		"run facets executionParameters parameters x": "",
	} {
		if got := jsonAt(tree, strings.Fields(path)...); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestWhatIsSubsetFollowsTheSettings(t *testing.T) {
	all := mapped(t, Settings{BatchValues: "all", RowValues: RowValues{Params: true}}, Input{}, checkpointResult)
	if got := jsonAt(all, "inputs", "0", "inputFacets", "subset", "inputCondition", "partitions", "0", "dimensions"); got != `{"currency":"ROWVALUE-EUR","month":"02","year":"2024"}` {
		t.Errorf("opted in: %s", got)
	}
	if got := jsonAt(all, "run", "facets", "executionParameters", "parameters"); !strings.Contains(got, `{"key":"who","value":"ROWVALUE"}`) {
		t.Errorf("opted in: %s", got)
	}
	file := strings.Replace(checkpointResult, `"batch_identifiers": {"month": "02", "YEAR": 2024, "currency": "ROWVALUE-EUR"}`, `"batch_identifiers": {}`, 1)
	asset := mapped(t, Settings{FileDatasets: "asset"}, Input{}, file)
	if got := jsonAt(asset, "inputs", "0", "inputFacets", "subset", "inputCondition"); got != `{"locations":["orders/2024/02.csv"],"type":"location"}` {
		t.Errorf("a file of an asset: %s", got)
	}
	if got := jsonAt(asset, "inputs", "0", "name"); got != `"orders/2024/orders"` {
		t.Errorf("an asset of files: %s", got)
	}
}

// What an operator opted in must give way before a result is buried for its size.
func TestParametersAndManyIdentifiersDoNotMakeAnEventTooLarge(t *testing.T) {
	long, identifiers := `"x": 1`, `"x": 1`
	for i := range 100 {
		long += fmt.Sprintf(`, "p%d": %q`, i, strings.Repeat("v", 1000))
		identifiers += fmt.Sprintf(`, "i%d": %q`, i, strings.Repeat("v", 1000))
	}
	message := strings.Replace(checkpointResult, `"lowest": 2`, long, 1)
	message = strings.Replace(message, `"month": "02"`, identifiers, 1)
	tree := mapped(t, Settings{MaxEventBytes: 24 << 10, BatchValues: "all", RowValues: RowValues{Params: true}, JobName: "j"}, Input{}, message)
	if got := jsonAt(tree, "run", "facets", "executionParameters"); got != "" {
		t.Errorf("parameters stayed: %d bytes", len(got))
	}
	if got := jsonAt(tree, "inputs", "0", "inputFacets", "subset"); got == "" || len(got) > 12<<10 {
		t.Errorf("subset of %d bytes", len(got))
	}
}

func parsed(t *testing.T, body []byte) (tree map[string]any) {
	t.Helper()
	if err := json.Unmarshal(body, &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}
