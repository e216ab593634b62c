package dlq

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMaskedShowsTheFormAndNoRowValue(t *testing.T) {
	in := `{"success": false, "meta": {"run_id": {"run_name": "nightly"}, "batch_spec": {"reader_options": {"password": "SECRET"}}},
"results": [{"expectation_config": {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "mail", "value_set": ["SECRET"]}},
"result": {"unexpected_count": 2, "partial_unexpected_list": ["SECRET", "SECRET"], "observed_value": "SECRET", "partial_unexpected_counts": [{"value": "SECRET", "count": 2}],
"unexpected_rows": [{"mail": "SECRET"}], "details": {"SECRET": 1}}, "exception_info": {"raised_exception": true, "exception_message": "SECRET"}}], "SECRETNOT": [1, 2.5, {"a": null}]}`
	got := Masked([]byte(in))
	if strings.Contains(got, `"SECRET"`) || strings.Contains(got, "SECRET ") {
		t.Errorf("a row value shows:\n%s", got)
	}
	for _, want := range []string{`"run_name": "nightly"`, `"column": "mail"`, `"unexpected_count": 2`, `"partial_unexpected_list": ‹2 items›`, `"observed_value": ‹text, 6 characters›`,
		`"details": ‹1 key›`, `"raised_exception": true`, `"SECRETNOT": ‹3 items›`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestMaskedOfAnotherShapeShowsNoValue(t *testing.T) {
	for _, in := range []string{`{"name": "SECRET", "id": "SECRET", "type": "SECRET", "results": [{"name": "SECRET", "column": "SECRET"}], "source": ["SECRET"]}`, `"SECRET"`, `[{"namespace": "SECRET"}]`,
		`{"success": "SECRET"}`} {
		if got := Masked([]byte(in)); strings.Contains(got, "SECRET") {
			t.Errorf("%s shows as\n%s", in, got)
		}
	}
}

func TestMaskedOfWhatIsNoJSON(t *testing.T) {
	for in, want := range map[string]string{
		"":              "(0 bytes, blank)",
		"  ":            "(2 bytes, blank)",
		`{"a": secret}`: "byte 6",
		`{"a": 1`:       "byte 7",
		`{} {"pin":12}`: `"xxx":00}`,
	} {
		got := Masked([]byte(in))
		if !strings.Contains(got, want) || strings.Contains(got, "secret") || strings.Contains(got, "12") {
			t.Errorf("%q shows as\n%s", in, got)
		}
	}
	if got := Masked(nil); got != "(no value: a tombstone)" {
		t.Error(got)
	}
	got := strings.Split(Masked([]byte(`{"a": ü secret}`)), "\n")
	if len(got) != 3 || strings.Index(got[2], "^")+len("…")-1 != strings.Index(got[1], "x x") {
		t.Errorf("the caret is elsewhere:\n%s", strings.Join(got, "\n"))
	}
}

// What samples hold as row values is the list of what gx-ol's own results are made of.
func TestMaskedOfTheSamples(t *testing.T) {
	files, err := filepath.Glob("../samples/results/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no samples", err)
	}
	for _, name := range files {
		value, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := Masked(value); strings.Contains(got, "no JSON") || !strings.Contains(got, `"success": `) || strings.Contains(got, `"partial_unexpected_list": [`) {
			t.Errorf("%s shows as\n%s", name, got)
		}
	}
}

func FuzzMasked(f *testing.F) {
	f.Add([]byte(`{"result": {"observed_value": [1, "a"]}}`))
	f.Add([]byte(`[{"a":`))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 0 && Masked(in) == "" {
			t.Error("nothing")
		}
	})
}
