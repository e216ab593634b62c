// Package seen remembers what was seen of validation results: the latest of all, and the last ones of each dataset, within a bound of bytes. It is told of
// each record when it is settled, in a fraction of a microsecond, and answers whoever looks.
package seen

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Outcome is what became of a validation result.
type Outcome string

// The outcomes. Warned: nothing failed but expectations that only warn. None: nothing was checked.
const (
	Passed Outcome = "passed"
	Failed Outcome = "failed"
	Warned Outcome = "warned"
	None   Outcome = "none"
)

// Outcomes are all of them.
var Outcomes = []Outcome{Failed, Warned, Passed, None}

// Place is where a record lies.
type Place struct {
	Topic     string
	Partition int32
	Offset    int64
}

// Dataset names a dataset.
type Dataset = openlineage.Dataset

// Run is one validation result.
type Run struct {
	Number                  uint64 // the more, the later it was settled
	ID                      string // of the run; empty: it has none
	JobNamespace, Job       string
	Suite                   string
	Part                    string // which result of its record; empty: the only one
	Datasets                []Dataset
	Outcome                 Outcome
	Buried                  bool // its record lies in the dead letters
	Passed, Failed, Skipped int
	Started, Ended          time.Time
	Rows                    int64 // -1: not known
	At                      Place

	nulls nullCounts // of a Run that Dataset gave
}

// Evaluated is how many expectations were evaluated.
func (r Run) Evaluated() int { return r.Passed + r.Failed }

// Took is how long it took; 0: not known.
func (r Run) Took() time.Duration {
	if r.Started.IsZero() || r.Ended.Before(r.Started) {
		return 0
	}
	return r.Ended.Sub(r.Started)
}

const (
	// PerDataset is how many runs of each dataset are remembered, where the bound in bytes allows it.
	PerDataset  = 30
	mostLatest  = 10_000 // runs of all datasets
	leastLatest = 100
	leastDepth  = 2 // of a dataset: then whole datasets are forgotten, those first of which nothing was heard for longest
	latestShare = 8 // the part of the bytes that the latest runs may take
	bodiesShare = 16
)

// Memory remembers. Make it with New. It is safe for concurrent use.
type Memory struct {
	most int // bytes

	number atomic.Uint64 // of the last run: whoever follows asks for it often, and is not to be in the way
	turns  atomic.Uint64 // how often a dataset was new, or its outcome another one than before

	mu       sync.Mutex // guards all below, and number's changes; held for a few microseconds at a time, for each record waits for it
	bytes    int        // of datasets
	depth    int        // of each dataset now: PerDataset, or less where there are many
	latest   ring
	subjects subjects // of all runs
	datasets map[Dataset]*history
	first    *history // the datasets by when they were heard of last: first the longest ago
	last     *history
	bodies   bodies
}

// New remembers within so many bytes, a sixteenth of which the events of results get that did not pass: they are kept as they were delivered.
func New(bytes int) *Memory {
	m := &Memory{most: bytes - bytes/bodiesShare, depth: PerDataset, datasets: make(map[Dataset]*history), subjects: newSubjects()}
	m.latest.most = min(max(bytes/latestShare/recordBytes, leastLatest), mostLatest)
	m.bodies.most = bytes / bodiesShare
	return m
}

// Settled takes the runs of a record that was settled: those that have a brief, for the others are no results. Nothing of them is kept that would keep the record's memory.
func (m *Memory) Settled(at Place, runs []openlineage.Run, buried bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range runs {
		run := &runs[i]
		if len(run.Events) > 0 && run.Brief != nil { // others are no results
			m.add(at, run, buried)
		}
	}
}

// add takes a run. The caller holds mu.
func (m *Memory) add(at Place, run *openlineage.Run, buried bool) {
	r := recordOf(at, run, buried)
	r.number = m.number.Add(1)
	for i, d := range run.Datasets {
		h := m.history(boundedAll(d))
		var nulls []openlineage.Nulls
		if i == 0 {
			r.subject = m.subject(at, run, &r, h)
			nulls = run.Brief.Nulls
		}
		h.total++
		if h.total == 1 || r.outcome != outcomeNone && r.outcome != h.now {
			h.now = r.outcome
			m.turns.Add(1)
		}
		m.keep(h, r, nulls)
	}
	if len(run.Datasets) == 0 {
		r.subject = m.subject(at, run, &r, nil)
	}
	m.subjects.use(r.subject)
	slot, taken := m.latest.place()
	if taken {
		m.subjects.unuse(m.latest.slots[slot].subject)
	}
	m.latest.slots[slot] = r
	if r.outcome == outcomeFailed || r.outcome == outcomeWarned {
		m.bodies.add(r.number, run.Events)
	}
	m.fit()
}

