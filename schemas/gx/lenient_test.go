package gx

import (
	"encoding/json"
	"fmt"
	"testing"
)

func one(t *testing.T, value string) *Validation {
	t.Helper()
	m, err := Decode([]byte(value))
	if err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return &m.Validations[0]
}

// json.dumps(default=str) makes texts of NumPy's booleans and of Decimals. They are what they say; what is neither true nor
// false is never a result that was not evaluated.
func TestBooleansAndNumbersAsTextAreWhatTheySay(t *testing.T) {
	const suite = `{"success": %s, "results": [{"success": %s, "expectation_config": {"type": "e", "kwargs": {}}}]}`
	for text, want := range map[string]string{
		`true`: "true", `"True"`: "true", `"true"`: "true", `1`: "true", `false`: "false", `"False"`: "false", `"false"`: "false", `0`: "false", `null`: "null", `"None"`: "null",
	} {
		v := one(t, fmt.Sprintf(suite, text, text))
		for what, value := range map[string]*bool{"suite": v.Success, "result": v.Results[0].Success} {
			if got, _ := json.Marshal(value); string(got) != want {
				t.Errorf("%s of success %s: %s, want %s", what, text, got, want)
			}
		}
	}
	for _, text := range []string{`"yes"`, `2`, `-1`, `{}`, `[true]`, `""`, `NaN`, `1.5`} {
		for _, value := range []string{fmt.Sprintf(suite, text, "true"), fmt.Sprintf(suite, "true", text)} {
			if got := codeOf(t, value); got != "unreadable_value" {
				t.Errorf("%s: code %q", value, got)
			}
		}
	}
	const result = `{"results": [{"success": true, "expectation_config": {"type": "e", "kwargs": {}}, "result": {"element_count": "1200", "unexpected_count": "7.0", "unexpected_percent": "0.58", "observed_value": %s}}], "success": true}`
	for observed, want := range map[string]string{`"99.50"`: `99.50`, `"-1e3"`: `-1e3`, `"99,50"`: `"99,50"`, `"1x"`: `"1x"`, `""`: `""`, `"Infinity"`: `"Infinity"`, `"007"`: `"007"`} {
		r := one(t, fmt.Sprintf(result, observed)).Results[0].Result
		if string(r.Observed) != want || *r.ElementCount != 1200 || *r.UnexpectedCount != 7 || *r.UnexpectedPercent != 0.58 {
			t.Errorf("%s: %s of %d, %d, %f", observed, r.Observed, *r.ElementCount, *r.UnexpectedCount, *r.UnexpectedPercent)
		}
	}
}

// A file without a header has columns 0, 1, 2.
func TestAColumnMayBeANumber(t *testing.T) {
	for column, want := range map[string]string{`0`: "0", `12`: "12", `"a"`: "a"} {
		e := one(t, `{"success": true, "results": [{"success": true, "expectation_config": {"type": "e", "kwargs": {"column": `+column+`}}}]}`).Results[0]
		if e.Column != want || !e.HasColumn {
			t.Errorf("column %s: %q, %v", column, e.Column, e.HasColumn)
		}
	}
	if e := one(t, `{"success": true, "results": [{"success": true, "expectation_config": {"type": "e", "kwargs": {"column": null}}}]}`).Results[0]; e.HasColumn {
		t.Errorf("null is a column: %q", e.Column)
	}
}
