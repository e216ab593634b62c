package mapper

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// assertion is one expectation as the facets tell it.
type assertion struct {
	name, description, column string
	kind                      string // the expectation type
	severity                  string // error or warn
	success                   *bool  // nil: never evaluated
	expected, actual          string
	content                   string // SQL
	params                    []param
}

// param is a keyword argument that holds no row value.
type param struct {
	name  string
	value json.RawMessage
}

// counts are the outcomes of a validation result, counted from the results and never taken from its statistics.
type counts struct {
	total, failed, raised int
	failsRun              bool // an expectation of severity error failed, or one raised
}

func count(v *gx.Validation) (c counts) {
	c.total = len(v.Results)
	for i := range v.Results {
		e := &v.Results[i]
		if e.Raised {
			c.raised++
		}
		if failed(e) {
			c.failed++
			if e.Raised || severity(e) == "error" {
				c.failsRun = true
			}
		}
	}
	return c
}

// failed reports whether an expectation failed or raised; one that was never evaluated did neither.
func failed(e *gx.Expectation) bool {
	return e.Raised || e.Success != nil && !*e.Success
}

// severity is OpenLineage's word for GX's.
func severity(e *gx.Expectation) string {
	switch strings.ToLower(e.Severity) {
	case "warning", "info":
		return "warn"
	default:
		return "error"
	}
}

func assertions(v *gx.Validation, optIn RowValues) []assertion {
	out := make([]assertion, 0, len(v.Results))
	for i := range v.Results {
		e := &v.Results[i]
		a := assertion{
			name: e.ID, kind: e.Type, severity: severity(e), success: e.Success,
			description: bound(firstOf(e.Description, e.Notes), 500),
			expected:    bound(expected(e), 200), actual: bound(actual(e, optIn), 500), params: params(e, optIn),
		}
		if a.kind == "" {
			a.kind = "unknown_expectation"
		}
		if e.HasColumn {
			a.column, _ = safeName(e.Column, maxNameBytes)
		}
		if e.Raised {
			no := false
			a.success = &no
		}
		out = append(out, a)
	}
	return out
}

// columnKwargs name columns that were checked; they are no row values. The column sets that a table is compared with are
// sets like others.
var columnKwargs = map[string]bool{"column_A": true, "column_B": true, "column_list": true, "column_set": true}

// params keeps numbers, booleans and column names; sets, regexes and queries only when opted in.
func params(e *gx.Expectation, optIn RowValues) (out []param) {
	for _, k := range e.Kwargs {
		if k.Value == nil || k.Name == "" || string(k.Value) == "null" {
			continue
		}
		if optIn.Params || columnKwargs[k.Name] && !strings.HasPrefix(e.Type, "expect_table_columns_") || isNumber(k.Value) || string(k.Value) == "true" || string(k.Value) == "false" {
			out = append(out, param{k.Name, k.Value})
		}
	}
	return out
}

func kwarg(e *gx.Expectation, name string) *gx.Kwarg {
	for i := range e.Kwargs {
		if e.Kwargs[i].Name == name {
			return &e.Kwargs[i]
		}
	}
	return nil
}

// errorText is the one-line summary of a failed run: "2 of 14 expectations failed, 1 raised".
func (c counts) errorText() string {
	s := fmt.Sprintf("%d of %d expectations failed", c.failed, c.total)
	if c.raised > 0 {
		s += fmt.Sprintf(", %d raised", c.raised)
	}
	return s
}

// bound cuts text at a rune's end.
func bound(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
