package mapper

import "github.com/gx-ol/gx-ol/schemas/openlineage"

// mostNulls is of how many columns a brief tells the nulls.
const mostNulls = 64

// brief tells the validation result at a glance; few is room for the nulls of a few columns.
func (w *view) brief(b *openlineage.Brief, few []openlineage.Nulls) {
	c := &w.counts
	*b = openlineage.Brief{Suite: w.v.Suite, Started: w.times.start, Ended: w.end,
		Passed: c.total - c.failed - c.skipped, Failed: c.failed, Skipped: c.skipped, Fails: c.failsRun, Rows: -1}
	if c.saidFailed > 0 { // the failed ones were taken out of the results
		b.Failed, b.Passed = int(c.saidFailed), int(max(c.saidTotal-c.saidFailed, 0))
	}
	if w.metrics.rows.known {
		b.Rows = w.metrics.rows.n
	}
	b.Nulls = w.nulls(few)
}

// nulls are those of the columns of which they are known, the first mostNulls of them.
func (w *view) nulls(few []openlineage.Nulls) []openlineage.Nulls {
	n := 0
	for i := range w.metrics.columns {
		if w.metrics.columns[i].nulls.known {
			n++
		}
	}
	if n = min(n, mostNulls); n > cap(few) {
		few = make([]openlineage.Nulls, 0, n)
	}
	for i := range w.metrics.columns {
		if m := &w.metrics.columns[i]; m.nulls.known && len(few) < n {
			few = append(few, openlineage.Nulls{Column: m.name, Count: m.nulls.n})
		}
	}
	return few
}
