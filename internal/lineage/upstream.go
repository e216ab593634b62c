package lineage

import (
	"cmp"
	"context"
	"slices"
)

// UpstreamAnswer is what fails in the data that a dataset is made from, the dataset itself included.
type UpstreamAnswer struct {
	Dataset  Dataset   `json:"dataset"`
	Quality  Quality   `json:"quality"`  // the worst of all Datasets
	Datasets []State   `json:"datasets"` // all that it is made from, itself first, the nearest first
	Failed   []Finding `json:"failed"`   // the nearest first, of one distance errors before warnings, the latest first
	Notes    []string  `json:"notes"`    // what the source could not say

	Picture *Picture `json:"-"` // the same as a graph
}

// Upstream gives every failed assertion in the datasets that a dataset is made from. need is WrittenAll where it matters which of them are stale.
func Upstream(ctx context.Context, src Source, d Dataset, need Need, o Options) (*UpstreamAnswer, error) {
	if o.Drawn {
		need = WrittenAll
	}
	g, err := known(ctx, src, d, need, MaxDepth, func(g *Graph) []Dataset { return datasetsOf(g.walk(g.datasets[d], up, MaxDepth)) })
	if err != nil {
		return nil, err
	}
	steps := g.walk(g.datasets[d], up, MaxDepth)
	out := &UpstreamAnswer{Dataset: d, Failed: []Finding{}, Notes: slices.Concat([]string{}, g.Notes)}
	for _, s := range steps {
		out.Datasets = append(out.Datasets, State{s.node.Dataset, s.distance, s.node.quality(o.oldest())})
		out.Failed = append(out.Failed, s.node.findings(s.distance, o.oldest())...)
	}
	out.Quality = worstOf(out.Datasets)
	slices.SortStableFunc(out.Datasets, func(a, b State) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), a.Dataset.Compare(b.Dataset))
	})
	slices.SortStableFunc(out.Failed, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Severity, b.Severity), b.at.Compare(a.at), a.Dataset.Compare(b.Dataset), a.Check.Compare(b.Check))
	})
	for i := range steps {
		steps[i].distance *= -1
	}
	out.Picture = g.picture(steps, o)
	return out, nil
}
