package mapper

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// metrics are the numbers of dataQualityMetrics.
type metrics struct {
	rows, bytes whole
	columns     []columnMetrics // in the order of their first expectation
	index       map[string]int  // of columns by name, once there are many
}

// whole is a count that may be unknown.
type whole struct {
	n     int64
	known bool
}

type columnMetrics struct {
	name                   string
	nulls, distinct, count whole
	counted                bool            // nulls are what an expectation counted, not what one left out
	sum, min, max          json.RawMessage // numbers as GX wrote them
	quantiles              []quantile
}

// quantile is one named number: its probability, and its value.
type quantile struct{ name, value []byte }

// few is how many names are looked through one by one; more get a map.
const few = 16

// maxQuantiles bounds the quantiles of a column: a hundred percentiles, and some.
const maxQuantiles = 128

// measure takes the metrics that a result states. An expectation with a row_condition, or one that raised, speaks of
// other rows or of none and feeds no metric.
func (m *metrics) measure(facts []assertion) {
	elements := whole{}
	for i := range facts {
		e, column := facts[i].e, facts[i].column
		if e.RowCondition || e.Raised {
			continue
		}
		switch e.Type {
		case "expect_table_row_count_to_be_between", "expect_table_row_count_to_equal", "expect_table_row_count_to_equal_other_table":
			if n := observedRows(&e.Result); n.known {
				m.rows = n
			}
			continue
		case "expect_file_size_to_be_between":
			m.bytes = integer(e.Result.Observed)
			continue
		}
		if strings.HasPrefix(e.Type, "expect_column_distinct_values_") {
			if n := e.Result.ObservedCount; e.HasColumn && n >= 0 {
				m.column(column).distinct = whole{int64(n), true} // the list, where it stands (GX up to 1.12)
			}
			continue
		}
		if !strings.HasPrefix(e.Type, "expect_") || strings.HasPrefix(e.Type, "expect_query_") {
			continue
		}
		// An element_count of 0 can mean "not known", so the largest speaks.
		if n := e.Result.ElementCount; n != nil && (!elements.known || *n > elements.n) {
			elements = whole{*n, true}
		}
		if e.HasColumn && strings.TrimSpace(e.Column) != "" {
			m.column(column).take(e)
		}
	}
	if !m.rows.known {
		m.rows = elements
	}
}

// reset makes m ready for another result, and keeps its memory.
func (m *metrics) reset() {
	for i := range m.columns {
		c := &m.columns[i]
		clear(c.quantiles)
		*c = columnMetrics{quantiles: c.quantiles[:0]}
	}
	m.rows, m.bytes, m.columns = whole{}, whole{}, m.columns[:0]
	if len(m.index) > 1024 {
		m.index = nil
	}
	clear(m.index)
}

// known reports whether there is any metric.
func (m *metrics) known() bool {
	if m.rows.known || m.bytes.known {
		return true
	}
	for i := range m.columns {
		if !m.columns[i].empty() {
			return true
		}
	}
	return false
}

// column finds or adds a column by its safe name.
func (m *metrics) column(name string) *columnMetrics {
	n := len(m.columns)
	if n > 0 && m.columns[n-1].name == name {
		return &m.columns[n-1]
	}
	if n <= few {
		for i := range m.columns {
			if m.columns[i].name == name {
				return &m.columns[i]
			}
		}
	} else {
		m.indexAll()
		if i, found := m.index[name]; found {
			return &m.columns[i]
		}
	}
	if n < cap(m.columns) { // its quantiles' memory is used again
		m.columns = m.columns[:n+1]
		m.columns[n].name = name
	} else {
		m.columns = append(m.columns, columnMetrics{name: name})
	}
	if len(m.index) > 0 {
		m.index[name] = n
	}
	return &m.columns[n]
}

// indexAll fills the index once.
func (m *metrics) indexAll() {
	if len(m.index) > 0 {
		return
	}
	if m.index == nil {
		m.index = make(map[string]int, 2*len(m.columns))
	}
	for i := range m.columns {
		m.index[m.columns[i].name] = i
	}
}

