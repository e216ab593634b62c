package seen

import (
	"slices"
	"unique"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// nulls are the null counts of a dataset's runs, in one piece. Those of a run have the number of its slot in the ring.
type nulls struct {
	sets   []columns // that runs have: mostly all of them the same
	width  int       // counts that a slot has room for
	counts []int64
	bytes  int // of sets
}

// columns are those of which null counts are known.
type columns struct {
	names []string // never changes: who asks has it too
	uses  int      // runs that have it
}

// columnsID is a place in nulls.sets, from 1 on; 0: no null counts are known.
type columnsID byte

const columnBytes = 16 // what a column takes beside its name

// put gives the run in a slot its counts. There are so many slots.
func (n *nulls) put(of []openlineage.Nulls, slot, slots int) columnsID {
	if len(of) == 0 {
		return 0
	}
	set := slices.IndexFunc(n.sets, func(c columns) bool { return c.are(of) })
	if set < 0 {
		set = n.add(of)
	}
	n.sets[set].uses++
	if len(of) > n.width || len(n.counts) < slots*n.width {
		n.resize(max(len(of), n.width), slots, func(slot int) int { return slot })
	}
	room := n.counts[slot*n.width:]
	for i := range of {
		room[i] = of[i].Count
	}
	return columnsID(set + 1)
}

func (c *columns) are(of []openlineage.Nulls) bool {
	if len(c.names) != len(of) {
		return false
	}
	for i := range of {
		if c.names[i] != bounded(of[i].Column) {
			return false
		}
	}
	return true
}

// add takes a set of columns, in place of one that no run has any more.
func (n *nulls) add(of []openlineage.Nulls) (set int) {
	own := columns{names: make([]string, len(of))}
	for i := range of {
		own.names[i] = unique.Make(bounded(of[i].Column)).Value() // where the mapper's is the same one, it is compared without being read
	}
	n.bytes += own.bytes()
	if set = slices.IndexFunc(n.sets, func(c columns) bool { return c.uses == 0 }); set >= 0 {
		n.sets[set] = own
		return set
	}
	n.sets = append(n.sets, own)
	return len(n.sets) - 1
}

func (c *columns) bytes() (bytes int) {
	for _, name := range c.names {
		bytes += columnBytes + len(name)
	}
	return bytes
}

// drop is told that a run is forgotten.
func (n *nulls) drop(id columnsID) {
	if id == 0 {
		return
	}
	one := &n.sets[id-1]
	if one.uses--; one.uses == 0 {
		n.bytes -= one.bytes()
		*one = columns{}
	}
}

// resize makes room for so many slots; from is where the counts of each of them are now.
func (n *nulls) resize(width, slots int, from func(slot int) int) {
	made := make([]int64, slots*width)
	for slot := range slots {
		if old := from(slot) * n.width; old < len(n.counts) {
			copy(made[slot*width:(slot+1)*width], n.counts[old:old+n.width])
		}
	}
	n.width, n.counts = width, made
}

// longest is the width that is needed.
func (n *nulls) longest() (width int) {
	for i := range n.sets {
		width = max(width, len(n.sets[i].names))
	}
	return width
}

// of are the counts of the run in a slot.
func (n *nulls) of(id columnsID, slot int) nullCounts {
	if id == 0 {
		return nullCounts{}
	}
	names := n.sets[id-1].names
	return nullCounts{names, slices.Clone(n.counts[slot*n.width:][:len(names)])}
}

// nullCounts are null counts of columns.
type nullCounts struct {
	columns []string
	counts  []int64
}

// Nulls are the null counts of its columns, as far as they are known: of a run that Dataset gave.
func (r Run) Nulls() []openlineage.Nulls {
	out := make([]openlineage.Nulls, len(r.nulls.counts))
	for i, n := range r.nulls.counts {
		out[i] = openlineage.Nulls{Column: r.nulls.columns[i], Count: n}
	}
	return out
}
