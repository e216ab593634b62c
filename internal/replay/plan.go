// Package replay is what a replay of dead letters is: which letters go, in which order and how fast, and where to: back to the source topic, exactly once, or
// through the pipeline to its destinations, at least once. What is settled is written by package dlq, in the transaction that settles it.
package replay

import (
	"cmp"
	"slices"

	"github.com/gx-ol/gx-ol/internal/dlq"
)

// Plan is which letters are replayed, and how.
type Plan struct {
	Filter     dlq.Filter
	Limit      int             // so many letters at most; 0: all
	MaxReplays int             // a letter that was replayed so often goes to quarantine; 0: never
	Rate       float64         // letters a second; 0: as fast as it goes
	Through    *Through        // the pipeline; nil: back to the source topic
	Stale      *Stale          // asks for later results; nil: nobody can tell
	Each       func(dlq.Audit) // is told of each letter when its transaction is over
}

// Letters are those that the plan replays, in the order in which it does: that of the topic, but letters of one source topic and key in the
// order of their records. (A letter that was buried again lies behind younger ones of its key.)
func (p *Plan) Letters(ix *dlq.Index) []*dlq.Letter {
	f := p.Filter
	f.All = false // what is settled is never replayed
	chosen := ix.Choose(f)
	type lane struct{ topic, key string }
	slots := make(map[lane][]int)
	for i, l := range chosen {
		if l.Key != nil && l.Said.Topic != "" {
			k := lane{l.Said.Topic, string(l.Key)}
			slots[k] = append(slots[k], i)
		}
	}
	out := slices.Clone(chosen)
	for _, at := range slots {
		letters := make([]*dlq.Letter, len(at))
		for i, slot := range at {
			letters[i] = chosen[slot]
		}
		slices.SortStableFunc(letters, inOrder)
		for i, slot := range at {
			out[slot] = letters[i]
		}
	}
	if p.Limit > 0 && len(out) > p.Limit {
		out = out[:p.Limit]
	}
	return out
}

// inOrder compares letters by where their records were read first.
func inOrder(a, b *dlq.Letter) int {
	x, y := a.First(), b.First()
	return cmp.Or(cmp.Compare(x.Partition, y.Partition), cmp.Compare(x.Offset, y.Offset))
}

// Quarantines says whether the plan puts l aside instead of replaying it.
func (p *Plan) Quarantines(l *dlq.Letter) bool {
	return p.MaxReplays > 0 && l.Said.Replays >= p.MaxReplays
}
