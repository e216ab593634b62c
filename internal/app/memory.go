package app

import (
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	usualWindow  = 12 << 20 // bytes of records in hand where there is plenty of memory: more brings no more throughput
	leastWindow  = 8 << 20
	windowShare  = 12 // the part of a container's memory that the window gets: beside it there is what the client buffers, events, and Go's own garbage
	memoryShare  = 0.9
	minMemoryCap = 64 << 20 // below this Go would do nothing but collect garbage
)

// containerMemory is the memory that the container gives the process; 0: there is no limit, or it can't be asked for.
func containerMemory() int64 {
	limit, err := memlimit.FromCgroup()
	if err != nil || limit > 1<<50 {
		return 0
	}
	return int64(limit)
}

// windowFor is how many bytes of records may be in hand by default.
func windowFor(memory int64) int64 {
	if memory <= 0 {
		return usualWindow
	}
	return min(max(memory/windowShare, leastWindow), usualWindow)
}

// limitMemory lets Go collect garbage harder before the container's limit ends the process, unless GOMEMLIMIT says something else.
func limitMemory(memory int64, getenv func(string) (string, bool)) {
	if limit, _ := getenv("GOMEMLIMIT"); limit != "" || memory < minMemoryCap {
		return
	}
	debug.SetMemoryLimit(int64(memoryShare * float64(memory)))
}
