// Package results makes validation results of Great Expectations 1.x for measurements: always the same ones, in the order of keys
// and with the separators of Python's json.dumps, because that is what writes them in the field.
package results

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
)

// Kind is a class of results by size.
type Kind string

// The kinds: 3 KB with 5 expectations, 24 KB with 40, and 6.4 MB with lists of failed rows.
const (
	Small  Kind = "small"
	Medium Kind = "medium"
	Big    Kind = "big"
)

const (
	tables   = 100                // keys, and datasets
	table    = "orders_daily_000" // stands in a big result where its table's name goes
	rows     = 16_000             // that a failed expectation of a big result lists
	bodies   = 4                  // big results that differ in more than their table
	variants = 200
)

// Source makes results of one kind.
type Source struct {
	kind   Kind
	cached [][]byte // the variants, or the bodies of the big ones
	unique bool
}

// Variants repeats 200 results without end (big: 4, each under all names of tables).
func Variants(kind Kind) *Source {
	s := &Source{kind: kind}
	n := variants
	if kind == Big {
		n = bodies
	}
	for i := range n {
		s.cached = append(s.cached, encode(kind, i))
	}
	return s
}

// Unique makes results that all differ, each a run of its own.
func Unique(kind Kind) *Source { return &Source{kind: kind, unique: true} }

// At is the i-th result and its key.
func (s *Source) At(i int) (key, value []byte) {
	key = []byte("warehouse." + tableName(i))
	switch {
	case s.unique:
		return key, encode(s.kind, i)
	case s.kind == Big:
		return key, bytes.ReplaceAll(s.cached[i%bodies], []byte(table), []byte(tableName(i)))
	}
	return key, s.cached[i%variants]
}

func tableName(i int) string { return fmt.Sprintf("orders_daily_%03d", i%tables) }

// draw is the chance that a result is made of: its number is the seed.
type draw struct{ *rand.Rand }

func (d draw) between(low, high int) int         { return low + d.IntN(high-low+1) }
func (d draw) uniform(low, high float64) float64 { return low + d.Float64()*(high-low) }
func (d draw) cents(low, high float64) float64   { return float64(int(d.uniform(low, high)*100)) / 100 }
func (d draw) chance(p float64) bool             { return d.Float64() < p }
func (d draw) id() string {
	a, b := d.Uint64(), d.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffff_ffff_ffff)
}

func (d draw) word() string {
	w := make([]byte, d.between(5, 12))
	for i := range w {
		w[i] = byte('a' + d.IntN(26))
	}
	return string(w)
}

func encode(kind Kind, i int) []byte {
	d := draw{rand.New(rand.NewPCG(42, uint64(i)))}
	name := tableName(i)
	var results list
	switch kind {
	case Small: // result_format BOOLEAN_ONLY
		for n := range 5 {
			results = append(results, d.expectation(n, 20_000, false))
		}
	case Medium: // result_format BASIC
		for n := range 40 {
			results = append(results, d.expectation(n, 131_342, true))
		}
	case Big: // result_format COMPLETE, three expectations failed
		name = table
		for n := range 12 {
			results = append(results, d.expectation(n, 5_000_000, true))
		}
		results[4] = d.failedRows("email", func() any { return d.word() + "@" + d.word() + ".example" })
		results[6] = d.failedRows("fare_amount", func() any { return d.cents(-60, 0) })
		results[8] = d.failedRows("comment", func() any { return fmt.Sprintf("said \"%s\" \\ %s\n\u00e9 %s", d.word(), d.word(), d.word()) })
	}
	at := time.Date(2026, 8, 20, 15, 0, 0, i%1000*997_000, time.UTC).Add(time.Duration(i) * time.Second)
	return dump(nil, d.suite(results, name, at))
}

// suite is what marshmallow's schema of a validation result gives.
func (d draw) suite(results list, name string, at time.Time) object {
	good := 0
	for _, r := range results {
		if r.(object)[0].value == true {
			good++
		}
	}
	when := at.Format("2006-01-02T15:04:05.000000+00:00")
	return object{
		{"success", good == len(results)}, {"results", results}, {"suite_name", "orders_daily.critical"}, {"suite_parameters", object{}},
		{"statistics", object{{"evaluated_expectations", len(results)}, {"successful_expectations", good},
			{"unsuccessful_expectations", len(results) - good}, {"success_percent", 100 * float64(good) / float64(len(results))}}},
		{"meta", object{
			{"great_expectations_version", "1.2.0"},
			{"batch_spec", object{{"schema_name", "public"}, {"table_name", name}, {"type", "table"}}},
			{"batch_markers", object{{"ge_load_time", at.Format("20060102T150405.000000Z")}}},
			{"active_batch_definition", object{{"datasource_name", "warehouse"}, {"data_connector_name", "fluent"}, {"data_asset_name", name},
				{"batch_identifiers", object{{"year", "2026"}, {"month", "08"}, {"day", "20"}}}}},
			{"validation_id", d.id()}, {"checkpoint_id", d.id()},
			{"run_id", object{{"run_name", "scheduled__" + when}, {"run_time", when}}},
			{"validation_time", when}, {"batch_parameters", object{{"year", "2026"}, {"month", "08"}, {"day", "20"}}},
			{"checkpoint_name", "orders_daily_checkpoint"}, {"expectation_suite_name", "orders_daily.critical"},
		}},
		{"id", nil},
	}
}
