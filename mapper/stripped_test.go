package mapper

import (
	"strings"
	"testing"
)

// A result that failed is FAIL although its failing expectations were stripped, unless a failed warning explains it.
func TestAFailedResultWithoutItsFailuresFails(t *testing.T) {
	const (
		passed   = `{"success": true, "expectation_config": {"type": "expect_a", "kwargs": {}}}`
		never    = `{"success": null, "expectation_config": {"type": "expect_a", "kwargs": {}}}`
		warning  = `{"success": false, "expectation_config": {"type": "expect_a", "kwargs": {}, "severity": "warning"}}`
		stats    = `, "statistics": {"evaluated_expectations": 14, "unsuccessful_expectations": 2}`
		stripped = "2 of 14 expectations failed; their results are not in the message"
	)
	for name, c := range map[string]struct{ success, results, rest, event, message string }{
		"stripped":            {"false", passed, stats, "FAIL", stripped},
		"nothing left":        {"false", "", stats, "FAIL", stripped},
		"null":                {"false", never, stats, "FAIL", stripped},
		"no statistics":       {"false", passed, "", "FAIL", "the validation failed; its failing results are not in the message"},
		"a warning explains":  {"false", warning, stats, "COMPLETE", "1 of 1 expectations failed"},
		"it says it succeeds": {"true", passed, stats, "COMPLETE", ""},
		"it says nothing":     {"null", passed, stats, "COMPLETE", ""},
	} {
		event := mapped(t, Settings{}, Input{}, `{"success": `+c.success+`, "results": [`+c.results+`]`+c.rest+`, "meta": {}}`)
		if got := jsonAt(event, "eventType"); got != `"`+c.event+`"` {
			t.Errorf("%s: %s, want %s", name, got, c.event)
		}
		if got := jsonAt(event, "run", "facets", "errorMessage", "message"); strings.Trim(got, `"`) != c.message {
			t.Errorf("%s: %s, want %s", name, got, c.message)
		}
	}
}

// What an expectation counted as null is not overwritten by what another left out.
func TestMissingCountDoesNotOverwriteCountedNulls(t *testing.T) {
	const (
		counted = `{"success": false, "expectation_config": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}, "result": {"element_count": 10, "unexpected_count": 3, "missing_count": 0}}`
		other   = `{"success": true, "expectation_config": {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "a"}}, "result": {"element_count": 10, "unexpected_count": 0, "missing_count": 0}}`
	)
	for _, results := range []string{counted, counted + "," + other, other + "," + counted} {
		event := mapped(t, Settings{}, Input{}, `{"success": false, "results": [`+results+`], "meta": {"active_batch_definition": {"datasource_name": "d", "data_asset_name": "a"}}}`)
		if got := jsonAt(event, "inputs", "0", "inputFacets", "dataQualityMetrics", "columnMetrics", "a"); got != `{"count":7,"nullCount":3}` {
			t.Errorf("%s", got)
		}
	}
}
