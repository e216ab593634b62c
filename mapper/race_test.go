//go:build race

package mapper

// raced: the race detector multiplies time and memory, so that what is long, and in one goroutine, is left to the tests without it (make unit).
const raced = true
