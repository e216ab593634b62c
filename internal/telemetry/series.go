package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// series are those of a vector with one label, by its value. The vector finds one by hashing and comparing under a lock, which costs several times
// what counting does; of a small result that was a fiftieth of the CPU. There are few; see Metrics.
type series[T any] struct {
	find  func(label ...string) T // the vector's way: finds it, or makes it
	mu    sync.Mutex              // who adds one
	known atomic.Pointer[map[string]T]
}

func seriesOf[T any](find func(label ...string) T) *series[T] {
	s := &series[T]{find: find}
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
	more[label] = s.find(label)
	s.known.Store(&more)
	return more[label]
}
