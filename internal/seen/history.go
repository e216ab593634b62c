package seen

import (
	"strings"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// history is what is remembered of a dataset.
type history struct {
	name         []Dataset // one: shared with subjects
	runs         ring
	nulls        nulls   // of the runs
	total        uint64  // runs seen, also those forgotten
	now          outcome // of the last run that checked it; outcomeNone: none did
	before, next *history
}

const historyBytes = 320 // what a dataset takes beside its names and runs

// bytes is what it takes, roughly.
func (h *history) bytes() int {
	return historyBytes + len(h.name[0].Namespace) + len(h.name[0].Name) + recordBytes*len(h.runs.slots) + 8*len(h.nulls.counts) + h.nulls.bytes
}

// history is a dataset's, which is now the one heard of last. The caller holds mu.
func (m *Memory) history(d Dataset) *history {
	h := m.datasets[d]
	switch h {
	case nil:
		name := Dataset{Namespace: strings.Clone(d.Namespace), Name: strings.Clone(d.Name)}
		h = &history{name: []Dataset{name}, runs: ring{most: m.depth}}
		m.datasets[name] = h
		m.bytes += h.bytes()
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

// keep adds a run to a dataset, with its null counts. The caller holds mu.
func (m *Memory) keep(h *history, r record, nulls []openlineage.Nulls) {
	m.bytes -= h.bytes()
	m.subjects.use(r.subject)
	slot, taken := h.runs.place()
	if taken {
		m.drop(h, slot)
	}
	r.columns = h.nulls.put(nulls, slot, len(h.runs.slots))
	h.runs.slots[slot] = r
	m.bytes += h.bytes()
}

// drop is told that a dataset's run is forgotten. The caller holds mu.
func (m *Memory) drop(h *history, slot int) {
	r := &h.runs.slots[slot]
	m.subjects.unuse(r.subject)
	h.nulls.drop(r.columns)
}

// shrink lets a dataset have so many runs at most. The caller holds mu.
func (m *Memory) shrink(h *history, most int) {
	m.bytes -= h.bytes()
	for h.runs.n > most {
		m.drop(h, h.runs.oldest)
		h.runs.drop()
	}
	h.nulls.resize(h.nulls.longest(), h.runs.n, h.runs.slot)
	h.runs.resize(h.runs.n)
	h.runs.most = most
	m.bytes += h.bytes()
}

// forget forgets a dataset. The caller holds mu.
func (m *Memory) forget(h *history) {
	m.unlink(h)
	m.shrink(h, 0)
	m.bytes -= h.bytes()
	delete(m.datasets, h.name[0])
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
