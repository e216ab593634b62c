package mapper

import (
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// checkpointOfTwo is a checkpoint result of one validation that passed and one that did not.
func checkpointOfTwo(checkpoint2, runTime2 string) string {
	one := func(success, checkpoint, runTime, at string) string {
		return `{"validation_result": {"success": ` + success + `, "results": [{"success": ` + success + `, "expectation_config": {"type": "expect_a", "kwargs": {}}}],
			"meta": {"great_expectations_version": "1.3.0", "expectation_suite_name": "s", "checkpoint_name": "` + checkpoint + `", "run_id": {"run_name": "nightly", "run_time": "` + runTime + `"},
			"batch_markers": {"ge_load_time": "` + at + `"}, "active_batch_definition": {"datasource_name": "pg", "data_asset_name": "orders` + success + `"}}}}`
	}
	return `{"run_id": {"run_name": "nightly", "run_time": "2026-01-02T03:04:05+00:00"}, "checkpoint_config": {"name": "nightly_checks"}, "success": false, "run_results": {
		"ValidationResultIdentifier::a": ` + one("true", "nightly_checks", "2026-01-02T03:04:05+00:00", "20260102T030406.000000Z") + `,
		"ValidationResultIdentifier::b": ` + one("false", checkpoint2, runTime2, "20260102T030407.000000Z") + `}}`
}

// A backend makes up a parent that it does not know and leaves it RUNNING: the checkpoint's own events stand around those of its validations.
func TestACheckpointsOwnRunBeginsAndEndsAroundItsValidations(t *testing.T) {
	const usual = "2026-01-02T03:04:05+00:00"
	whole := checkpointOfTwo("nightly_checks", usual)
	suite := `{"success": true, "results": [], "meta": {"checkpoint_name": "nightly_checks", "run_id": {"run_name": "nightly", "run_time": "` + usual + `"}}}`
	for name, c := range map[string]struct {
		settings Settings
		in       Input
		message  string
		events   string
	}{
		"a whole checkpoint":             {Settings{CheckpointRun: true}, Input{}, whole, "START checkpoint, START, COMPLETE, START, FAIL, FAIL checkpoint"},
		"not asked for":                  {Settings{}, Input{}, whole, "START, COMPLETE, START, FAIL"},
		"failures do not fail runs":      {Settings{CheckpointRun: true, FailedRun: "COMPLETE"}, Input{}, whole, "START checkpoint, START, COMPLETE, START, COMPLETE, COMPLETE checkpoint"},
		"without START":                  {Settings{CheckpointRun: true, Lifecycle: "end_only"}, Input{}, whole, "COMPLETE, FAIL, FAIL checkpoint"},
		"a header names the parent":      {Settings{CheckpointRun: true}, Input{Parent: ParentRun{ID: "n/dag/0191533c-0a53-7c23-a16e-8b1ac4d8f3a1"}}, whole, "START, COMPLETE, START, FAIL"},
		"one validation of a checkpoint": {Settings{CheckpointRun: true}, Input{}, suite, "START, COMPLETE"},
		"of two checkpoints":             {Settings{CheckpointRun: true}, Input{}, checkpointOfTwo("other", usual), "START, COMPLETE, START, FAIL"},
		"of two runs":                    {Settings{CheckpointRun: true}, Input{}, checkpointOfTwo("nightly_checks", "2026-01-02T03:04:06+00:00"), "START, COMPLETE, START, FAIL"},
		"in two namespaces": {Settings{CheckpointRun: true, JobRules: []JobRule{{Asset: "ordersfalse", Namespace: "other"}}}, Input{}, whole,
			"START, COMPLETE, START, FAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.in.Received = at("2026-01-02T03:05:00Z"); c.settings.JobNamespace == "" {
				c.settings.JobNamespace = "n"
			}
			m, err := New(c.settings)
			if err != nil {
				t.Fatal(err)
			}
			msg, err := gx.Decode([]byte(c.message))
			if err != nil {
				t.Fatal(err)
			}
			runs, err := m.Map(msg, c.in)
			if err != nil {
				t.Fatal(err)
			}
			checkAround(t, runs, c.events)
		})
	}
}

func checkAround(t *testing.T, runs []openlineage.Run, want string) {
	t.Helper()
	var events []string
	var first, last time.Time
	parent := ""
	for _, run := range runs {
		for _, ev := range run.Events {
			if err := openlineage.Validate(ev.Body); err != nil {
				t.Error(err)
			}
			tree := parsed(t, ev.Body)
			when := at(strings.Trim(jsonAt(tree, "eventTime"), `"`))
			if first.IsZero() {
				first = when
			}
			if when.Before(first) {
				t.Errorf("an event at %s, before the first at %s", when, first)
			}
			if last = when; run.Part == checkpointPart {
				if parent = ev.RunID; jsonAt(tree, "run", "facets", "parent") != "" || ev.JobName != "nightly_checks" || jsonAt(tree, "inputs") != "[]" {
					t.Errorf("the checkpoint's own event: %s", ev.Body)
				}
				events = append(events, string(ev.Type)+" checkpoint")
				continue
			}
			events = append(events, string(ev.Type))
			if got := strings.Trim(jsonAt(tree, "run", "facets", "parent", "run", "runId"), `"`); strings.Contains(want, "checkpoint") && parent != "" && got != parent {
				t.Errorf("parent %s, want %s", got, parent)
			} else if got != "" && !strings.Contains(want, "checkpoint") && got != "0191533c-0a53-7c23-a16e-8b1ac4d8f3a1" {
				t.Errorf("a parent is claimed that nobody tells of: %s", got)
			}
		}
	}
	if got := strings.Join(events, ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, run := range runs {
		for _, ev := range run.Events {
			if when := at(strings.Trim(jsonAt(parsed(t, ev.Body), "eventTime"), `"`)); strings.Contains(want, "checkpoint") && when.After(last) {
				t.Errorf("an event at %s, after the last at %s", when, last)
			}
		}
	}
}

// One result would replace the dataset's whole list.
func TestASingleResultIsToldByItsRunAlone(t *testing.T) {
	const single = `{"success": false, "expectation_config": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id", "batch_id": "pg-orders"}},
		"result": {"element_count": 10, "unexpected_count": 3}}`
	for name, c := range map[string]struct {
		settings    Settings
		message     string
		test, facet bool
	}{
		"alone":              {Settings{}, single, true, false},
		"asked for":          {Settings{SingleResults: "dataset"}, single, false, true},
		"asked for both":     {Settings{SingleResults: "dataset", TestFacet: "always"}, single, true, true},
		"a list is a suite":  {Settings{}, "[" + single + "]", false, true},
		"in an envelope too": {Settings{}, `{"schema": {}, "payload": ` + single + `}`, true, false},
	} {
		c.settings.Datasources = postgres
		tree := mapped(t, c.settings, Input{}, c.message)
		if got := jsonAt(tree, "run", "facets", "test"); (got != "") != c.test {
			t.Errorf("%s: test %s", name, got)
		}
		got := jsonAt(tree, "inputs", "0")
		if strings.Contains(got, "dataQuality") != c.facet || !strings.Contains(got, `"name":"shop.public.orders"`) && !strings.Contains(got, `orders"`) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
