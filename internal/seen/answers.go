package seen

import (
	"cmp"
	"slices"
)

// Number is another one whenever something was seen.
func (m *Memory) Number() uint64 { return m.number.Load() }

// Turns is another number whenever a dataset is new, or its outcome has become another one.
func (m *Memory) Turns() uint64 { return m.turns.Load() }

// atOnce is how many runs or datasets are looked at while mu is held.
const atOnce = 256

// Latest gives the runs that keep accepts, the latest first: most of them, behind the number before (0: from the latest on).
func (m *Memory) Latest(keep func(*Run) bool, before uint64, most int) (runs []Run, more bool) {
	if before == 0 {
		before = m.Number() + 1
	}
	for before > 0 {
		var some []Run
		some, before = m.before(before)
		for i := range some {
			if !keep(&some[i]) {
				continue
			}
			if len(runs) == most {
				return runs, true
			}
			runs = append(runs, some[i])
		}
	}
	return runs, false
}

// before gives some runs behind a number, the latest first, and behind which one to go on; 0: there are no more.
func (m *Memory) before(number uint64) (some []Run, next uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.number.Load()
	first := 0 // how many runs are newer
	if number <= last {
		first = int(min(last-number+1, mostLatest))
	}
	for back := first; back < min(m.latest.n, first+atOnce); back++ {
		r := m.latest.back(back)
		some, next = append(some, m.run(r)), r.number
	}
	return some, next
}

// run is a record for who asks. The caller holds mu.
func (m *Memory) run(r *record) Run { return r.run(m.subjects.of(r)) }

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
	s = m.state(h)
	for i := range s.Runs {
		s.Runs[i].nulls = h.nulls.of(h.runs.at(i).columns, h.runs.slot(i))
	}
	return s, true
}

// state is that of a dataset, without null counts. The caller holds mu.
func (m *Memory) state(h *history) State {
	s := State{Name: h.name[0], Total: h.total, Runs: make([]Run, h.runs.n)}
	for i := range s.Runs {
		s.Runs[i] = m.run(h.runs.at(i))
	}
	return s
}

// Counts are how many datasets ended how, the last time.
type Counts map[Outcome]int

// Of is how many ended so.
func (c Counts) Of(outcome string) int { return c[Outcome(outcome)] }

// Datasets gives those that keep accepts, the failed ones first and by name: from the first on, most of them; how many it accepts; and how all of them are.
func (m *Memory) Datasets(keep func(Dataset, *Run) bool, first, most int) (page []State, found int, all Counts) {
	all = make(Counts)
	var fit []standing
	for some := range slices.Chunk(m.histories(), atOnce) {
		fit = m.standings(fit, some, keep, all)
	}
	slices.SortFunc(fit, func(a, b standing) int {
		x, y := a.of.name[0], b.of.name[0] // never changes
		return cmp.Or(cmp.Compare(a.outcome, b.outcome), cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := max(first, 0); i < len(fit) && len(page) < most; i++ {
		if fit[i].of.runs.n > 0 { // else it was forgotten meanwhile
			page = append(page, m.state(fit[i].of))
		}
	}
	return page, len(fit), all
}

// standing is how a dataset was when it was looked at.
type standing struct {
	of      *history
	outcome outcome
}

func (m *Memory) histories() []*history {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*history, 0, len(m.datasets))
	for _, h := range m.datasets {
		all = append(all, h)
	}
	return all
}

// standings adds to fit how some datasets are that keep accepts, and counts all of them.
func (m *Memory) standings(fit []standing, some []*history, keep func(Dataset, *Run) bool, all Counts) []standing {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range some {
		if h.runs.n == 0 { // it was forgotten meanwhile
			continue
		}
		r := h.runs.last()
		last := m.run(r)
		all[last.Outcome]++
		if keep(h.name[0], &last) {
			fit = append(fit, standing{h, r.outcome})
		}
	}
	return fit
}

// At gives what is remembered of the results of a record.
func (m *Memory) At(place Place) (runs []Run) {
	runs, _ = m.Latest(func(r *Run) bool { return r.At == place }, 0, mostLatest)
	if runs == nil {
		for some := range slices.Chunk(m.histories(), atOnce) {
			runs = m.in(runs, some, place)
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

// in adds to runs those of some datasets that came from a record.
func (m *Memory) in(runs []Run, some []*history, place Place) []Run {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range some {
		for i := range h.runs.n {
			r := h.runs.at(i)
			if r.offset == place.Offset && r.partition == place.Partition && m.subjects.of(r).topic == place.Topic &&
				!slices.ContainsFunc(runs, func(have Run) bool { return have.Number == r.number }) {
				runs = append(runs, m.run(r))
			}
		}
	}
	return runs
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
	return m.used() + m.bodies.bytes, m.most + m.bodies.most, m.depth, len(m.datasets)
}
