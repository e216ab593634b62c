package main

import (
	"slices"
	"testing"
)

// A verdict that errs is worse than none.
func TestTheVerdictComparesWithTheGoalFromTheRightSide(t *testing.T) {
	for _, c := range []struct {
		row  row
		want []string
	}{
		{row{values: []float64{0.7, 0.5, 0.65}, format: "%.2f", goal: atLeast(0.6, 0.9)}, []string{"", "0.65 (0.50 – 0.70)", "≥ 0.60, dream 0.90", "meets"}},
		{row{values: []float64{0.59}, format: "%.2f", goal: atLeast(0.6, 0)}, []string{"", "0.59", "≥ 0.60", "misses"}},
		{row{values: []float64{0.9}, format: "%.2f", goal: atLeast(0.6, 0.9)}, []string{"", "0.90", "≥ 0.60, dream 0.90", "meets the dream"}},
		{row{values: []float64{150, 161}, worst: true, format: "%.0f MB", goal: atMost(160, 0)}, []string{"", "161 MB (150 MB – 161 MB)", "≤ 160 MB", "misses"}},
		{row{values: []float64{1.4}, format: "%.1f", goal: atMost(2.2, 1.5)}, []string{"", "1.4", "≤ 2.2, dream 1.5", "meets the dream"}},
		{row{values: []float64{3}, format: "%.1f"}, []string{"", "3.0", "–", "–"}},
		{row{failed: "it died", format: "%.1f", goal: atMost(1, 0)}, []string{"", "none: it died", "≤ 1.0", "misses"}},
	} {
		if got := c.row.cells(); !slices.Equal(got, c.want) {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}
