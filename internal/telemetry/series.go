package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// series are those of a vector with one label, by its value. The vector finds one by hashing and comparing under a lock, which costs several times
// what counting does; of a small result that was a fiftieth of the CPU. There are few: labels come from closed sets.
type series[T any] struct {
	make  func(label ...string) T // of the vector
	mu    sync.Mutex              // who adds one
	known atomic.Pointer[map[string]T]
}

func seriesOf[T any](make func(label ...string) T) *series[T] {
	s := &series[T]{make: make}
	s.known.Store(&map[string]T{})
	return s
}

// with is the one with that label.
func (s *series[T]) with(label string) T {
	if one, ok := (*s.known.Load())[label]; ok {
		return one
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := (*s.known.Load())[label]; ok { // another came first
		return one
	}
	more := maps.Clone(*s.known.Load())
	more[label] = s.make(label)
	s.known.Store(&more)
	return more[label]
}
