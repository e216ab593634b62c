//go:build race

package mapper

// raced: the race detector multiplies time and memory, so that the largest documents are left to the tests without it.
const raced = true
