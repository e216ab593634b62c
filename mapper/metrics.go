package mapper

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// metrics are the numbers of dataQualityMetrics; nil means unknown.
type metrics struct {
	rows, bytes *int64
	columns     []columnMetrics // in the order of their first expectation
}

type columnMetrics struct {
	name                   string
	nulls, distinct, count *int64
	sum, min, max          json.RawMessage // numbers as GX wrote them
	quantiles              []quantile
}

// quantile is one named number: its probability as text, and its value.
type quantile struct {
	name  string
	value json.RawMessage
}

// measure takes the metrics that a result states. An expectation with a row_condition, or one that raised, speaks of
// other rows or of none and feeds no metric.
func measure(v *gx.Validation) (m metrics) {
	var elements *int64
	for i := range v.Results {
		e := &v.Results[i]
		if e.RowCondition || e.Raised {
			continue
		}
		switch e.Type {
		case "expect_table_row_count_to_be_between", "expect_table_row_count_to_equal", "expect_table_row_count_to_equal_other_table":
			if n := observedRows(&e.Result); n != nil {
				m.rows = n
			}
			continue
		case "expect_file_size_to_be_between":
			m.bytes = integer(e.Result.Observed)
			continue
		}
		if !strings.HasPrefix(e.Type, "expect_") || strings.HasPrefix(e.Type, "expect_column_distinct_values_") || strings.HasPrefix(e.Type, "expect_query_") {
			if e.HasColumn && strings.HasPrefix(e.Type, "expect_column_distinct_values_") {
				m.column(e.Column).distinctOf(e)
			}
			continue
		}
		// An element_count of 0 can mean "not known", so the largest speaks.
		if n := e.Result.ElementCount; n != nil && (elements == nil || *n > *elements) {
			elements = n
		}
		if e.HasColumn && strings.TrimSpace(e.Column) != "" {
			m.column(e.Column).take(e)
		}
	}
	if m.rows == nil {
		m.rows = elements
	}
	m.columns = slices.DeleteFunc(m.columns, columnMetrics.empty)
	return m
}

func (m *metrics) column(name string) *columnMetrics {
	name, _ = safeName(name, maxNameBytes)
	for i := range m.columns {
		if m.columns[i].name == name {
			return &m.columns[i]
		}
	}
	m.columns = append(m.columns, columnMetrics{name: name})
	return &m.columns[len(m.columns)-1]
}

// take reads one single-column expectation.
func (c *columnMetrics) take(e *gx.Expectation) {
	r := &e.Result
	switch e.Type {
	case "expect_column_values_to_not_be_null":
		c.setNulls(r.UnexpectedCount, r.ElementCount)
	case "expect_column_values_to_be_null":
		if r.ElementCount != nil && r.UnexpectedCount != nil {
			nulls := *r.ElementCount - *r.UnexpectedCount
			c.setNulls(&nulls, r.ElementCount)
		}
	case "expect_column_unique_value_count_to_be_between":
		c.distinct = integer(r.Observed)
	case "expect_column_min_to_be_between":
		c.min = numeric(r.Observed)
	case "expect_column_max_to_be_between":
		c.max = numeric(r.Observed)
	case "expect_column_sum_to_be_between":
		c.sum = numeric(r.Observed)
	case "expect_column_median_to_be_between":
		if v := numeric(r.Observed); v != nil {
			c.setQuantile(quantile{"0.5", v})
		}
	case "expect_column_quantile_values_to_be_between":
		var object map[string]json.RawMessage
		if json.Unmarshal(r.Observed, &object) == nil {
			for _, q := range quantiles(object) {
				c.setQuantile(q)
			}
		}
	}
	if r.MissingCount != nil && r.ElementCount != nil && !strings.Contains(e.Type, "_pair_") && !strings.Contains(e.Type, "multicolumn") {
		c.setNulls(r.MissingCount, r.ElementCount)
	}
}

// setNulls takes a null count, and from the element count beside it the number of values.
func (c *columnMetrics) setNulls(nulls, elements *int64) {
	if nulls == nil || *nulls < 0 {
		return
	}
	c.nulls = nulls
	if elements != nil && *elements >= *nulls {
		n := *elements - *nulls
		c.count = &n
	}
}

func (c *columnMetrics) setQuantile(q quantile) {
	for i := range c.quantiles {
		if c.quantiles[i].name == q.name {
			c.quantiles[i] = q
			return
		}
	}
	c.quantiles = append(c.quantiles, q)
}

// distinctOf counts the list of distinct values where it stands (GX up to 1.12).
func (c *columnMetrics) distinctOf(e *gx.Expectation) {
	if n := int64(e.Result.ObservedCount); n >= 0 {
		c.distinct = &n
	}
}

func (c columnMetrics) empty() bool {
	return c.nulls == nil && c.distinct == nil && c.count == nil && c.sum == nil && c.min == nil && c.max == nil && len(c.quantiles) == 0
}

func observedRows(r *gx.Result) *int64 {
	if n := integer(r.Observed); n != nil {
		return n
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(r.Observed, &object) == nil {
		return integer(object["self"])
	}
	return nil
}

// integer reads a count, which some databases give as 2.0.
func integer(raw json.RawMessage) *int64 {
	f, ok := number(raw)
	if !ok || f != float64(int64(f)) {
		return nil
	}
	n := int64(f)
	return &n
}

// numeric keeps a number as GX wrote it; nil for all else.
func numeric(raw json.RawMessage) json.RawMessage {
	if isNumber(raw) {
		return raw
	}
	return nil
}

// quantiles zips the observed {quantiles, values}.
func quantiles(object map[string]json.RawMessage) (out []quantile) {
	var names, values []json.RawMessage
	if json.Unmarshal(object["quantiles"], &names) != nil || json.Unmarshal(object["values"], &values) != nil {
		return nil
	}
	for i := range min(len(names), len(values)) {
		if isNumber(names[i]) && isNumber(values[i]) {
			out = append(out, quantile{string(names[i]), values[i]})
		}
	}
	return out
}

// columnList is the table's columns, where an expectation observed all of them.
func columnList(v *gx.Validation) []string {
	for i := range v.Results {
		e := &v.Results[i]
		if e.Raised || !strings.HasPrefix(e.Type, "expect_table_columns_to_match_") {
			continue
		}
		var names []string
		if json.Unmarshal(e.Result.Observed, &names) != nil || len(names) == 0 {
			continue
		}
		var out []string
		for _, n := range names {
			name, _ := safeName(n, maxNameBytes)
			if strings.TrimSpace(n) != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		return out
	}
	return nil
}
