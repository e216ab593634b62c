package lineage

import (
	"maps"
	"slices"
	"time"
)

// Graph is datasets, the jobs between them, and of each check of a dataset its latest run. It is made by a Source and not safe for concurrent changes.
type Graph struct {
	Notes  []string // what the source could not say, or left out, in words
	Judged bool     // it holds what all checks say: Judge and Tell need not ask again

	datasets map[Dataset]*datasetNode
	jobs     map[Job]*jobNode
	columns  map[Column][]Column // what a column is made from directly
	unknown  map[Column]bool     // columns of which the source cannot tell
}

type datasetNode struct {
	Dataset
	written          time.Time // when a job that ended well last wrote it; zero: not known
	readers, writers []*jobNode
	checks           map[Job]*Check
}

type jobNode struct {
	Job
	check   bool // it checks data, and is no consumer
	inputs  []*datasetNode
	outputs []*datasetNode
}

// NewGraph is an empty graph.
func NewGraph() *Graph {
	return &Graph{datasets: map[Dataset]*datasetNode{}, jobs: map[Job]*jobNode{}, columns: map[Column][]Column{}, unknown: map[Column]bool{}}
}

// Note keeps a sentence about what is missing, once.
func (g *Graph) Note(text string) {
	if !slices.Contains(g.Notes, text) {
		g.Notes = append(g.Notes, text)
	}
}

// AddDataset makes sure that the graph has a dataset.
func (g *Graph) AddDataset(d Dataset) { g.dataset(d) }

func (g *Graph) dataset(d Dataset) *datasetNode {
	n := g.datasets[d]
	if n == nil {
		n = &datasetNode{Dataset: d}
		g.datasets[d] = n
	}
	return n
}

func (g *Graph) job(j Job) *jobNode {
	n := g.jobs[j]
	if n == nil {
		n = &jobNode{Job: j}
		g.jobs[j] = n
	}
	return n
}

// AddJob makes sure that the graph has a job that reads and writes these datasets, in addition to others.
func (g *Graph) AddJob(j Job, inputs, outputs []Dataset) {
	n := g.job(j)
	for _, d := range inputs {
		if ds := g.dataset(d); !slices.Contains(n.inputs, ds) {
			n.inputs = append(n.inputs, ds)
			ds.readers = append(ds.readers, n)
		}
	}
	for _, d := range outputs {
		if ds := g.dataset(d); !slices.Contains(n.outputs, ds) {
			n.outputs = append(n.outputs, ds)
			ds.writers = append(ds.writers, n)
		}
	}
}

// SetCheck says that a job checks data: it is no consumer of what it reads.
func (g *Graph) SetCheck(j Job) { g.job(j).check = true }

// AddCheck keeps what a check says of its dataset, unless a later run is known, and gives by how many failed assertions the graph has grown. Of two runs at one
// instant that with the greater id is the later.
func (g *Graph) AddCheck(c *Check) (grown int) {
	n := g.dataset(c.Dataset)
	if n.checks == nil {
		n.checks = make(map[Job]*Check, 1)
	}
	old := n.checks[c.Job]
	if old != nil {
		if old.Run != c.Run && (old.At.After(c.At) || old.At.Equal(c.At) && old.Run > c.Run) {
			return 0
		}
		grown = -len(old.Failed)
	}
	n.checks[c.Job] = c
	return grown + len(c.Failed)
}

// SetWritten says when a dataset was written; an earlier time than what is known changes nothing.
func (g *Graph) SetWritten(d Dataset, at time.Time) {
	if n := g.dataset(d); n.written.Before(at) {
		n.written = at
	}
}

// AddColumn says what a column is made from, and gives by how many inputs of columns the graph has grown.
func (g *Graph) AddColumn(c Column, from []Column) (grown int) {
	grown = len(from) - len(g.columns[c])
	g.columns[c] = from
	return grown
}

// SetColumnUnknown says that the source cannot tell what a column is made from.
func (g *Graph) SetColumnUnknown(c Column) { g.unknown[c] = true }

