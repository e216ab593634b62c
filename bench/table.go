package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// row is one line of the table.
type row struct {
	what   string
	values []float64 // one a round
	worst  bool      // the worst round counts, not the median
	format string    // of a value
	goal   goal
	failed string // why there is no value
}

// goal is a bound that is to be kept; the zero goal is none.
type goal struct {
	atLeast      bool
	bound, dream float64 // dream 0: none
}

func atLeast(bound, dream float64) goal { return goal{true, bound, dream} }
func atMost(bound, dream float64) goal  { return goal{false, bound, dream} }

func (g goal) text(format string) string {
	if g.bound == 0 {
		return "–"
	}
	sign := "≤ "
	if g.atLeast {
		sign = "≥ "
	}
	s := sign + fmt.Sprintf(format, g.bound)
	if g.dream != 0 {
		s += ", dream " + fmt.Sprintf(format, g.dream)
	}
	return s
}

func (g goal) keeps(value, bound float64) bool {
	if g.atLeast {
		return value >= bound
	}
	return value <= bound
}

func (g goal) verdict(value float64) string {
	switch {
	case g.bound == 0:
		return "–"
	case !g.keeps(value, g.bound):
		return "misses"
	case g.dream != 0 && g.keeps(value, g.dream):
		return "meets the dream"
	}
	return "meets"
}

// value is what counts of the rounds.
func (r row) value() float64 {
	if !r.worst {
		return median(r.values)
	}
	if r.goal.atLeast {
		return slices.Min(r.values)
	}
	return slices.Max(r.values)
}

func (r row) cells() []string {
	if r.failed != "" || len(r.values) == 0 {
		return []string{r.what, "none: " + r.failed, r.goal.text(r.format), "misses"}
	}
	measured := fmt.Sprintf(r.format, r.value())
	if low, high := slices.Min(r.values), slices.Max(r.values); low != high {
		measured += fmt.Sprintf(" ("+r.format+" – "+r.format+")", low, high)
	}
	return []string{r.what, measured, r.goal.text(r.format), r.goal.verdict(r.value())}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// report prints the machine, the table, and the absolute figures behind it.
func report(out io.Writer, set settings, load string, rows []row, details [][]string) error {
	what := fmt.Sprintf("%s, load %s at the start; medians of %d rounds (range)", machine(), load, set.rounds)
	if set.short {
		what += "; -short"
	}
	table := append([][]string{{"what", "measured", "goal", "verdict"}}, cellsOf(rows)...)
	details = append([][]string{{"run", "events/s", "CPU µs an event", "peak MB", "note"}}, details...)
	if set.markdown {
		_, err := fmt.Fprintf(out, "%s\n\n%s\n%s", what, markdown(table), markdown(details))
		return err
	}
	if _, err := fmt.Fprintf(out, "%s\n\n", what); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range append(append(table, []string{}), details...) {
		if _, err := fmt.Fprintln(w, strings.Join(line, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

func cellsOf(rows []row) [][]string {
	var cells [][]string
	for _, r := range rows {
		cells = append(cells, r.cells())
	}
	return cells
}

func markdown(table [][]string) string {
	var b strings.Builder
	for i, line := range table {
		b.WriteString("| " + strings.Join(line, " | ") + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(line)) + "|\n")
		}
	}
	return b.String()
}
