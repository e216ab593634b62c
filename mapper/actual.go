package mapper

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// unexpectedRows is what unexpected_rows_expectation observes up to 1.0: text, but only a count.
var unexpectedRows = regexp.MustCompile(`^(\d+) unexpected rows?$`)

// actual says what an on-call engineer needs to read, without row values.
func actual(e *gx.Expectation, optIn RowValues) string {
	if e.Raised {
		return raised(e, optIn)
	}
	r := &e.Result
	var object map[string]json.RawMessage
	if len(r.Observed) > 0 && r.Observed[0] == '{' {
		_ = json.Unmarshal(r.Observed, &object)
	}
	switch {
	case object["self"] != nil && object["other"] != nil:
		return boundText(object["self"]) + ", other " + boundText(object["other"])
	case object["quantiles"] != nil:
		return quantileText(object)
	case object != nil:
		return ""
	case strings.HasPrefix(e.Type, "expect_table_columns_to_match_"):
		return columnsText(e)
	case strings.HasPrefix(e.Type, "expect_column_distinct_values_"):
		return distinctText(e)
	case e.Type == "unexpected_rows_expectation":
		return rowsText(r)
	case e.Type == "expect_query_results_to_match_comparison" && r.UnexpectedCount != nil:
		return fmt.Sprintf("%d differ", *r.UnexpectedCount)
	case r.Observed != nil && r.ObservedCount < 0:
		return observedText(e)
	case r.ElementCount != nil && r.UnexpectedCount != nil:
		return rowwiseText(r)
	case r.ElementCount != nil && *r.ElementCount == 0:
		return "no rows"
	}
	return ""
}

// raised names the exception's class only: its text quotes row values and SQL.
func raised(e *gx.Expectation, optIn RowValues) string {
	if optIn.ExceptionText && e.ExceptionText != "" {
		return "error: " + e.ExceptionText
	}
	if e.ExceptionClass == "" {
		return "error"
	}
	return "error: " + e.ExceptionClass
}

func rowwiseText(r *gx.Result) string {
	if *r.ElementCount == 0 {
		return "no rows"
	}
	of := *r.ElementCount
	if r.MissingCount != nil {
		of -= *r.MissingCount
	}
	s := fmt.Sprintf("%d of %d unexpected", *r.UnexpectedCount, of)
	if of > 0 {
		s += " (" + percent(100*float64(*r.UnexpectedCount)/float64(of)) + ")"
	}
	return s
}

func rowsText(r *gx.Result) string {
	if f, ok := number(r.Observed); ok {
		return fmt.Sprintf("%.0f rows", f)
	}
	var s string
	if json.Unmarshal(r.Observed, &s) == nil {
		if m := unexpectedRows.FindStringSubmatch(s); m != nil {
			return m[1] + " rows"
		}
	}
	return ""
}

// observedText shows a number, a boolean, a date, or the name of a type; other text may be a row value.
func observedText(e *gx.Expectation) string {
	if s := boundText(e.Result.Observed); s != "" && !strings.HasPrefix(s, "$") {
		return s
	}
	if strings.HasSuffix(e.Type, "_to_be_of_type") || strings.HasSuffix(e.Type, "_to_be_in_type_list") {
		return typeName(e.Result.Observed)
	}
	return ""
}

func distinctText(e *gx.Expectation) string {
	r := &e.Result
	var parts []string
	if r.ObservedCount >= 0 {
		parts = append(parts, fmt.Sprintf("%d distinct", r.ObservedCount))
	}
	if r.MissingCount != nil && r.ElementCount == nil {
		parts = append(parts, fmt.Sprintf("%d missing", *r.MissingCount))
	}
	if r.UnexpectedCount != nil {
		parts = append(parts, fmt.Sprintf("%d unexpected", *r.UnexpectedCount))
	}
	return strings.Join(parts, ", ")
}

func columnsText(e *gx.Expectation) string {
	var parts []string
	if m := e.Result.MismatchMissing; len(m) > 0 {
		// Their names come from the expectation's own set, which is told only by opt-in (params).
		parts = append(parts, fmt.Sprintf("%d missing", len(m)))
	}
	if u := e.Result.MismatchUnexpected; len(u) > 0 {
		parts = append(parts, "unexpected "+strings.Join(u, ", "))
	}
	if len(parts) == 0 && e.Result.ObservedCount >= 0 {
		return fmt.Sprintf("%d columns", e.Result.ObservedCount)
	}
	return strings.Join(parts, "; ")
}

func quantileText(object map[string]json.RawMessage) string {
	var parts []string
	for _, q := range quantiles(object) {
		parts = append(parts, q.name+": "+string(q.value))
	}
	return strings.Join(parts, ", ")
}