// take reads one single-column expectation.
func (c *columnMetrics) take(e *gx.Expectation) {
	r := &e.Result
	switch e.Type {
	case "expect_column_values_to_not_be_null":
		if r.UnexpectedCount != nil {
			c.setNulls(*r.UnexpectedCount, r.ElementCount)
			c.counted = true
		}
	case "expect_column_values_to_be_null":
		if r.ElementCount != nil && r.UnexpectedCount != nil {
			c.setNulls(*r.ElementCount-*r.UnexpectedCount, r.ElementCount)
			c.counted = true
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
			c.setQuantile([]byte("0.5"), v)
		}
	case "expect_column_quantile_values_to_be_between":
		eachQuantile(r.Observed, c.setQuantile)
	}
	if !c.counted && r.MissingCount != nil && r.ElementCount != nil && !strings.Contains(e.Type, "_pair_") && !strings.Contains(e.Type, "multicolumn") {
		c.setNulls(*r.MissingCount, r.ElementCount)
	}
}

// setNulls takes a null count, and from the element count beside it the number of values.
func (c *columnMetrics) setNulls(nulls int64, elements *int64) {
	if nulls < 0 {
		return
	}
	c.nulls = whole{nulls, true}
	if elements != nil && *elements >= nulls {
		c.count = whole{*elements - nulls, true}
	}
}

func (c *columnMetrics) setQuantile(name, value []byte) {
	for i := range c.quantiles {
		if string(c.quantiles[i].name) == string(name) {
			c.quantiles[i].value = value
			return
		}
	}
	if len(c.quantiles) < maxQuantiles {
		c.quantiles = append(c.quantiles, quantile{name, value})
	}
}

func (c *columnMetrics) empty() bool {
	return !c.nulls.known && !c.distinct.known && !c.count.known && c.sum == nil && c.min == nil && c.max == nil && len(c.quantiles) == 0
}

func observedRows(r *gx.Result) whole {
	if n := integer(r.Observed); n.known {
		return n
	}
	return integer(member(r.Observed, "self"))
}

// integer reads a count, which some databases give as 2.0.
func integer(raw json.RawMessage) whole {
	f, ok := number(raw)
	if !ok || f != float64(int64(f)) {
		return whole{}
	}
	return whole{int64(f), true}
}

// numeric keeps a number as GX wrote it; nil for all else.
func numeric(raw json.RawMessage) json.RawMessage {
	if isNumber(raw) {
		return raw
	}
	return nil
}

// eachQuantile visits the observed {quantiles, values} pair by pair.
func eachQuantile(observed json.RawMessage, visit func(probability, value []byte)) {
	names, values := elements{raw: member(observed, "quantiles")}, elements{raw: member(observed, "values")}
	for n := 0; n < maxQuantiles; n++ {
		name, value := names.next(), values.next()
		if name == nil || value == nil {
			return
		}
		if isNumber(name) && isNumber(value) {
			visit(name, value)
		}
	}
}

// listColumns takes the table's columns, where an expectation observed all of them.
func (w *view) listColumns() {
	v := w.v
	for i := range v.Results {
		e := &v.Results[i]
		if e.Raised || !strings.HasPrefix(e.Type, "expect_table_columns_to_match_") {
			continue
		}
		if w.columns = appendColumnNames(w.columns[:0], e.Result.Observed); len(w.columns) > 0 {
			return
		}
	}
}

// appendColumnNames gives the texts of a list, each once; none where anything else stands in it.
func appendColumnNames(names [][]byte, observed json.RawMessage) [][]byte {
	var seen map[string]bool // once there are many
	list := elements{raw: observed}
	for raw := list.next(); raw != nil; raw = list.next() {
		name := plainText(raw)
		if len(name) == 0 || len(name) > maxNameBytes || len(bytes.TrimSpace(name)) < len(name) {
			var n string // with escapes, too long or with blanks: rare
			if json.Unmarshal(raw, &n) != nil {
				return names[:0]
			}
			if strings.TrimSpace(n) == "" {
				continue
			}
			n, _ = safeName(n, maxNameBytes)
			name = []byte(n)
		}
		if seen == nil && len(names) > few {
			seen = make(map[string]bool)
			for _, n := range names {
				seen[string(n)] = true
			}
		}
		if seen[string(name)] || seen == nil && slices.ContainsFunc(names, func(n []byte) bool { return bytes.Equal(n, name) }) {
			continue
		}
		if seen != nil {
			seen[string(name)] = true
		}
		names = append(names, name)
	}
	return names
}