// recordOf makes the entry, but for its number and subject.
func recordOf(at Place, run *openlineage.Run, buried bool) record {
	b := run.Brief
	r := record{outcome: outcomeOf(b), buried: buried, partition: at.Partition, offset: at.Offset,
		passed: int32(b.Passed), failed: int32(b.Failed), skipped: int32(b.Skipped), ended: b.Ended.UnixMicro(), rows: b.Rows}
	if !b.Started.IsZero() {
		r.started = b.Started.UnixMicro()
	}
	return r
}

// subject is what a run shares with others, and the id of the run where it is a UUID; mostly the subject is that of the run before of its first dataset.
// The caller holds mu.
func (m *Memory) subject(at Place, run *openlineage.Run, r *record, first *history) uint32 {
	e := &run.Events[len(run.Events)-1]
	want := subject{namespace: bounded(e.JobNamespace), job: bounded(e.JobName), suite: bounded(run.Brief.Suite), part: bounded(run.Part), topic: at.Topic}
	var isUUID bool
	if r.id, isUUID = uuidOf(e.RunID); !isUUID {
		want.id = bounded(e.RunID)
	}
	before := &m.latest
	switch len(run.Datasets) {
	case 0:
	case 1:
		before, want.datasets = &first.runs, first.name
	default:
		before, want.datasets = &first.runs, boundedEach(run.Datasets)
	}
	if before.n > 0 {
		if last := before.back(0).subject; m.subjects.all[last].equal(&want) {
			return last
		}
	}
	return m.subjects.find(&want)
}

func outcomeOf(b *openlineage.Brief) outcome {
	switch {
	case b.Fails:
		return outcomeFailed
	case b.Failed > 0:
		return outcomeWarned
	case b.Passed > 0:
		return outcomePassed
	}
	return outcomeNone
}

// mostName is how long a name may be: the mapper's are no longer, those of events that pass through may be.
const mostName = 2500

// bounded is a name; of one that is too long its beginning, and what tells it from others.
func bounded(s string) string {
	if len(s) <= mostName {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return strings.ToValidUTF8(s[:mostName-20], "") + "…" + hex.EncodeToString(sum[:6])
}

// boundedAll are a dataset's names.
func boundedAll(d Dataset) Dataset {
	return Dataset{Namespace: bounded(d.Namespace), Name: bounded(d.Name)}
}

// boundedEach are those of several; mostly just these.
func boundedEach(all []Dataset) []Dataset {
	if !slices.ContainsFunc(all, func(d Dataset) bool { return boundedAll(d) != d }) {
		return all
	}
	out := make([]Dataset, len(all))
	for i, d := range all {
		out[i] = boundedAll(d)
	}
	return out
}

// used is how many bytes are used, but for bodies. The caller holds mu.
func (m *Memory) used() int { return m.bytes + m.subjects.bytes + recordBytes*len(m.latest.slots) }

// fit forgets until the bound holds: first of every dataset its oldest runs, then what is oldest. The caller holds mu.
func (m *Memory) fit() {
	for m.used() > m.most && m.depth > leastDepth {
		m.depth = max(m.depth*2/3, leastDepth)
		for h := m.first; h != nil; h = h.next {
			m.shrink(h, m.depth)
		}
	}
	for m.used() > m.most && m.forgetOldest() {
	}
}

// forgetOldest forgets the dataset of which nothing was heard for longest, and before it of the latest runs those that are older than its last. more: there
// may be something to forget. The caller holds mu.
func (m *Memory) forgetOldest() (more bool) {
	var oldest *history
	if m.first != m.last {
		oldest = m.first
	}
	if m.latest.n > 1 && (oldest == nil || m.latest.at(0).number <= oldest.runs.back(0).number) {
		m.subjects.unuse(m.latest.at(0).subject)
		m.latest.drop()
		return true
	}
	if oldest != nil {
		m.forget(oldest)
	}
	return oldest != nil
}
