package app

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestTheHeapGrowsToItsBound(t *testing.T) {
	for _, c := range []struct {
		live, memory int64
		want         int
	}{
		{live: 0, want: mostPercent},
		{live: 10 << 20, want: mostPercent},
		{live: 26 << 20, want: 300},
		{live: 40 << 20, want: 160},
		{live: 52 << 20, want: goPercent},
		{live: 80 << 20, want: goPercent},
		{live: 2 << 30, want: goPercent},
		{live: 20 << 20, memory: 128 << 20, want: 113},
		{live: 40 << 20, memory: 128 << 20, want: goPercent},
		{live: 26 << 20, memory: 16 << 30, want: 300},
	} {
		if got := percentFor(c.live, heapFor(c.memory)); got != c.want {
			t.Errorf("%d MiB live of %d MiB: %d percent, want %d", c.live>>20, c.memory>>20, got, c.want)
		}
	}
}

func unset(string) (string, bool) { return "", false }

// percentSoon collects until the percentage is as wanted.
func percentSoon(t *testing.T, wanted func(int) bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		percent := debug.SetGCPercent(goPercent)
		debug.SetGCPercent(percent)
		if wanted(percent) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it stays at %d percent", percent)
		}
	}
}

func TestThePercentageFollowsWhatLives(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	stop := collectLess(0, unset)
	percentSoon(t, func(n int) bool { return n > goPercent })
	much := make([]byte, 2*usualHeap)
	percentSoon(t, func(n int) bool { return n == goPercent })
	runtime.KeepAlive(much)
	percentSoon(t, func(n int) bool { return n > goPercent }) // it is let go of
	stop()
	percentSoon(t, func(n int) bool { return n == 77 })
	for range 3 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	percentSoon(t, func(n int) bool { return n == 77 })
}

func TestTheOperatorsPercentageStays(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	defer collectLess(0, func(name string) (string, bool) { return "50", name == "GOGC" })()
	percentSoon(t, func(n int) bool { return n == 77 })
}

// A compose file's GOGC: ${GOGC:-} sets an empty variable, which Go itself takes for none.
func TestAnEmptyPercentageIsNone(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	defer collectLess(0, func(name string) (string, bool) { return "", name == "GOGC" })()
	percentSoon(t, func(n int) bool { return n > goPercent })
}

func TestTheOperatorsMemoryLimitStays(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	const memory = 8 << 30
	for _, c := range []struct {
		value string
		set   bool
		want  int64
	}{
		{want: memory * 9 / 10},
		{set: true, want: memory * 9 / 10},
		{value: "3GiB", set: true, want: 3 << 30},
		{value: "off", set: true, want: 3 << 30},
	} {
		debug.SetMemoryLimit(3 << 30) // what Go itself made of the variable
		limitMemory(memory, func(name string) (string, bool) { return c.value, c.set && name == "GOMEMLIMIT" })
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("GOMEMLIMIT=%q, set %t: the limit is %d, want %d", c.value, c.set, got, c.want)
		}
	}
}
