package web

import (
	"cmp"
	"slices"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// nearby orders a picture's nodes so that the first of them make a picture that holds together: each job stands behind a dataset of its own, and its other
// datasets behind it. The nearest come first, and among these the ones that are not well.
func nearby(p *lineage.Picture) []lineage.Node {
	w := walk{nodes: slices.Clone(p.Nodes), at: make(map[string]int, len(p.Nodes)), taken: make([]bool, len(p.Nodes))}
	far := func(n *lineage.Node) int { return max(n.Distance, -n.Distance) }
	slices.SortStableFunc(w.nodes, func(a, b lineage.Node) int {
		return cmp.Or(cmp.Compare(far(&a), far(&b)), cmp.Compare(unwell(&a), unwell(&b)))
	})
	for i := range w.nodes {
		w.at[w.nodes[i].ID] = i
	}
	w.beside = make([][]int, len(w.nodes))
	for _, e := range p.Edges {
		from, ok1 := w.at[e.From]
		to, ok2 := w.at[e.To]
		if ok1 && ok2 {
			w.beside[from], w.beside[to] = append(w.beside[from], to), append(w.beside[to], from)
		}
	}
	for i := range w.beside {
		slices.Sort(w.beside[i])
	}
	for i := range w.nodes { // all of them at last: also what is linked to nothing
		w.from(i)
	}
	return w.out
}

// unwell is 0 for what failed or warned, 1 for the others.
func unwell(n *lineage.Node) int {
	if n.Quality.Reaches(lineage.Warned) {
		return 0
	}
	return 1
}

// walk goes from node to node.
type walk struct {
	nodes  []lineage.Node // in the order in which they are wanted
	at     map[string]int // their places, by id
	beside [][]int        // what each is linked to
	taken  []bool
	out    []lineage.Node
	queue  []int
}

func (w *walk) take(i int) bool {
	if w.taken[i] {
		return false
	}
	w.taken[i] = true
	w.out = append(w.out, w.nodes[i])
	w.queue = append(w.queue, i)
	return true
}

// from takes a node and all that can be reached from it: dataset by dataset, each with its jobs, and each job with the datasets that it links to.
func (w *walk) from(i int) {
	w.take(i)
	for len(w.queue) > 0 {
		at := w.queue[0]
		w.queue = w.queue[1:]
		jobs := w.beside[at]
		if w.nodes[at].Kind == lineage.DatasetNode {
			jobs = w.wanted(jobs)
		}
		for _, job := range jobs {
			if w.take(job) && w.nodes[job].Kind == lineage.JobNode {
				for _, d := range w.beside[job] {
					w.take(d)
				}
			}
		}
	}
}

// wanted are the jobs that are not taken yet, by the first of the other datasets that each links to.
func (w *walk) wanted(jobs []int) []int {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(job int) bool { return w.taken[job] })
	first := make(map[int]int, len(jobs))
	for _, job := range jobs {
		first[job] = len(w.nodes)
		for _, d := range w.beside[job] {
			if !w.taken[d] {
				first[job] = d
				break
			}
		}
	}
	slices.SortStableFunc(jobs, func(a, b int) int { return cmp.Compare(first[a], first[b]) })
	return jobs
}
