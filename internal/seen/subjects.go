package seen

import (
	"hash/maphash"
	"slices"
	"strings"
)

// subject is what a run shares with others: by what was checked which datasets, and in which topic that was told.
type subject struct {
	namespace, job, suite, part string
	topic                       string
	datasets                    []Dataset
	id                          string // of a run whose id is no UUID: such a subject is one run's alone
}

func (s *subject) equal(o *subject) bool {
	return s.job == o.job && s.suite == o.suite && s.part == o.part && s.topic == o.topic && s.namespace == o.namespace && s.id == o.id &&
		slices.Equal(s.datasets, o.datasets)
}

func (s *subject) hash(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	write := func(text string) {
		_, _ = h.WriteString(text)
		_ = h.WriteByte(0)
	}
	for _, text := range [...]string{s.namespace, s.job, s.suite, s.part, s.topic, s.id} {
		write(text)
	}
	for _, d := range s.datasets {
		write(d.Namespace)
		write(d.Name)
	}
	return h.Sum64()
}

// own is a copy that keeps no message's memory, its texts in one piece. The names of a single dataset are the dataset's own already.
func (s *subject) own() subject {
	rest := strings.Join([]string{s.namespace, s.job, s.suite, s.part, s.topic, s.id}, "")
	next := func(text string) (own string) {
		own, rest = rest[:len(text)], rest[len(text):]
		return own
	}
	own := subject{next(s.namespace), next(s.job), next(s.suite), next(s.part), next(s.topic), s.datasets, ""}
	own.id = rest
	if len(s.datasets) > 1 {
		own.datasets = make([]Dataset, len(s.datasets))
		for i, d := range s.datasets {
			own.datasets[i] = Dataset{Namespace: strings.Clone(d.Namespace), Name: strings.Clone(d.Name)}
		}
	}
	return own
}

// bytes is what it takes, roughly.
func (s *subject) bytes() int {
	n := len(s.namespace) + len(s.job) + len(s.suite) + len(s.part) + len(s.topic) + len(s.id)
	for _, d := range s.datasets {
		n += datasetBytes + len(d.Namespace) + len(d.Name)
	}
	return n + subjectBytes
}

const (
	subjectBytes = 200 // what a subject takes beside its texts
	datasetBytes = 32  // what a dataset in it takes beside its names
)

// subjects hold each subject once, while runs have it.
type subjects struct {
	seed  maphash.Seed
	all   []heldSubject
	uses  []int32           // how many runs have each of them
	free  []uint32          // of all
	by    map[uint64]uint32 // of all, by their hash; one whose hash another one has is not found, and held twice
	bytes int
}

type heldSubject struct {
	subject
	hash uint64
}

func newSubjects() subjects {
	return subjects{seed: maphash.MakeSeed(), by: make(map[uint64]uint32)}
}

func (s *subjects) of(r *record) *subject { return &s.all[r.subject].subject }

// find gives where a subject is held. Its user calls use.
func (s *subjects) find(want *subject) uint32 {
	hash := want.hash(s.seed)
	i, taken := s.by[hash]
	if taken && s.all[i].equal(want) {
		return i
	}
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
	} else {
		i, s.all = uint32(len(s.all)), append(s.all, heldSubject{})
		s.uses = append(s.uses, 0)
	}
	s.all[i] = heldSubject{subject: want.own(), hash: hash}
	s.bytes += want.bytes()
	if !taken {
		s.by[hash] = i
	}
	return i
}

func (s *subjects) use(i uint32) { s.uses[i]++ }

// unuse forgets a subject with its last run.
func (s *subjects) unuse(i uint32) {
	if s.uses[i]--; s.uses[i] > 0 {
		return
	}
	one := &s.all[i]
	s.bytes -= one.bytes()
	if s.by[one.hash] == i {
		delete(s.by, one.hash)
	}
	*one = heldSubject{}
	s.free = append(s.free, i)
}
