package dlq

import (
	"slices"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/ranges"
)

// Filter chooses letters. Each field that is set must fit; of a list, one.
type Filter struct {
	Codes        []string
	Dispositions []string
	SourceTopics []string
	Keys         []string
	Partitions   []int32       // of the dead-letter topic
	Offsets      *Offsets      // of the dead-letter topic
	Since        time.Time     // given up at or after
	Until        time.Time     // given up before
	Grep         string        // part of the error's text, letter case aside
	All          bool          // also letters that are settled
	Before       ranges.Extent // those that lie before each partition's end; nil: all. So what was looked at is settled, and nothing that came since
}

// Offsets is from which offset to which, both included.
type Offsets struct{ From, To int64 }

// Fits says whether the filter chooses l.
func (f *Filter) Fits(l *Letter) bool {
	return (f.All || l.State == Pending || l.State == Unclear) &&
		oneOf(f.Codes, l.Said.Code) && oneOf(f.Dispositions, l.Said.Disposition) && oneOf(f.SourceTopics, l.Said.Topic) &&
		oneOf(f.Keys, string(l.Key)) && oneOf(f.Partitions, l.Partition) &&
		(f.Offsets == nil || l.Offset >= f.Offsets.From && l.Offset <= f.Offsets.To) &&
		(f.Since.IsZero() || !l.GivenUp().Before(f.Since)) && (f.Until.IsZero() || l.GivenUp().Before(f.Until)) &&
		(f.Before == nil || l.Offset < f.Before[l.Partition].To) &&
		strings.Contains(strings.ToLower(l.Said.Error), strings.ToLower(f.Grep))
}

func oneOf[T comparable](any []T, v T) bool { return len(any) == 0 || slices.Contains(any, v) }

// GivenUp is when the record was given up: the letter's header, else its own time.
func (l *Letter) GivenUp() time.Time {
	if l.Said.FailedAt.IsZero() {
		return l.At
	}
	return l.Said.FailedAt
}

// Choose is the letters that the filter chooses, in the order of the index.
func (ix *Index) Choose(f Filter) []*Letter {
	var out []*Letter
	for _, l := range ix.Letters {
		if f.Fits(l) {
			out = append(out, l)
		}
	}
	return out
}
