package mapper

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// appendActual says what an on-call engineer needs to read, without row values.
func appendActual(dst []byte, e *gx.Expectation, optIn RowValues) []byte {
	if e.Raised {
		return appendRaised(dst, e, optIn)
	}
	r := &e.Result
	switch {
	case len(r.Observed) > 0 && r.Observed[0] == '{':
		return appendObject(dst, r)
	case strings.HasPrefix(e.Type, "expect_table_columns_to_match_"):
		return appendColumns(dst, r)
	case strings.HasPrefix(e.Type, "expect_column_distinct_values_"):
		return appendDistinct(dst, r)
	case e.Type == "unexpected_rows_expectation":
		return appendRows(dst, r)
	case e.Type == "expect_query_results_to_match_comparison" && r.UnexpectedCount != nil:
		return append(strconv.AppendInt(dst, *r.UnexpectedCount, 10), " differ"...)
	case r.Observed != nil && r.ObservedCount < 0:
		return appendObserved(dst, e)
	case r.ElementCount != nil && r.UnexpectedCount != nil:
		return appendRowwise(dst, r)
	case r.ElementCount != nil && *r.ElementCount == 0:
		return append(dst, "no rows"...)
	}
	return dst
}

// appendRaised names the exception's class only: its text quotes row values and SQL.
func appendRaised(dst []byte, e *gx.Expectation, optIn RowValues) []byte {
	dst = append(dst, "error"...)
	text := e.ExceptionClass
	if optIn.ExceptionText && e.ExceptionText != "" {
		text = e.ExceptionText
	}
	if text == "" {
		return dst
	}
	return append(append(dst, ": "...), text...)
}

// appendObject tells of an observed object: two row counts, or quantiles.
func appendObject(dst []byte, r *gx.Result) []byte {
	self, other := member(r.Observed, "self"), member(r.Observed, "other")
	if self != nil && other != nil {
		dst = appendBound(dst, self)
		return appendBound(append(dst, ", other "...), other)
	}
	first := len(dst)
	eachQuantile(r.Observed, func(probability, value []byte) {
		if len(dst) > first {
			dst = append(dst, ", "...)
		}
		dst = append(append(append(dst, probability...), ": "...), value...)
	})
	return dst
}

func appendRowwise(dst []byte, r *gx.Result) []byte {
	if *r.ElementCount == 0 {
		return append(dst, "no rows"...)
	}
	of := *r.ElementCount
	if r.MissingCount != nil {
		of -= *r.MissingCount
	}
	dst = strconv.AppendInt(dst, *r.UnexpectedCount, 10)
	dst = strconv.AppendInt(append(dst, " of "...), of, 10)
	dst = append(dst, " unexpected"...)
	if of > 0 {
		dst = append(appendPercent(append(dst, " ("...), 100*float64(*r.UnexpectedCount)/float64(of)), ')')
	}
	return dst
}

// appendRows reads what unexpected_rows_expectation observes: a number, and up to 1.0 a text, but only a count.
func appendRows(dst []byte, r *gx.Result) []byte {
	if f, ok := number(r.Observed); ok {
		return append(strconv.AppendFloat(dst, f, 'f', 0, 64), " rows"...)
	}
	text := plainText(r.Observed)
	n, found := bytes.CutSuffix(bytes.TrimSuffix(text, []byte("s")), []byte(" unexpected row"))
	if !found || len(n) == 0 {
		return dst
	}
	for _, c := range n {
		if !digit(c) {
			return dst
		}
	}
	return append(append(dst, n...), " rows"...)
}

// appendObserved shows a number, a boolean, a date, or the name of a type; other text may be a row value.
func appendObserved(dst []byte, e *gx.Expectation) []byte {
	before := len(dst)
	if dst = appendBound(dst, e.Result.Observed); len(dst) > before {
		return dst
	}
	if strings.HasSuffix(e.Type, "_to_be_of_type") || strings.HasSuffix(e.Type, "_to_be_in_type_list") {
		return append(dst, typeName(e.Result.Observed)...)
	}
	return dst
}

func appendDistinct(dst []byte, r *gx.Result) []byte {
	first := len(dst)
	part := func(n int64, what string) {
		if len(dst) > first {
			dst = append(dst, ", "...)
		}
		dst = append(strconv.AppendInt(dst, n, 10), what...)
	}
	if r.ObservedCount >= 0 {
		part(int64(r.ObservedCount), " distinct")
	}
	if r.MissingCount != nil && r.ElementCount == nil {
		part(*r.MissingCount, " missing")
	}
	if r.UnexpectedCount != nil {
		part(*r.UnexpectedCount, " unexpected")
	}
	return dst
}

func appendColumns(dst []byte, r *gx.Result) []byte {
	first := len(dst)
	if n := len(r.MismatchMissing); n > 0 {
		// Their names come from the expectation's own set, which is told only by opt-in (params).
		dst = append(strconv.AppendInt(dst, int64(n), 10), " missing"...)
	}
	for i, name := range r.MismatchUnexpected {
		switch {
		case i > 0:
			dst = append(dst, ", "...)
		case len(dst) > first:
			dst = append(dst, "; unexpected "...)
		default:
			dst = append(dst, "unexpected "...)
		}
		if dst = append(dst, name...); len(dst)-first > 1000 { // more than is shown
			return dst
		}
	}
	if len(dst) == first && r.ObservedCount >= 0 {
		dst = append(strconv.AppendInt(dst, int64(r.ObservedCount), 10), " columns"...)
	}
	return dst
}
