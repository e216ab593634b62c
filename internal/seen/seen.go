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
	PerDataset = 30
	mostLatest = 10_000 // runs of all datasets
	leastDepth = 2      // of a dataset: then whole datasets are forgotten, those first of which nothing was heard for longest
	runBytes   = 184    // what a run takes beside its nulls
	nullBytes  = 8
	nameBytes  = 200 // what a dataset takes beside its names and runs
)

// Memory remembers. Make it with New. It is safe for concurrent use.
type Memory struct {
	most int // bytes

	number atomic.Uint64 // of the last run: whoever follows asks for it often, and is not to be in the way
	turns  atomic.Uint64 // how often a dataset was new, or its outcome another one than before

	mu       sync.Mutex // guards all below, and number's changes; held for a few microseconds at a time, for each record waits for it
	bytes    int
	depth    int // of each dataset now: PerDataset, or less where there are many
	latest   ring
	datasets map[Dataset]*history
	first    *history // the datasets by when they were heard of last: first the longest ago
	last     *history
	checks   map[check]*check // which repeat
	topic    string           // of the last run: a copy
	bodies   bodies
}

// history is what is remembered of a dataset.
type history struct {
	name         []Dataset // one: shared by all its runs
	runs         ring      // each with its null counts, whose memory the next run in its place uses again
	total        uint64    // runs seen, also those forgotten
	now          outcome   // of the last run that checked it; outcomeNone: none did
	check        *check    // of the last run
	before, next *history
}

// New remembers within so many bytes, a sixteenth of which the events of results get that did not pass: they are kept as they were delivered.
func New(bytes int) *Memory {
	m := &Memory{most: bytes - bytes/16, depth: PerDataset, datasets: make(map[Dataset]*history), checks: make(map[check]*check)}
	m.latest.most = mostLatest
	m.bodies.most = bytes / 16
	return m
}

// Settled takes the runs of a record that was settled: those that have a brief, for the others are no results. Nothing of them is kept that would keep the record's memory.
func (m *Memory) Settled(at Place, runs []openlineage.Run, buried bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range runs {
		run := &runs[i]
		if len(run.Events) > 0 && run.Brief != nil { // others are no results
			m.add(m.record(at, run, buried), run)
		}
	}
}

// record makes the entry, without its check. The caller holds mu.
func (m *Memory) record(at Place, run *openlineage.Run, buried bool) record {
	last := &run.Events[len(run.Events)-1]
	if at.Topic != m.topic {
		m.topic = strings.Clone(at.Topic)
	}
	b := run.Brief
	r := record{number: m.number.Add(1), id: last.RunID, outcome: outcomeOf(b), buried: buried, topic: m.topic, partition: at.Partition, offset: at.Offset,
		passed: int32(b.Passed), failed: int32(b.Failed), skipped: int32(b.Skipped), ended: b.Ended.UnixMicro(), rows: b.Rows}
	if last.PassThrough { // its texts lie in the message's memory; those of ours are made for the event
		r.id = bounded(last.RunID)
	}
	if !b.Started.IsZero() {
		r.started = b.Started.UnixMicro()
	}
	return r
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

// mostChecks bounds what is kept once: the names come from messages.
const mostChecks = 50_000

// check is what a run checks by, kept once and without the message's memory; often it is the last one's. The caller holds mu.
func (m *Memory) check(last *check, run *openlineage.Run) *check {
	e := &run.Events[len(run.Events)-1]
	c := check{e.JobNamespace, e.JobName, run.Brief.Suite, run.Part}
	if last != nil && *last == c {
		return last
	}
	if known := m.checks[c]; known != nil {
		return known
	}
	if len(m.checks) >= mostChecks {
		clear(m.checks)
	}
	own := &check{bounded(c.namespace), bounded(c.job), bounded(c.suite), bounded(c.part)}
	if *own == c {
		m.checks[*own] = own
	}
	return own
}

// mostName is how long a name may be: the mapper's are no longer, those of events that pass through may be.
const mostName = 2500

// bounded is a copy of a name; of a longer one its beginning, and what tells it from others.
func bounded(s string) string {
	if len(s) <= mostName {
		return strings.Clone(s)
	}
	sum := sha256.Sum256([]byte(s))
	return strings.ToValidUTF8(s[:mostName-20], "") + "…" + hex.EncodeToString(sum[:6])
}

// boundedAll are a dataset's names.
func boundedAll(d Dataset) Dataset {
	if len(d.Namespace) <= mostName && len(d.Name) <= mostName {
		return d
	}
	return Dataset{Namespace: bounded(d.Namespace), Name: bounded(d.Name)}
}

// add enters a run everywhere. The caller holds mu.
func (m *Memory) add(r record, run *openlineage.Run) {
	for i, d := range run.Datasets {
		h := m.history(boundedAll(d))
		if i == 0 {
			r.datasets = h.name
			h.check = m.check(h.check, run)
			r.check = h.check
		} else {
			r.datasets = append(slices.Clip(r.datasets), h.name[0])
		}
		h.total++
		if h.total == 1 || r.outcome != outcomeNone && r.outcome != h.now {
			h.now = r.outcome
			m.turns.Add(1)
		}
		own := h.runs.add(r)
		m.bytes -= own.weight
		own.weight, own.nulls = runBytes, own.nulls[:0]
		if i == 0 {
			own.null(run.Brief.Nulls)
		}
		m.bytes += own.weight
	}
	if r.check == nil {
		r.check = m.check(nil, run)
	}
	m.latest.add(r)
	if r.outcome == outcomeFailed || r.outcome == outcomeWarned {
		m.bodies.add(r.number, run.Events)
	}
	m.fit()
}

// history is a dataset's, which is now the one heard of last. The caller holds mu.
func (m *Memory) history(d Dataset) *history {
	h := m.datasets[d]
	switch h {
	case nil:
		name := Dataset{Namespace: strings.Clone(d.Namespace), Name: strings.Clone(d.Name)}
		h = &history{name: []Dataset{name}, runs: ring{most: m.depth}}
		m.datasets[name] = h
		m.bytes += nameBytes + len(name.Namespace) + len(name.Name)
	case m.last:
		return h
	default:
		m.unlink(h)
	}
	h.before, h.next = m.last, nil
	if m.last != nil {
		m.last.next = h
	} else {
		m.first = h
	}
	m.last = h
	return h
}

func (m *Memory) unlink(h *history) {
	if h.before != nil {
		h.before.next = h.next
	} else {
		m.first = h.next
	}
	if h.next != nil {
		h.next.before = h.before
	} else {
		m.last = h.before
	}
}

// fit forgets until the bound holds: first of every dataset its oldest runs, then datasets. The caller holds mu.
func (m *Memory) fit() {
	for m.bytes > m.most && m.depth > leastDepth {
		m.depth = max(m.depth*2/3, leastDepth)
		for _, h := range m.datasets {
			m.bytes -= h.runs.shrink(m.depth)
		}
	}
	for m.bytes > m.most && m.first != m.last {
		h := m.first
		m.unlink(h)
		m.bytes -= h.runs.shrink(0) + nameBytes + len(h.name[0].Namespace) + len(h.name[0].Name)
		delete(m.datasets, h.name[0])
	}
}
