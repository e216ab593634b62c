package pipeline

import (
	"maps"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// verdicts are what transactions learned by failing: which validation results, and which letters, the broker refuses as
// too large. What was refused can't be taken back out of a transaction, so it is aborted, and the verdict is applied
// when the same record comes again. A verdict is forgotten with the transaction that applied it and committed.
type verdicts struct {
	mu sync.Mutex // guards by
	by map[position]*verdict
}

type position struct {
	topic     string
	partition int32
	offset    int64
}

type verdict struct {
	parts  map[string]*fault.Error // by Run.Part
	letter string                  // the form of letter to write: "" whole, else deadletter.ReferenceKept or ReferenceBare
}

func positionOf(rec *kgo.Record) position { return position{rec.Topic, rec.Partition, rec.Offset} }

// on is what is known of a record.
func (v *verdicts) on(rec *kgo.Record) verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known := v.by[positionOf(rec)]; known != nil {
		return *known
	}
	return verdict{}
}

func (v *verdicts) forget(rec *kgo.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.by, positionOf(rec))
}

// refuse remembers that a validation result of the record is refused.
func (v *verdicts) refuse(rec *kgo.Record, part string, f *fault.Error) {
	v.change(rec, func(next *verdict) {
		parts := maps.Clone(next.parts) // a settler may be reading the old one
		if parts == nil {
			parts = make(map[string]*fault.Error)
		}
		parts[part] = f
		next.parts = parts
	})
}

// smaller remembers that the record's letter is refused in this form.
func (v *verdicts) smaller(rec *kgo.Record, form string) {
	v.change(rec, func(next *verdict) {
		next.letter = deadletter.ReferenceKept
		if form != "" {
			next.letter = deadletter.ReferenceBare
		}
	})
}

func (v *verdicts) change(rec *kgo.Record, change func(*verdict)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	next := verdict{}
	if known := v.by[positionOf(rec)]; known != nil {
		next = *known
	}
	change(&next)
	v.by[positionOf(rec)] = &next
}

// apply takes out of a record the validation results that are refused; the others are delivered, and the record is buried too.
func (v verdict) apply(r *prepared) (runs []openlineage.Run, bad *fault.Error, part string) {
	if len(v.parts) == 0 {
		return r.runs, r.bad, r.part
	}
	var refused []string
	for _, run := range r.runs {
		if f := v.parts[run.Part]; f != nil {
			bad = f
			refused = append(refused, run.Part)
			continue
		}
		runs = append(runs, run)
	}
	return runs, bad, strings.Join(refused, ",")
}
