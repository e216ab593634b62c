package lineage

import (
	"cmp"
	"context"
	"slices"
)

// ConsumersAnswer is who reads data that are known to be bad.
type ConsumersAnswer struct {
	Dataset   *Dataset   `json:"dataset,omitempty"` // that was asked about; nil: all
	Quality   Quality    `json:"quality"`           // the worst of Bad; of the dataset that was asked about, if that is not bad
	Bad       []Bad      `json:"bad"`               // the datasets whose latest check failed, the worst first, then by name
	Consumers []Consumer `json:"consumers"`         // the nearest first, then by name
	Notes     []string   `json:"notes"`

	Picture *Picture `json:"-"` // the bad datasets, their consumers, and the way between them
}

// Bad is a dataset whose latest check failed.
type Bad struct {
	Dataset Dataset   `json:"dataset"`
	Quality Quality   `json:"quality"` // Failed or Warned
	Failed  []Finding `json:"failed"`
}

// Consumer is a job that reads bad data, and is no check.
type Consumer struct {
	Job     Job       `json:"job"`
	Through int       `json:"through"` // the least number of datasets between it and bad data; 0: it reads them directly
	Reads   []Reading `json:"reads"`   // the bad datasets that reach it, the nearest first; at most mostReadings
	Bad     int       `json:"bad"`     // how many bad datasets reach it
	Writes  []Dataset `json:"writes"`

	last Dataset // the bad dataset whose ways were walked last
}

// Reading is how bad data reach a job.
type Reading struct {
	Dataset Dataset `json:"dataset"`
	Quality Quality `json:"quality"`
	Through int     `json:"through"` // how many datasets lie between; 0: the job reads it directly
}

const mostReadings = 20

// Consumers gives the jobs that read data whose latest check failed, directly or through other datasets: of one dataset, or with nil of all.
func Consumers(ctx context.Context, src Source, d *Dataset, o Options) (*ConsumersAnswer, error) {
	g, err := consumersGraph(ctx, src, d, o)
	if err != nil {
		return nil, err
	}
	out := &ConsumersAnswer{Dataset: d, Quality: NeverChecked, Bad: []Bad{}, Consumers: []Consumer{}, Notes: slices.Concat([]string{}, g.Notes)}
	asked := g.Datasets()
	if d != nil {
		asked = []Dataset{*d}
	}
	states := make([]State, 0, len(asked))
	for _, name := range asked {
		n := g.datasets[name]
		q := n.quality(o.oldest())
		states = append(states, State{Dataset: name, Quality: q})
		if q.Reaches(Warned) {
			out.Bad = append(out.Bad, Bad{name, q, n.findings(0, o.oldest())})
		}
	}
	out.Quality = worstOf(states)
	slices.SortStableFunc(out.Bad, func(a, b Bad) int { return cmp.Compare(a.Quality, b.Quality) }) // failed, warned
	var steps []step
	out.Consumers, steps = g.consumers(out.Bad)
	if o.Drawn {
		if err := src.Judge(ctx, g, datasetsOf(steps), WrittenAll); err != nil {
			return nil, err
		}
	}
	out.Picture = g.picture(steps, o)
	return out, nil
}

// consumersGraph is as much of the graph as the question needs.
func consumersGraph(ctx context.Context, src Source, d *Dataset, o Options) (*Graph, error) {
	if d == nil {
		return src.All(ctx)
	}
	g, err := known(ctx, src, *d, WrittenFailed, MaxDepth, func(*Graph) []Dataset { return []Dataset{*d} })
	if err != nil || !g.datasets[*d].quality(o.oldest()).Reaches(Warned) {
		return g, err
	}
	return g, src.Tell(ctx, g, g.sinks(g.walk(g.datasets[*d], down, MaxDepth)))
}

// sinks are the jobs that read one of the datasets and write nothing: they may be checks.
func (g *Graph) sinks(steps []step) (out []Job) {
	seen := make(map[*jobNode]bool)
	for _, s := range steps {
		for _, j := range s.node.readers {
			if len(j.outputs) == 0 && !j.check && !seen[j] {
				seen[j] = true
				out = append(out, j.Job)
			}
		}
	}
	return out
}

// consumers walks from each bad dataset to whoever reads it, and gives the datasets on the way too.
func (g *Graph) consumers(bad []Bad) ([]Consumer, []step) {
	found := make(map[*jobNode]*Consumer)
	met := make(map[*datasetNode]int) // → the least distance
	for _, b := range bad {
		for _, s := range g.walk(g.datasets[b.Dataset], down, MaxDepth) {
			if at, ok := met[s.node]; !ok || s.distance < at {
				met[s.node] = s.distance
			}
			for _, j := range s.node.readers {
				if !j.check {
					found[j] = found[j].reads(j, Reading{b.Dataset, b.Quality, s.distance})
				}
			}
		}
	}
	out := make([]Consumer, 0, len(found))
	for _, c := range found {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Consumer) int { return cmp.Or(cmp.Compare(a.Through, b.Through), a.Job.Compare(b.Job)) })
	steps := make([]step, 0, len(met))
	for n, at := range met {
		steps = append(steps, step{n, at})
	}
	return out, steps
}

// reads adds a bad dataset that reaches a job. A job may be met several times on the ways from one: the first is the nearest.
func (c *Consumer) reads(j *jobNode, r Reading) *Consumer {
	if c == nil {
		c = &Consumer{Job: j.Job, Through: r.Through, Reads: []Reading{}, Writes: []Dataset{}}
		for _, d := range j.outputs {
			c.Writes = append(c.Writes, d.Dataset)
		}
		slices.SortFunc(c.Writes, Dataset.Compare)
	}
	if c.last == r.Dataset && c.Bad > 0 {
		return c
	}
	c.last = r.Dataset
	c.Bad++
	c.Through = min(c.Through, r.Through)
	at, _ := slices.BinarySearchFunc(c.Reads, r, func(x, y Reading) int { return cmp.Or(cmp.Compare(x.Through, y.Through), x.Dataset.Compare(y.Dataset)) })
	if c.Reads = slices.Insert(c.Reads, at, r); len(c.Reads) > mostReadings {
		c.Reads = c.Reads[:mostReadings]
	}
	return c
}
