package events

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Builder makes a graph of events: of datasets and jobs all, of each job the latest run that ended, of each check of a dataset the latest run with assertions.
// Events may come in any order, and more than once. The zero value is not usable; see NewBuilder. It is not safe for concurrent use; several Parsers may
// prepare its events side by side.
type Builder struct {
	Bound Bound

	graph   *lineage.Graph
	jobs    map[lineage.Job]*jobState
	things  int // jobs and datasets
	kept    int // failed assertions and column inputs
	dropped int // events left out at the bound
}

// Bound is how much a Builder holds. What is beyond is left out, and a note of the graph says so.
type Bound struct {
	Things int // jobs and datasets
	Facts  int // failed assertions, and inputs of columns
}

// DefaultBound keeps a graph in a few hundred megabytes.
var DefaultBound = Bound{Things: 200_000, Facts: 500_000}

// jobState is what is known of a job.
type jobState struct {
	runs      []*runState // the latest heard of last, at most mostRuns
	at        time.Time   // of the run whose datasets count: the latest that ended
	in, out   []lineage.Dataset
	ended     bool
	streaming bool
	check     bool
	asserts   bool // its runs brought assertions
}

// runState is what the events of a run said up to now.
type runState struct {
	Facets
	ended   time.Time
	last    time.Time
	in, out []lineage.Dataset
	results map[lineage.Dataset]timed
}

type timed struct {
	*Results
	at time.Time
}

// mostRuns is of how many runs of a job, of those heard of last, the parts are put together. More than these are rarely under way at once.
const mostRuns = 8

// NewBuilder makes an empty graph's builder.
func NewBuilder(b Bound) *Builder {
	return &Builder{Bound: b, graph: lineage.NewGraph(), jobs: make(map[lineage.Job]*jobState)}
}

// Add takes an event in.
func (b *Builder) Add(ev *Event) {
	if ev.Dataset != nil && ev.Job.Name == "" {
		if b.room(0, *ev.Dataset) {
			b.graph.AddDataset(*ev.Dataset)
		}
		return
	}
	if !b.fits(ev) {
		b.dropped++
		return
	}
	js := b.jobs[ev.Job]
	if js == nil {
		js = &jobState{}
		b.jobs[ev.Job] = js
	}
	js.check = js.check || ev.Check
	js.streaming = js.streaming || ev.Streaming
	if ev.Run.ID == "" { // a job event tells what the job reads and writes
		rs := &runState{last: ev.Time, ended: ev.Time}
		rs.merge(ev)
		js.take(rs)
		return
	}
	rs := js.run(ev.Run.ID)
	rs.merge(ev)
	if ev.Type.Terminal() && ev.Time.After(rs.ended) {
		rs.ended = ev.Time
	}
	js.take(rs)
	if ev.Type == openlineage.Complete {
		for _, d := range rs.out {
			b.graph.SetWritten(d, ev.Time)
		}
	}
	for _, d := range ev.Outputs {
		for column, from := range d.Columns {
			b.kept += b.graph.AddColumn(lineage.Column{Dataset: d.Dataset, Column: column}, from)
		}
	}
	for d, r := range rs.results {
		js.asserts = true
		b.kept += b.graph.AddCheck(rs.check(ev.Job, d, r))
	}
}

// fits makes room for the names and facts of an event.
func (b *Builder) fits(ev *Event) bool {
	facts := 0
	all := make([]lineage.Dataset, 0, len(ev.Inputs)+len(ev.Outputs))
	for _, d := range ev.Inputs {
		all = append(all, d.Dataset)
		if d.Results != nil {
			facts += len(d.Results.Failed)
		}
	}
	for _, d := range ev.Outputs {
		all = append(all, d.Dataset)
		for _, from := range d.Columns {
			facts += len(from)
		}
	}
	jobs := 0
	if b.jobs[ev.Job] == nil {
		jobs = 1
	}
	if b.kept+facts > b.Bound.Facts && facts > 0 || !b.room(jobs, all...) {
		return false
	}
	for _, d := range all {
		b.graph.AddDataset(d)
	}
	return true
}

