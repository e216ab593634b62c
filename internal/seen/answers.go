package seen

import (
	"cmp"
	"slices"
)

// Number is another one whenever something was seen.
func (m *Memory) Number() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.number
}

// Latest gives the runs that keep accepts, the latest first: most of them, behind the number before (0: from the latest on).
func (m *Memory) Latest(keep func(*Run) bool, before uint64, most int) (runs []Run, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest.newest(func(r *record) bool {
		if before != 0 && r.number >= before {
			return true
		}
		one := r.run()
		if !keep(&one) {
			return true
		}
		if more = len(runs) == most; !more {
			runs = append(runs, one)
		}
		return !more
	})
	return runs, more
}

// State is a dataset with what is remembered of it.
type State struct {
	Name  Dataset
	Runs  []Run  // oldest first
	Total uint64 // seen, also those that are forgotten
}

// Last is the latest run that checked the dataset; where none did, the latest.
func (s State) Last() *Run {
	for i := range slices.Backward(s.Runs) {
		if s.Runs[i].Outcome != None {
			return &s.Runs[i]
		}
	}
	return &s.Runs[len(s.Runs)-1]
}

// Dataset is what is remembered of a dataset; ok: it is known.
func (m *Memory) Dataset(name Dataset) (s State, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.datasets[boundedAll(name)]
	if h == nil {
		return s, false
	}
	s = h.state()
	h.runs.oldest(func(i int, r *record) { s.Runs[i].nulls = nullCounts{r.columns, slices.Clone(r.nulls)} })
	return s, true
}

func (h *history) state() State {
	s := State{Name: h.name[0], Total: h.total, Runs: make([]Run, len(h.runs.runs))}
	h.runs.oldest(func(i int, r *record) { s.Runs[i] = r.run() })
	return s
}

// Counts are how many datasets ended how, the last time.
type Counts map[Outcome]int

// Of is how many ended so.
func (c Counts) Of(outcome string) int { return c[Outcome(outcome)] }

// Datasets gives those that keep accepts, the failed ones first and by name: from the first on, most of them; how many it accepts; and how all of them are.
func (m *Memory) Datasets(keep func(Dataset, *Run) bool, first, most int) (page []State, found int, all Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all = make(Counts)
	var fit []*history
	for _, h := range m.datasets {
		last := h.runs.last().run()
		all[last.Outcome]++
		if keep(h.name[0], &last) {
			fit = append(fit, h)
		}
	}
	slices.SortFunc(fit, func(a, b *history) int {
		x, y := a.runs.last(), b.runs.last()
		return cmp.Or(cmp.Compare(x.outcome, y.outcome),
			cmp.Compare(a.name[0].Namespace, b.name[0].Namespace), cmp.Compare(a.name[0].Name, b.name[0].Name))
	})
	for i := max(first, 0); i < len(fit) && len(page) < most; i++ {
		page = append(page, fit[i].state())
	}
	return page, len(fit), all
}

// At gives what is remembered of the results of a record.
func (m *Memory) At(place Place) (runs []Run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest.newest(func(r *record) bool {
		if r.at() == place {
			runs = append(runs, r.run())
		}
		return true
	})
	if runs == nil {
		for _, h := range m.datasets {
			h.runs.oldest(func(_ int, r *record) {
				if r.at() == place && !slices.ContainsFunc(runs, func(have Run) bool { return have.Number == r.number }) {
					runs = append(runs, r.run())
				}
			})
		}
	}
	slices.SortFunc(runs, func(a, b Run) int { return cmp.Compare(a.Number, b.Number) })
	// A record that was settled twice is told once, as it was last.
	var out []Run
	for _, r := range runs {
		if i := slices.IndexFunc(out, func(have Run) bool { return have.Part == r.Part }); i >= 0 {
			out[i] = r
		} else {
			out = append(out, r)
		}
	}
	return out
}

// Events are those of a run as they were delivered, if they are still kept.
func (m *Memory) Events(number uint64) [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bodies.of(number)
}

// Room says what is remembered now, and of how many runs a dataset.
func (m *Memory) Room() (bytes, most, depth, datasets int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes + m.bodies.bytes, m.most + m.bodies.most, m.depth, len(m.datasets)
}
