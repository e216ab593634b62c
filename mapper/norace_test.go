//go:build !race

package mapper

// raced says that the race detector is on.
const raced = false