// room takes room for jobs, and for datasets that are new.
func (b *Builder) room(jobs int, datasets ...lineage.Dataset) bool {
	n := jobs
	for _, d := range datasets {
		if !b.graph.Has(d) {
			n++
		}
	}
	if b.things+n > b.Bound.Things && n > 0 {
		return false
	}
	b.things += n
	return true
}

// run finds a run of the job, or begins it.
func (js *jobState) run(id string) *runState {
	i := slices.IndexFunc(js.runs, func(r *runState) bool { return r.ID == id })
	if i >= 0 {
		rs := js.runs[i]
		js.runs = append(slices.Delete(js.runs, i, i+1), rs)
		return rs
	}
	js.runs = slices.DeleteFunc(js.runs, func(r *runState) bool { return !r.ended.IsZero() && r.ended.Before(js.at) }) // their part is done
	for _, r := range js.runs {
		if !r.ended.IsZero() {
			r.results = nil // the graph has them
		}
	}
	if len(js.runs) == mostRuns {
		js.runs = slices.Delete(js.runs, 0, 1)
	}
	rs := &runState{Facets: Facets{ID: id}}
	js.runs = append(js.runs, rs)
	return rs
}

// merge adds what an event says to what is known of its run.
func (rs *runState) merge(ev *Event) {
	newer := !ev.Time.Before(rs.last)
	if newer {
		rs.last = ev.Time
	}
	replace := func(old, with *lineage.Run) *lineage.Run {
		if with != nil && (newer || old == nil) {
			return with
		}
		return old
	}
	rs.Parent, rs.Root = replace(rs.Parent, ev.Run.Parent), replace(rs.Root, ev.Run.Root)
	if ev.Run.Suite != "" && (newer || rs.Suite == "") {
		rs.Suite = ev.Run.Suite
	}
	for _, d := range ev.Inputs {
		if !slices.Contains(rs.in, d.Dataset) {
			rs.in = append(rs.in, d.Dataset)
		}
		if old := rs.results[d.Dataset]; d.Results != nil && (old.Results == nil || !ev.Time.Before(old.at)) {
			if rs.results == nil {
				rs.results = make(map[lineage.Dataset]timed, 1)
			}
			rs.results[d.Dataset] = timed{d.Results, ev.Time}
		}
	}
	for _, d := range ev.Outputs {
		if !slices.Contains(rs.out, d.Dataset) {
			rs.out = append(rs.out, d.Dataset)
		}
	}
}

// take lets the run say what the job reads and writes, if it is the latest that ended. A stream never ends, and a run that never ended is better than none there.
func (js *jobState) take(rs *runState) {
	switch {
	case !rs.ended.IsZero() && (!js.ended || !rs.ended.Before(js.at)):
		js.ended, js.at, js.in, js.out = true, rs.ended, rs.in, rs.out
	case js.streaming && !js.ended && !rs.last.Before(js.at):
		js.at, js.in, js.out = rs.last, rs.in, rs.out
	}
}

// check is what the run says of a dataset.
func (rs *runState) check(job lineage.Job, d lineage.Dataset, r timed) *lineage.Check {
	at := rs.ended
	if at.IsZero() {
		at = r.at
	}
	return &lineage.Check{Job: job, Dataset: d, Run: rs.ID, At: at, Suite: rs.Suite, Parent: rs.Parent, Root: rs.Root, Passed: r.Passed, Failed: r.Failed}
}

// Graph is what was built. The Builder is not to be used after it.
func (b *Builder) Graph() *lineage.Graph {
	for _, job := range slices.SortedFunc(maps.Keys(b.jobs), lineage.Job.Compare) {
		js := b.jobs[job]
		b.graph.AddJob(job, js.in, js.out)
		if js.check || js.asserts && len(js.out) == 0 {
			b.graph.SetCheck(job)
		}
	}
	b.jobs = nil
	if b.dropped > 0 {
		b.graph.Note(fmt.Sprintf("%d events were left out: at most %d jobs and datasets and %d failed assertions are kept", b.dropped, b.Bound.Things, b.Bound.Facts))
	}
	return b.graph
}
