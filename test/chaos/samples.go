package main

import (
	"context"
	"time"
)

// sample notes the group's progress, and who has which partition, three times a second.
func (s *estate) sample(ctx context.Context) {
	for ctx.Err() == nil {
		now := sample{at: s.journal.now()}
		var err error
		if now.committed, err = s.topics.committed(ctx, group, input); err == nil {
			if now.owners, err = s.owners.ask(ctx); err != nil {
				now.owners = nil
			}
			s.mu.Lock()
			s.samples = append(s.samples, now)
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (s *estate) last() sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.samples) == 0 {
		return sample{committed: make([]int64, s.o.partitions)}
	}
	return s.samples[len(s.samples)-1]
}

// busyWithin bounds the wait for work. The output's broker may hang all that time, and for hangs longer: together less than the ten seconds
// that gx-ol waits for it at its start.
const busyWithin = 8 * time.Second

// busy waits for a member of the group that has work, and is the one that has most; -1 if none has within busyWithin.
func (s *estate) busy(ctx context.Context) (n int, err error) {
	left := make(map[string]int64)
	for end := time.Now().Add(busyWithin); time.Now().Before(end); {
		clear(left)
		if last := s.last(); last.owners != nil {
			for _, p := range s.e.partition {
				left[last.owners[p]]++
			}
			for p, n := range last.committed {
				left[last.owners[p]] -= n
			}
		}
		most := -1
		all := s.fleet.all()
		for n, m := range all {
			if left[m.id] > 0 && (most < 0 || left[m.id] > left[all[most].id]) {
				most = n
			}
		}
		if most >= 0 {
			return most, nil
		}
		if err := s.pause(ctx); err != nil {
			return -1, err
		}
	}
	return -1, nil
}

// through is the share of the records that are through, as the commits tell.
func (s *estate) through() float64 {
	var sum int64
	for _, n := range s.last().committed {
		sum += n
	}
	return float64(sum) / float64(s.o.records)
}

// settled reports whether every record is committed. In transactions a partition's end has markers behind the last record of
// ours, but the input has none.
func (s *estate) settled(ctx context.Context) bool {
	ends, err := s.topics.ends(ctx, input)
	if err != nil {
		return false
	}
	for p, n := range s.last().committed {
		if n < ends[p] {
			return false
		}
	}
	return true
}
