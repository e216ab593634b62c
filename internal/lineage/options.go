package lineage

import (
	"context"
	"slices"
	"time"
)

// Options are what all questions take.
type Options struct {
	Now    time.Time     // what MaxAge and Since count from
	MaxAge time.Duration // a check that is older says nothing: neither that its dataset is bad nor that it is good; 0: any age counts
	Since  time.Duration // Common: only what failed so lately; 0: all
	Drawn  bool          // the answer's Picture is wanted with all that it can tell: which datasets are stale takes a backend further questions
}

// oldest is the time before which a check says nothing.
func (o Options) oldest() time.Time { return ago(o.Now, o.MaxAge) }

func ago(now time.Time, age time.Duration) time.Time {
	if age <= 0 {
		return time.Time{}
	}
	return now.Add(-age)
}

// Finding is a failed assertion.
type Finding struct {
	Dataset  Dataset `json:"dataset"`
	Distance int     `json:"distance"` // Upstream: how many jobs lie between it and the dataset that was asked about; 0: it is that dataset
	Check    Job     `json:"check"`
	Run      string  `json:"run"`
	Suite    string  `json:"suite,omitempty"`
	At       string  `json:"at"` // RFC 3339, UTC
	Assertion
	Parent       *Run   `json:"parent,omitempty"`
	Root         *Run   `json:"root,omitempty"`
	WrittenSince string `json:"written_since,omitempty"` // when the dataset was written again, after this check and not checked again by it; RFC 3339

	at time.Time
}

// findings are the failed assertions of a dataset by checks that are no older than oldest.
func (n *datasetNode) findings(distance int, oldest time.Time) (out []Finding) {
	for _, c := range n.sorted() {
		if c.At.Before(oldest) {
			continue
		}
		failed := slices.SortedStableFunc(slices.Values(c.Failed), Assertion.Compare)
		for _, a := range failed {
			f := Finding{Dataset: n.Dataset, Distance: distance, Check: c.Job, Run: c.Run, Suite: c.Suite, At: Text(c.At), Assertion: a, Parent: c.Parent, Root: c.Root, at: c.At}
			if n.written.After(c.At) {
				f.WrittenSince = Text(n.written)
			}
			out = append(out, f)
		}
	}
	return out
}

// Text is a time as answers have it: RFC 3339, UTC, at most microseconds; empty for the zero time.
func Text(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

// State is a dataset of an answer.
type State struct {
	Dataset  Dataset `json:"dataset"`
	Distance int     `json:"distance"`
	Quality  Quality `json:"quality"`
}

// worstOf is the worst quality of datasets; NeverChecked if there is none that was checked.
func worstOf(states []State) Quality {
	worst := NeverChecked
	order := []Quality{NeverChecked, Passed, Stale, Warned, Failed}
	for _, s := range states {
		if slices.Index(order, s.Quality) > slices.Index(order, worst) {
			worst = s.Quality
		}
	}
	return worst
}

// known is the dataset's graph from a source, whose checks are told too for the datasets that pick chooses of it.
func known(ctx context.Context, src Source, d Dataset, need Need, depth int, pick func(*Graph) []Dataset) (*Graph, error) {
	g, err := src.Around(ctx, d, depth)
	if err != nil {
		return nil, err
	}
	if !g.Has(d) {
		return nil, &UnknownError{d}
	}
	return g, src.Judge(ctx, g, pick(g), need)
}
