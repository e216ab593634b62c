package lineage

import (
	"cmp"
	"context"
	"slices"
)

// Picture is a part of a graph, to be drawn: datasets with their quality, the jobs between them, and which way bad data go. Checks are no nodes of it; what
// they say stands at their datasets.
type Picture struct {
	Nodes []Node   `json:"nodes"` // in order of distance, then of name
	Edges []Edge   `json:"edges"`
	Notes []string `json:"notes"`
}

// Kind is what a node is.
type Kind string

// The kinds.
const (
	DatasetNode Kind = "dataset"
	JobNode     Kind = "job"
)

// Node is a dataset or a job.
type Node struct {
	ID        string   `json:"id"` // "dataset namespace name" or "job namespace name"
	Kind      Kind     `json:"kind"`
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Distance  int      `json:"distance"`          // jobs between it and the focus: negative for what it is made from, positive for what is made from it
	Quality   Quality  `json:"quality,omitempty"` // of a dataset
	Written   string   `json:"written,omitempty"` // of a dataset that was checked: when it was last written, RFC 3339; empty: not known
	Checks    []*Check `json:"checks,omitempty"`  // of a dataset
	Suspect   bool     `json:"suspect,omitempty"` // it is failed or warned, or made from what is
}

// Edge goes the way that the data go.
type Edge struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Suspect bool   `json:"suspect,omitempty"` // bad data go this way
}

// Around gives the graph around a dataset, at most depth jobs away on each side, with the quality of each dataset. The distance of a job is that of the farther
// of its datasets.
func Around(ctx context.Context, src Source, d Dataset, depth int, o Options) (*Picture, error) {
	both := func(g *Graph) []step {
		above, below := g.walk(g.datasets[d], up, depth), g.walk(g.datasets[d], down, depth)
		for i := range above {
			above[i].distance *= -1
		}
		seen := make(map[*datasetNode]bool)
		for _, s := range above {
			seen[s.node] = true
		}
		for _, s := range below {
			if !seen[s.node] {
				above = append(above, s)
			}
		}
		return above
	}
	g, err := known(ctx, src, d, WrittenAll, depth, func(g *Graph) []Dataset { return datasetsOf(both(g)) })
	if err != nil {
		return nil, err
	}
	if err := src.Tell(ctx, g, g.sinks(both(g))); err != nil {
		return nil, err
	}
	return g.picture(both(g), o), nil
}

// picture draws the datasets of steps and the jobs that touch only these, or read them and write nothing.
func (g *Graph) picture(steps []step, o Options) *Picture {
	out := &Picture{Nodes: []Node{}, Edges: []Edge{}, Notes: slices.Concat([]string{}, g.Notes)}
	distance := make(map[*datasetNode]int, len(steps))
	jobs := make(map[*jobNode]bool)
	for _, s := range steps {
		distance[s.node] = s.distance
		n := Node{ID: s.node.id(), Kind: DatasetNode, Namespace: s.node.Namespace, Name: s.node.Name, Distance: s.distance, Quality: s.node.quality(o.oldest()),
			Checks: s.node.sorted()}
		if len(n.Checks) > 0 {
			n.Written = Text(s.node.written)
		}
		n.Suspect = n.Quality.Reaches(Warned)
		out.Nodes = append(out.Nodes, n)
	}
	for _, s := range steps {
		for _, j := range slices.Concat(s.node.writers, s.node.readers) {
			if !j.check && j.within(distance) {
				jobs[j] = true
			}
		}
	}
	for j := range jobs {
		out.Nodes = append(out.Nodes, Node{ID: j.id(), Kind: JobNode, Namespace: j.Namespace, Name: j.Name, Distance: j.farthest(distance)})
		for _, d := range j.inputs {
			if _, ok := distance[d]; ok {
				out.Edges = append(out.Edges, Edge{From: d.id(), To: j.id()})
			}
		}
		for _, d := range j.outputs {
			if _, ok := distance[d]; ok {
				out.Edges = append(out.Edges, Edge{From: j.id(), To: d.id()})
			}
		}
	}
	slices.SortFunc(out.Nodes, func(a, b Node) int { return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(out.Edges, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	out.spread()
	return out
}

// within says whether a job belongs to a picture: it leads from one of its datasets to another, or it only writes, or it only reads and stands
// on the far side: what else reads the data that the focus is made from is another story.
func (j *jobNode) within(distance map[*datasetNode]int) bool {
	in := func(d *datasetNode) bool { _, ok := distance[d]; return ok }
	if len(j.outputs) == 0 {
		return slices.ContainsFunc(j.inputs, func(d *datasetNode) bool { return in(d) && distance[d] >= 0 })
	}
	return slices.ContainsFunc(j.outputs, in) && (len(j.inputs) == 0 || slices.ContainsFunc(j.inputs, in))
}

// farthest is the distance of that of a job's datasets which lies farthest from the focus.
func (j *jobNode) farthest(distance map[*datasetNode]int) (far int) {
	size := func(n int) int { return max(n, -n) }
	for _, d := range slices.Concat(j.inputs, j.outputs) {
		if at, ok := distance[d]; ok && (size(at) > size(far) || size(at) == size(far) && at > far) {
			far = at
		}
	}
	return far
}

// spread marks what bad data reach.
func (p *Picture) spread() {
	at := make(map[string]*Node, len(p.Nodes))
	next := make(map[string][]*Edge)
	var queue []string
	for i := range p.Nodes {
		at[p.Nodes[i].ID] = &p.Nodes[i]
		if p.Nodes[i].Suspect {
			queue = append(queue, p.Nodes[i].ID)
		}
	}
	for i := range p.Edges {
		next[p.Edges[i].From] = append(next[p.Edges[i].From], &p.Edges[i])
	}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		for _, e := range next[id] {
			e.Suspect = true
			if to := at[e.To]; !to.Suspect {
				to.Suspect = true
				queue = append(queue, e.To)
			}
		}
	}
}

func (n *datasetNode) id() string { return "dataset " + n.String() }
func (j *jobNode) id() string     { return "job " + j.String() }
