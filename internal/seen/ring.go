package seen

// ring holds the last runs, in memory that is used again.
type ring struct {
	most   int
	slots  []record // as many as were needed so far
	oldest int      // its slot
	n      int      // runs
}

// place gives the slot of the next run; taken: the oldest one is still there, and makes way.
func (r *ring) place() (slot int, taken bool) {
	if r.n == r.most {
		slot = r.oldest
		r.oldest = r.slot(1)
		return slot, true
	}
	if r.n == len(r.slots) {
		r.resize(min(max(2*r.n, leastDepth), r.most))
	}
	r.n++
	return r.slot(r.n - 1), false
}

// slot is where the i-th run stands; the oldest is the first.
func (r *ring) slot(i int) int {
	if i += r.oldest; i >= len(r.slots) {
		i -= len(r.slots)
	}
	return i
}

// at is the i-th run; the oldest is the first.
func (r *ring) at(i int) *record { return &r.slots[r.slot(i)] }

// back is the run behind so many newer ones; there are so many.
func (r *ring) back(newer int) *record { return r.at(r.n - 1 - newer) }

// last is the latest run that checked the dataset; where none did, the latest: a run that evaluated nothing says nothing of its quality. There is one run at least.
func (r *ring) last() *record {
	for newer := range r.n {
		if one := r.back(newer); one.outcome != outcomeNone {
			return one
		}
	}
	return r.back(0)
}

// drop forgets the oldest run.
func (r *ring) drop() {
	r.oldest = r.slot(1)
	r.n--
}

// resize makes so many slots, which hold the runs: then the oldest stands in the first.
func (r *ring) resize(slots int) {
	made := make([]record, slots)
	for i := range r.n {
		made[i] = *r.at(i)
	}
	r.slots, r.oldest = made, 0
}
