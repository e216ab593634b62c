package lineage

// direction is which way a walk goes.
type direction bool

const (
	up   direction = false // to what a dataset is made from
	down direction = true  // to what is made from it
)

// step is a dataset that a walk met.
type step struct {
	node     *datasetNode
	distance int // jobs between it and the start
}

// walk gives the datasets on one side of a start, itself first, the nearest first, at most depth jobs away. Checks are no way.
func (g *Graph) walk(start *datasetNode, to direction, depth int) []step {
	out := []step{{start, 0}}
	seen := map[*datasetNode]bool{start: true}
	for i := 0; i < len(out); i++ {
		at := out[i]
		if at.distance == depth {
			break
		}
		for _, next := range at.node.next(to) {
			if !seen[next] {
				seen[next] = true
				out = append(out, step{next, at.distance + 1})
			}
		}
	}
	return out
}

// next are the datasets one job away.
func (n *datasetNode) next(to direction) (out []*datasetNode) {
	jobs := n.writers
	if to == down {
		jobs = n.readers
	}
	for _, j := range jobs {
		if to == down {
			out = append(out, j.outputs...)
		} else {
			out = append(out, j.inputs...)
		}
	}
	return out
}

func datasetsOf(steps []step) []Dataset {
	out := make([]Dataset, len(steps))
	for i, s := range steps {
		out[i] = s.node.Dataset
	}
	return out
}
