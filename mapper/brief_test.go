package mapper

import (
	"slices"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestABriefIsMadeForWhoWantsItAlone(t *testing.T) {
	msg, err := gx.Decode([]byte(`{"results": [], "success": true, "suite_name": "s", "meta": {"active_batch_definition": {"datasource_name": "d", "data_asset_name": "x"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []bool{false, true} {
		m, err := New(Settings{Brief: wanted})
		if err != nil {
			t.Fatal(err)
		}
		runs, err := m.Map(msg, Input{Received: time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		if got := runs[0].Brief; (got != nil) != wanted {
			t.Errorf("wanted %v: %+v", wanted, got)
		}
	}
}

func TestARunCarriesItsResultAtAGlance(t *testing.T) {
	expectation := func(kind, success, severity, result string) string {
		return `{"success": ` + success + `, "expectation_config": {"type": "` + kind + `", "kwargs": {"column": "a"}, "severity": "` + severity + `"}, "result": ` + result + `}`
	}
	nulls := expectation("expect_column_values_to_not_be_null", "true", "critical", `{"element_count": 50, "unexpected_count": 4}`)
	for name, c := range map[string]struct {
		results, rest string
		want          openlineage.Brief
	}{
		"all passed":          {nulls, `"success": true`, openlineage.Brief{Passed: 1, Rows: 50, Nulls: []openlineage.Nulls{{Column: "a", Count: 4}}}},
		"one failed":          {nulls + "," + expectation("expect_column_max_to_be_between", "false", "critical", `{}`), `"success": false`, openlineage.Brief{Passed: 1, Failed: 1, Fails: true, Rows: 50, Nulls: []openlineage.Nulls{{Column: "a", Count: 4}}}},
		"one warns":           {expectation("expect_column_max_to_be_between", "false", "warning", `{}`), `"success": false`, openlineage.Brief{Failed: 1, Rows: -1}},
		"never evaluated":     {expectation("expect_column_max_to_be_between", "null", "critical", `{}`), `"success": true`, openlineage.Brief{Skipped: 1, Rows: -1}},
		"failed, taken out":   {"", `"success": false, "statistics": {"evaluated_expectations": 9, "unsuccessful_expectations": 2}`, openlineage.Brief{Passed: 7, Failed: 2, Fails: true, Rows: -1}},
		"nothing was checked": {"", `"success": true`, openlineage.Brief{Rows: -1}},
	} {
		m, err := New(Settings{Brief: true})
		if err != nil {
			t.Fatal(err)
		}
		msg, err := gx.Decode([]byte(`{"results": [` + c.results + `], ` + c.rest + `, "suite_name": "s", "meta": {"run_id": {"run_name": "n", "run_time": "2026-01-02T03:04:05+00:00"},
			"active_batch_definition": {"datasource_name": "d", "data_asset_name": "x"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		runs, err := m.Map(msg, Input{Received: time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		got := runs[0].Brief
		c.want.Suite, c.want.Started, c.want.Ended = "s", got.Started, got.Ended
		if got.Ended.Before(got.Started) || got.Ended.IsZero() || !slices.Equal(got.Nulls, c.want.Nulls) {
			t.Errorf("%s: %+v", name, got)
		}
		if got.Nulls = c.want.Nulls; got.Passed != c.want.Passed || got.Failed != c.want.Failed || got.Skipped != c.want.Skipped || got.Fails != c.want.Fails || got.Rows != c.want.Rows || got.Suite != "s" {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
}
