package lineage

import (
	"cmp"
	"context"
	"slices"
)

// CommonAnswer is what failed assertions share.
type CommonAnswer struct {
	Since  string    `json:"since,omitempty"` // only what failed since; RFC 3339
	Failed []Finding `json:"failed"`          // the latest first
	Groups []Group   `json:"groups"`          // what explains most of them first
	Notes  []string  `json:"notes"`

	Quality Quality  `json:"quality"` // Failed or Warned; Passed if nothing failed
	Picture *Picture `json:"-"`       // the datasets that failed and what they are made from
}

// Shared is what a group of failed assertions has in common.
type Shared string

// What can be shared, in the order in which groups of one size stand: the more it explains, the earlier.
const (
	SharedUpstream      Shared = "upstream dataset" // the nearest that all of them have
	SharedColumnLineage Shared = "column lineage"   // a column that all their columns are made from, the nearest
	SharedRootRun       Shared = "root run"
	SharedParentRun     Shared = "parent run"
	SharedColumn        Shared = "column" // a column of that name
	SharedExpectation   Shared = "expectation"
	SharedSuite         Shared = "suite"
	SharedTime          Shared = "time window" // they failed within a minute
)

var sharedOrder = []Shared{SharedUpstream, SharedColumnLineage, SharedRootRun, SharedParentRun, SharedColumn, SharedExpectation, SharedSuite, SharedTime}

// Group is failed assertions that share something; there are two of them or more.
type Group struct {
	Shared   Shared `json:"shared"`
	Value    string `json:"value"`    // what they share: a dataset, "dataset:column", a run, a name, or a span of time
	Count    int    `json:"count"`    // how many of
	Of       int    `json:"of"`       // all that failed
	Text     string `json:"text"`     // the same as a sentence: "11 of 14 descend from raw.orders"
	Findings []int  `json:"findings"` // their places in Failed

	Dataset *Dataset `json:"dataset,omitempty"` // of SharedUpstream and SharedColumnLineage
	Run     *Run     `json:"run,omitempty"`     // of SharedRootRun and SharedParentRun

	far int // the sum of the distances to what is shared
}

// Common groups the failed assertions of all checks by what they share.
func Common(ctx context.Context, src Source, o Options) (*CommonAnswer, error) {
	g, err := src.All(ctx)
	if err != nil {
		return nil, err
	}
	since := ago(o.Now, o.Since)
	out := &CommonAnswer{Since: Text(since), Failed: []Finding{}, Groups: []Group{}, Quality: Passed}
	oldest := o.oldest()
	if since.After(oldest) {
		oldest = since
	}
	for _, d := range g.Datasets() {
		out.Failed = append(out.Failed, g.datasets[d].findings(0, oldest)...)
	}
	slices.SortStableFunc(out.Failed, func(a, b Finding) int { return b.at.Compare(a.at) })
	for _, f := range out.Failed {
		if f.Severity != Warn {
			out.Quality = Failed
		} else if out.Quality == Passed {
			out.Quality = Warned
		}
	}
	if columns := columnsOf(out.Failed); len(out.Failed) > 1 && len(columns) > 0 {
		if err := src.Columns(ctx, g, columns); err != nil {
			return nil, err
		}
	}
	out.Groups = g.groups(out.Failed)
	out.Notes = slices.Concat([]string{}, g.Notes)
	steps := g.causes(out.Failed)
	if o.Drawn {
		if err := src.Judge(ctx, g, datasetsOf(steps), WrittenAll); err != nil {
			return nil, err
		}
	}
	out.Picture = g.picture(steps, o)
	return out, nil
}

// columnsOf are the columns of failed assertions, each once.
func columnsOf(failed []Finding) (out []Column) {
	seen := make(map[Column]bool)
	for _, f := range failed {
		if c := (Column{f.Dataset, f.Column}); f.Column != "" && !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}

// causes are the datasets that failed and all that they are made from.
func (g *Graph) causes(failed []Finding) (steps []step) {
	met := make(map[*datasetNode]int)
	done := make(map[Dataset]bool)
	for _, f := range failed {
		if done[f.Dataset] {
			continue
		}
		done[f.Dataset] = true
		for _, s := range g.walk(g.datasets[f.Dataset], up, MaxDepth) {
			if at, ok := met[s.node]; !ok || -s.distance > at {
				met[s.node] = -s.distance
			}
		}
	}
	for n, at := range met {
		steps = append(steps, step{n, at - 1}) // none of them is a place whose readers belong to the picture
	}
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(b.distance, a.distance), a.node.Compare(b.node.Dataset))
	})
	return steps
}
