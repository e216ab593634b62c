//go:build race

package pipeline

// raced: the race detector empties pools now and then, so that allocations can't be counted.
const raced = true
