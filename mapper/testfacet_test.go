package mapper

import (
	"strings"
	"testing"
)

// The run facet test tells what no dataset does, unless a setting says otherwise.
func TestTheTestFacetFollowsItsSetting(t *testing.T) {
	suite := func(results, meta string) string {
		return `{"success": true, "results": [` + results + `], "meta": {` + meta + `}}`
	}
	const (
		pass  = `{"success": true, "expectation_config": {"type": "expect_a", "kwargs": {}}}`
		never = `{"success": null, "expectation_config": {"type": "expect_b", "kwargs": {}}}`
		known = `"active_batch_definition": {"datasource_name": "d", "data_asset_name": "a"}`
	)
	for name, c := range map[string]struct {
		setting, message, want string
	}{
		"a dataset carries them": {"", suite(pass, known), ""},
		"said plainly":           {"auto", suite(pass, known), ""},
		"never evaluated":        {"auto", suite(pass+","+never, known), `[{"name":"expect_b","severity":"error","status":"skip","type":"expect_b"}]`},
		"no dataset":             {"auto", suite(pass, ""), `[{"name":"expect_a","severity":"error","status":"pass","type":"expect_a"}]`},
		"always":                 {"always", suite(pass, known), `[{"name":"expect_a","severity":"error","status":"pass","type":"expect_a"}]`},
		"never":                  {"never", suite(pass+","+never, ""), ""},
		"nothing to tell":        {"always", suite("", known), ""},
	} {
		event := mapped(t, Settings{TestFacet: c.setting}, Input{}, c.message)
		got := jsonAt(event, "run", "facets", "test", "tests")
		if got = strings.TrimPrefix(got, "null"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// An empty list would replace the dataset's last assertions by nothing.
func TestAnEmptyAssertionsFacetIsNeverSent(t *testing.T) {
	for _, results := range []string{"", `{"success": null, "expectation_config": {"type": "expect_b", "kwargs": {}}}`} {
		event := mapped(t, Settings{AssertionsIn: []string{"inputFacets", "facets"}}, Input{},
			`{"success": true, "results": [`+results+`], "meta": {"active_batch_definition": {"datasource_name": "d", "data_asset_name": "a"}}}`)
		if got := jsonAt(event, "inputs"); strings.Contains(got, "dataQualityAssertions") {
			t.Errorf("%q: %s", results, got)
		}
	}
}
