package dlq

import (
	"cmp"
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Outcome is what a replay or discard did with a letter.
type Outcome string

// The outcomes. After the first four the letter is settled, after the others it is as it was.
const (
	ReplayedOutcome Outcome = "replayed"
	BuriedAgain     Outcome = "buried_again" // the pipeline refused it again; there is a new letter, and this one is settled
	InQuarantine    Outcome = "quarantined"  // it was replayed too often
	DiscardedNow    Outcome = "discarded"
	Gone            Outcome = "gone"      // a reference letter whose original is not retained any more
	TooLarge        Outcome = "too_large" // its topic does not take it
	NoSource        Outcome = "no_source" // its source topic is not named, or does not exist
	Stale           Outcome = "stale"     // the backend has a newer result of its dataset
)

// Deliver takes records, of one partition and in order, through the pipeline, and answers for each. It may wait as long as
// the destinations are away, and returns when ctx ends.
type Deliver func(ctx context.Context, recs []*kgo.Record) []Delivered

// Delivered is what became of one record.
type Delivered struct {
	Settled bool               // delivered, or refused for good; else ctx ended first
	Refused *deadletter.Letter // what its new letter says; nil: delivered
}

// Plan is which letters are replayed, and how.
type Plan struct {
	Filter         Filter
	Limit          int                                                                    // so many letters at most; 0: all
	MaxReplays     int                                                                    // a letter that was replayed so often goes to quarantine; 0: never
	Rate           float64                                                                // letters a second; 0: as fast as it goes
	Deliver        Deliver                                                                // nil: back to the source topic
	Backend        string                                                                 // with Deliver: its name, for ledger and audit
	ConnectHeaders bool                                                                   // with Deliver: new letters carry Kafka Connect's headers too
	Newer          func(ctx context.Context, rec *kgo.Record) (warning string, err error) // says that the backend has a newer result; nil: nobody can tell
	SkipStale      bool                                                                   // leave those where they are
	Each           func(Audit)                                                            // is told of each letter when its transaction is over
}

// Letters are those that the plan replays, in the order in which it does: that of the topic, but letters of one source topic and key in the
// order of their records. (A letter that was buried again lies behind younger ones of its key.)
func (p *Plan) Letters(ix *Index) []*Letter {
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
		letters := make([]*Letter, len(at))
		for i, slot := range at {
			letters[i] = chosen[slot]
		}
		slices.SortStableFunc(letters, func(a, b *Letter) int {
			return cmp.Or(cmp.Compare(a.Said.Partition, b.Said.Partition), cmp.Compare(a.Said.Offset, b.Said.Offset))
		})
		for i, slot := range at {
			out[slot] = letters[i]
		}
	}
	if p.Limit > 0 && len(out) > p.Limit {
		out = out[:p.Limit]
	}
	return out
}

// Quarantines says whether the plan puts l aside instead of replaying it.
func (p *Plan) Quarantines(l *Letter) bool { return p.MaxReplays > 0 && l.Said.Replays >= p.MaxReplays }
