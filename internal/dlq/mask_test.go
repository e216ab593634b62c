package dlq

import (
	"encoding/json"
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

// Words mean what they mean in their place only, and a key that is made of values shows no more than its length.
func TestMaskedKnowsTheirPlace(t *testing.T) {
	in := `{"success": false, "suite_name": "orders", "statistics": {"evaluated_expectations": 1, "name": "SECRET", "success_percent": "SECRET"},
"meta": {"active_batch_definition": {"data_asset_name": "orders", "name": "SECRET", "id": "SECRET", "datasource_name": "postgresql://u:SECRET@db/shop;PWD=SECRET"}, "name": "SECRET", "id": "SECRET", "type": "SECRET"},
"results": [{"success": false, "type": "SECRET", "name": "SECRET",
 "expectation_config": {"type": "expect_column_values_to_not_be_null", "name": "SECRET", "kwargs": {"column": "mail", "column_list": ["a", "b"], "name": "SECRET", "id": "SECRET", "type": "SECRET", "source": "SECRET",
  "column_A": ["SECRET"], "value": "SECRET", "namespace": "SECRET", "assertion": "SECRET"}},
 "result": {"unexpected_count": "SECRET", "element_count": 9, "column": ["SECRET", "SECRET"], "data": {"name": "SECRET"}, "meta": {"run_name": "SECRET"}, "name": "SECRET", "type": "SECRET", "id": "SECRET", "severity": "SECRET"},
 "exception_info": {"('column_values.in_set.unexpected_count', 'e197', (('value_set', ('SECRET',)),))": {"exception_message": "SECRET", "raised_exception": true}, "raised_exception": true}}]}`
	got := Masked([]byte(in))
	if strings.Contains(got, "SECRET") {
		t.Errorf("a value shows:\n%s", got)
	}
	for _, want := range []string{`"suite_name": "orders"`, `"column": "mail"`, `"a",`, `"element_count": 9`, `"evaluated_expectations": 1`, `"data_asset_name": "orders"`, `"type": "expect_column_values_to_not_be_null"`,
		`"datasource_name": "postgresql://‹…›@db/shop;‹…›"`, `‹key, 80 characters›: ‹2 keys›`, `"raised_exception": true`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestNamesShowWithoutSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"shop.public.orders":              "shop.public.orders",
		"/data/2026/orders.csv":           "/data/2026/orders.csv",
		"postgres://u:p/w@x@db:5432/s":    "postgres://‹…›@db:5432/s",
		"u:SECRET@h/shop":                 "‹…›@h/shop",
		"oracle:thin:u/SECRET@TNS":        "‹…›@TNS",
		"s3://b/k?X-Amz-Signature=SECRET": "s3://b/k?‹…›",
		"mssql://h/db;PWD=SECRET":         "mssql://h/db;‹…›",
		"/mnt/password=SECRET/orders":     "/mnt/password=‹…›/orders",
		"/mnt/Api-key: SECRET/orders":     "/mnt/Api-key: SECRET/orders", // no name of a secret that is known
		"token:SECRET":                    "token:‹…›",
		"team@example.com":                "team@example.com",
	} {
		if got := withoutSecrets(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// Whatever key a value stands under, it shows only where a key names something.
func FuzzMaskedShowsNoValue(f *testing.F) {
	const secret = "pLaNteD"
	for key := range words(`name id type source column column_list severity namespace assertion success value unexpected_count mostly runId results kwargs meta run_results data column_A`) {
		for place := range uint8(6) {
			f.Add(key, place, false)
			f.Add(key, place, true)
		}
	}
	f.Fuzz(func(t *testing.T, key string, place uint8, list bool) {
		quoted, err := json.Marshal(key)
		if err != nil || strings.Contains(key, secret) {
			t.Skip()
		}
		value := `"` + secret + `"`
		if list {
			value = `["` + secret + `"]`
		}
		member := string(quoted) + ": " + value
		in := []string{
			`{"success": true, "statistics": {}, "results": [{"success": true, "expectation_config": {"type": "expect_a", "kwargs": {M}}, "result": {}}]}`,
			`{"success": true, "statistics": {}, "results": [{"success": true, "expectation_config": {"type": "expect_a", "kwargs": {}}, "result": {M}}]}`,
			`{"success": true, "statistics": {}, "results": [{"success": true, "expectation_config": {"type": "expect_a", "kwargs": {}}, "result": {"details": {M}}}]}`,
			`{"success": true, "statistics": {M}, "results": []}`,
			`{"success": true, "statistics": {}, "results": [{"success": true, "expectation_config": {"type": "expect_a", "kwargs": {}}, "exception_info": {M}, "result": {}}]}`,
			`{"success": true, "statistics": {}, "results": [], "meta": {"batch_spec": {M}, "active_batch_definition": {"batch_identifiers": {M}}}}`,
		}[place%6]
		got := Masked([]byte(strings.ReplaceAll(in, "M", member)))
		named := place%6 == 0 && (!list && words(`column column_A column_B result_format`)[key] || list && key == "column_list")
		if strings.Contains(got, secret) != named {
			t.Errorf("%s\nshows as\n%s", strings.ReplaceAll(in, "M", member), got)
		}
		// The same below a key that is made of the value.
		if got := Masked([]byte(strings.ReplaceAll(in, "M", `"('`+secret+`', 1)": 1`))); strings.Contains(got, secret) {
			t.Errorf("a key shows:\n%s", got)
		}
	})
}
