package app

import "testing"

func TestTheWindowFollowsTheContainersMemory(t *testing.T) {
	for memory, want := range map[int64]int64{
		0:         usualWindow, // no limit
		64 << 20:  leastWindow,
		120 << 20: 120 << 20 / 12,
		16 << 30:  usualWindow,
	} {
		if got := windowFor(memory); got != want {
			t.Errorf("%d MiB: window of %d bytes, want %d", memory>>20, got, want)
		}
	}
}
