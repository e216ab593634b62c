package lineage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// grouping collects failed assertions by what they share.
type grouping struct {
	failed []Finding
	groups map[groupKey]*Group
}

type groupKey struct {
	shared Shared
	value  string
}

// add puts the finding at i into a group; far is how far what is shared lies from it.
func (gr *grouping) add(shared Shared, value string, i, far int) *Group {
	key := groupKey{shared, value}
	grp := gr.groups[key]
	if grp == nil {
		grp = &Group{Shared: shared, Value: value, Of: len(gr.failed)}
		gr.groups[key] = grp
	}
	if n := len(grp.Findings); n == 0 || grp.Findings[n-1] != i {
		grp.Findings = append(grp.Findings, i)
		grp.far += far
	}
	return grp
}

// groups are what failed assertions share: groups of two and more, the greatest first.
func (g *Graph) groups(failed []Finding) []Group {
	gr := &grouping{failed: failed, groups: make(map[groupKey]*Group)}
	gr.byNames()
	g.byUpstream(gr)
	g.byColumn(gr)
	gr.byTime()
	out := gr.kept()
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(slices.Index(sharedOrder, a.Shared), slices.Index(sharedOrder, b.Shared)), cmp.Compare(a.Value, b.Value))
	})
	return out
}

func (gr *grouping) byNames() {
	for i, f := range gr.failed {
		gr.add(SharedExpectation, f.Type, i, 0)
		if f.Suite != "" {
			gr.add(SharedSuite, f.Suite, i, 0)
		}
		if f.Column != "" {
			gr.add(SharedColumn, f.Column, i, 0)
		}
		if f.Parent != nil {
			gr.add(SharedParentRun, f.Parent.Namespace+" "+f.Parent.Name+" "+f.Parent.ID, i, 0).Run = f.Parent
		}
		if f.Root != nil {
			gr.add(SharedRootRun, f.Root.Namespace+" "+f.Root.Name+" "+f.Root.ID, i, 0).Run = f.Root
		}
	}
}

// byUpstream groups by every dataset that theirs are made from, their own among them.
func (g *Graph) byUpstream(gr *grouping) {
	walked := make(map[Dataset][]step)
	for i, f := range gr.failed {
		steps, ok := walked[f.Dataset]
		if !ok {
			steps = g.walk(g.datasets[f.Dataset], up, MaxDepth)
			walked[f.Dataset] = steps
		}
		for _, s := range steps {
			grp := gr.add(SharedUpstream, s.node.String(), i, s.distance)
			grp.Dataset = &s.node.Dataset
		}
	}
}

// byColumn groups by every column that theirs are made from, their own among them.
func (g *Graph) byColumn(gr *grouping) {
	untold := 0
	for i, f := range gr.failed {
		if f.Column == "" {
			continue
		}
		own := Column{f.Dataset, f.Column}
		if g.unknown[own] {
			untold++
		}
		for at, far := range g.madeFrom(own) {
			grp := gr.add(SharedColumnLineage, at.Dataset.String()+":"+at.Column, i, far)
			grp.Dataset = &at.Dataset
		}
	}
	if untold > 0 {
		g.Note(fmt.Sprintf("of %d failed assertions the source cannot tell what their column is made from", untold))
	}
}

// madeFrom are the columns that a column is made from, itself among them, and how far each lies.
func (g *Graph) madeFrom(c Column) map[Column]int {
	far := map[Column]int{c: 0}
	queue := []Column{c}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range g.columns[at] {
			if _, ok := far[next]; !ok {
				far[next] = far[at] + 1
				queue = append(queue, next)
			}
		}
	}
	return far
}

// window is how far apart in time failures of one window are.
const window = time.Minute

// byTime puts together what failed within a minute, the fullest minute first. The findings are in order of time.
func (gr *grouping) byTime() {
	left := make([]int, len(gr.failed)) // places, the earliest first
	for i := range left {
		left[i] = len(left) - 1 - i
	}
	for len(left) > 1 {
		from, to := fullest(left, gr.failed)
		if to-from < 2 {
			return
		}
		first, last := gr.failed[left[from]].at.UTC(), gr.failed[left[to-1]].at.UTC()
		value := first.Format("2006-01-02 15:04:05") + " – " + last.Format("15:04:05")
		if first.Truncate(time.Second).Equal(last.Truncate(time.Second)) {
			value = first.Format("2006-01-02 15:04:05")
		}
		members := slices.Clone(left[from:to])
		slices.Sort(members)
		for _, i := range members {
			gr.add(SharedTime, value, i, 0)
		}
		left = slices.Delete(left, from, to)
	}
}

// fullest is the span of the window with the most of them.
func fullest(left []int, failed []Finding) (from, to int) {
	end := 0
	for start := range left {
		for end < len(left) && failed[left[end]].at.Sub(failed[left[start]].at) <= window {
			end++
		}
		if end-start > to-from {
			from, to = start, end
		}
	}
	return from, to
}

// kept are the groups of two and more; of the datasets, or columns, that the same assertions are made from, the nearest.
func (gr *grouping) kept() (out []Group) {
	nearest := make(map[groupKey]*Group)
	for key, grp := range gr.groups {
		if len(grp.Findings) < 2 {
			continue
		}
		if key.shared == SharedUpstream || key.shared == SharedColumnLineage {
			key.value = fmt.Sprint(grp.Findings)
		}
		old := nearest[key]
		if old == nil || cmp.Or(cmp.Compare(grp.far, old.far), cmp.Compare(grp.Value, old.Value)) < 0 {
			nearest[key] = grp
		}
	}
	for _, grp := range nearest {
		grp.Count = len(grp.Findings)
		grp.Text = grp.sentence()
		out = append(out, *grp)
	}
	return out
}

// sentence says what the group shares.
func (grp *Group) sentence() string {
	share := fmt.Sprintf("%d of %d ", grp.Count, grp.Of)
	switch grp.Shared {
	case SharedUpstream:
		if grp.far == 0 {
			return share + "are of " + grp.Dataset.Name
		}
		return share + "descend from " + grp.Dataset.Name
	case SharedColumnLineage:
		column := grp.Dataset.Name + strings.TrimPrefix(grp.Value, grp.Dataset.String())
		if grp.far == 0 {
			return share + "are of the column " + column
		}
		return share + "derive from the column " + column
	case SharedRootRun:
		return share + "have the root run " + grp.Run.Name + " " + grp.Run.ID
	case SharedParentRun:
		return share + "have the parent run " + grp.Run.Name + " " + grp.Run.ID
	case SharedColumn:
		return share + "are of a column " + grp.Value
	case SharedExpectation:
		return share + "are " + grp.Value
	case SharedSuite:
		return share + "are in the suite " + grp.Value
	}
	return share + "failed within a minute, " + grp.Value
}
