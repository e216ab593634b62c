package app

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	usualHeap   = 104 << 20 // bytes that the heap may grow to before garbage is collected, where Go would collect as soon as it has doubled
	heapShare   = 3         // the part of a container's memory that this is at most
	goPercent   = 100       // Go's own: the least that is set
	mostPercent = 400       // beyond it nothing is won any more
)

// collector lets the heap of a process that holds little grow to usualHeap before garbage is collected. Go alone collects when the heap has doubled: of a
// heap of 40 MB, as `run` has it under load, that is twenty times a second. A heap of more than half of that is collected as Go does it.
type collector struct {
	heap   int64 // bytes that the heap may grow to
	before int   // percent

	mu      sync.Mutex // guards below, and the setting itself
	set     int        // percent
	stopped bool
}

// collectLess sets the percentage after each collection, so that it fits what then lives; stop puts back what was. It does nothing where GOGC says
// something: then the operator has decided. An empty one says nothing, as for Go itself: compose files and charts set what has no value so.
func collectLess(memory int64, getenv func(string) (string, bool)) (stop func()) {
	if percent, _ := getenv("GOGC"); percent != "" {
		return func() {}
	}
	c := &collector{heap: heapFor(memory), set: goPercent}
	c.before = debug.SetGCPercent(c.set)
	c.arm()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.stopped = true
		debug.SetGCPercent(c.before)
	}
}

// heapFor is how far the heap may grow, of the memory that the container gives; 0: there is no limit.
func heapFor(memory int64) int64 {
	if memory <= 0 {
		return usualHeap
	}
	return min(memory/heapShare, usualHeap)
}

// arm waits for the next collection: the cleanup of what nobody holds is run behind it.
func (c *collector) arm() {
	type unheld struct{ _ [16]byte } // too large for the blocks that small values share, which live as long as any of them
	runtime.AddCleanup(new(unheld), func(c *collector) { c.collected() }, c)
}

func (c *collector) collected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() == metrics.KindUint64 {
		if percent := percentFor(int64(live[0].Value.Uint64()), c.heap); math.Abs(float64(percent-c.set)) > 10 || percent == goPercent && c.set != goPercent {
			c.set = percent
			debug.SetGCPercent(percent)
		}
	}
	c.arm()
}

// percentFor is by how much of what lives the heap may grow until it has reached heap.
func percentFor(live, heap int64) int {
	return int(min(max((heap-live)*100/max(live, 1), goPercent), mostPercent))
}
