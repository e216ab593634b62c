package results

import (
	"slices"
	"strings"
)

const batch = "warehouse-orders_daily"

func columns() []string {
	return []string{"order_id", "customer_id", "vendor_id", "pickup_datetime", "dropoff_datetime", "passenger_count", "trip_distance",
		"rate_code_id", "payment_type", "fare_amount", "tip_amount", "total_amount", "email", "status", "country_code", "created_at"}
}

func ofValues() []string {
	return []string{"expect_column_values_to_not_be_null", "expect_column_values_to_be_unique", "expect_column_values_to_be_between",
		"expect_column_values_to_be_in_set", "expect_column_values_to_match_regex", "expect_column_value_lengths_to_be_between"}
}

func ofColumns() []string {
	return []string{"expect_column_min_to_be_between", "expect_column_max_to_be_between", "expect_column_mean_to_be_between",
		"expect_column_sum_to_be_between", "expect_column_unique_value_count_to_be_between", "expect_column_quantile_values_to_be_between"}
}

// expectation is the n-th of a suite; one in eight fails. Without result it is what BOOLEAN_ONLY leaves of it.
func (d draw) expectation(n, elements int, result bool) object {
	kind, column := "expect_table_row_count_to_be_between", ""
	if n > 0 {
		column = columns()[n/3%len(columns())]
		kind = ofColumns()[n%len(ofColumns())]
		if d.chance(0.7) {
			kind = ofValues()[n%len(ofValues())]
		}
	}
	failed := d.chance(0.12)
	found := object{}
	switch {
	case !result:
	case column == "":
		found = object{{"observed_value", elements}}
	case slices.Contains(ofColumns(), kind):
		found = object{{"observed_value", d.observed(kind, elements)}}
	default:
		var rows list
		if failed {
			for range 8 {
				rows = append(rows, d.cents(-60, 0))
			}
		}
		found = d.counts(elements, failed, rows)
	}
	return d.outcome(!failed, kind, d.kwargs(kind, column), found)
}

func (d draw) outcome(success bool, kind string, kwargs, found object) object {
	return object{{"success", success},
		{"expectation_config", object{{"type", kind}, {"kwargs", kwargs}, {"meta", object{}}, {"id", d.id()}}},
		{"result", found}, {"meta", object{}},
		{"exception_info", object{{"raised_exception", false}, {"exception_traceback", nil}, {"exception_message", nil}}}}
}

func (d draw) kwargs(kind, column string) object {
	k := object{{"batch_id", batch}}
	if column != "" {
		k = append(k, field{"column", column})
	}
	switch {
	case strings.HasSuffix(kind, "in_set"):
		k = append(k, field{"value_set", list{"N", "Y", "unknown"}})
	case strings.HasSuffix(kind, "regex"):
		k = append(k, field{"regex", "^[A-Z]{2}\\d{4}-\"?x\"?$"})
	case strings.Contains(kind, "quantile"):
		k = append(k, field{"quantile_ranges", object{{"quantiles", list{0.05, 0.25, 0.5, 0.75, 0.95}},
			{"value_ranges", list{list{0, 5}, list{1, 9}, list{5, 20}, list{10, 40}, list{20, nil}}}}}, field{"allow_relative_error", false})
	case strings.Contains(kind, "between"):
		k = append(k, field{"min_value", 0.0}, field{"max_value", 1000.0})
	}
	if slices.Contains(ofValues(), kind) && d.chance(0.3) {
		k = append(k, field{"mostly", 0.95})
	}
	return k
}

func (d draw) observed(kind string, elements int) any {
	switch {
	case strings.Contains(kind, "quantile"):
		values := list{}
		at := 0.0
		for range 5 {
			at += d.cents(0, 10)
			values = append(values, at)
		}
		return object{{"quantiles", list{0.05, 0.25, 0.5, 0.75, 0.95}}, {"values", values}}
	case strings.Contains(kind, "unique"):
		return d.between(2, elements)
	}
	return d.uniform(0, 900)
}

// counts is the result of an expectation of the values of a column.
func (d draw) counts(elements int, failed bool, rows list) object {
	missing, unexpected := 0, 0
	if d.chance(0.25) {
		missing = d.between(1, 50)
	}
	if failed {
		unexpected = max(d.between(1, 400), len(rows))
	}
	percent := func(of int) float64 { return 100 * float64(unexpected) / float64(of) }
	return object{{"element_count", elements}, {"unexpected_count", unexpected}, {"unexpected_percent", percent(elements - missing)},
		{"partial_unexpected_list", rows[:min(len(rows), 20)]}, {"missing_count", missing}, {"missing_percent", 100 * float64(missing) / float64(elements)},
		{"unexpected_percent_total", percent(elements)}, {"unexpected_percent_nonmissing", percent(elements - missing)}}
}

// failedRows is an expectation that failed and lists the rows, with their keys and the query that finds them.
func (d draw) failedRows(column string, value func() any) object {
	values, keys := make(list, rows), make(list, rows)
	for i := range rows {
		values[i] = value()
		keys[i] = object{{column, values[i]}, {"order_id", d.between(1, 1_000_000_000)}, {"created_at", "2026-08-" + twoDigits(d.between(1, 28)) + "T12:00:00"}}
	}
	found := append(d.counts(5_000_000, true, values), field{"partial_unexpected_index_list", keys[:20]}, field{"unexpected_list", values},
		field{"unexpected_index_list", keys}, field{"unexpected_index_query", "SELECT order_id, created_at, " + column + " FROM public." + table + " WHERE NOT (" + column + " >= 0.0)"})
	format := object{{"result_format", "COMPLETE"}, {"unexpected_index_column_names", list{"order_id", "created_at"}}}
	return d.outcome(false, "expect_column_values_to_be_between", object{{"batch_id", batch}, {"column", column}, {"result_format", format}}, found)
}

func twoDigits(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