// Has says whether the graph has a dataset.
func (g *Graph) Has(d Dataset) bool { return g.datasets[d] != nil }

// Datasets are all datasets, in order.
func (g *Graph) Datasets() []Dataset {
	return slices.SortedFunc(maps.Keys(g.datasets), Dataset.Compare)
}

// Jobs are all jobs, in order.
func (g *Graph) Jobs() []Job { return slices.SortedFunc(maps.Keys(g.jobs), Job.Compare) }

// IsCheck says whether a job is known to check data.
func (g *Graph) IsCheck(j Job) bool { return g.jobs[j] != nil && g.jobs[j].check }

// Inputs and Outputs of a job.
func (g *Graph) Inputs(j Job) []Dataset {
	return names(g.jobs[j], func(n *jobNode) []*datasetNode { return n.inputs })
}

// Outputs are the datasets that a job writes.
func (g *Graph) Outputs(j Job) []Dataset {
	return names(g.jobs[j], func(n *jobNode) []*datasetNode { return n.outputs })
}

// Readers are the jobs that read a dataset, checks included.
func (g *Graph) Readers(d Dataset) (out []Job) {
	if n := g.datasets[d]; n != nil {
		for _, j := range n.readers {
			out = append(out, j.Job)
		}
	}
	slices.SortFunc(out, Job.Compare)
	return out
}

func names(n *jobNode, of func(*jobNode) []*datasetNode) (out []Dataset) {
	if n == nil {
		return nil
	}
	for _, d := range of(n) {
		out = append(out, d.Dataset)
	}
	slices.SortFunc(out, Dataset.Compare)
	return out
}

// Checks are what the checks of a dataset say, in the order of their jobs.
func (g *Graph) Checks(d Dataset) []*Check {
	if n := g.datasets[d]; n != nil {
		return n.sorted()
	}
	return nil
}

func (n *datasetNode) sorted() []*Check {
	return slices.SortedFunc(maps.Values(n.checks), func(a, b *Check) int { return a.Job.Compare(b.Job) })
}

// Written is when a dataset was last written; zero: not known.
func (g *Graph) Written(d Dataset) time.Time {
	if n := g.datasets[d]; n != nil {
		return n.written
	}
	return time.Time{}
}

// quality is what the checks that are no older than oldest say of a dataset.
func (n *datasetNode) quality(oldest time.Time) Quality {
	if n == nil || len(n.checks) == 0 {
		return NeverChecked
	}
	worst, last := Passed, time.Time{}
	for _, c := range n.checks {
		if c.At.Before(oldest) {
			continue
		}
		if c.At.After(last) {
			last = c.At
		}
		if w := c.Worst(); w.Reaches(Warned) && worst != Failed {
			worst = w
		}
	}
	if worst == Passed && (last.IsZero() || n.written.After(last)) {
		return Stale
	}
	return worst
}

// HasJob says whether the graph has a job.
func (g *Graph) HasJob(j Job) bool { return g.jobs[j] != nil }

// Rename calls a job by another name, under which it may be there too.
func (g *Graph) Rename(from, to Job) {
	n := g.jobs[from]
	delete(g.jobs, from)
	if g.jobs[to] == nil {
		n.Job = to
		g.jobs[to] = n
		return
	}
	for _, d := range n.inputs {
		d.readers = slices.DeleteFunc(d.readers, func(j *jobNode) bool { return j == n })
	}
	for _, d := range n.outputs {
		d.writers = slices.DeleteFunc(d.writers, func(j *jobNode) bool { return j == n })
	}
	g.AddJob(to, names(n, func(n *jobNode) []*datasetNode { return n.inputs }), names(n, func(n *jobNode) []*datasetNode { return n.outputs }))
}

// Depth is how many jobs away the farthest dataset on either side of one lies.
func (g *Graph) Depth(d Dataset) int {
	n := g.datasets[d]
	if n == nil {
		return 0
	}
	above, below := g.walk(n, up, MaxDepth), g.walk(n, down, MaxDepth)
	return max(above[len(above)-1].distance, below[len(below)-1].distance)
}
