package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// machine names what this runs on, and how busy others keep it: the load of the last minute before anything was measured.
func machine() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	model := runtime.GOARCH
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores, %s %s/%s", model, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// load is the system's load of the last minute.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// usage is what a process has cost so far, as the system accounts for it.
type usage struct {
	cpu  float64 // seconds
	peak float64 // resident MB
}

// ticks a second in which /proc counts CPU; a constant of Linux's interface.
const ticks = 100

// usageOf asks the system about a running process; false if there is none.
func usageOf(pid int) (usage, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, false
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || len(fields) < 13 {
		return usage{}, false
	}
	u := usage{cpu: (number(fields[11]) + number(fields[12])) / ticks}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			u.peak = number(strings.Fields(rest)[0]) / 1024
		}
	}
	return u, u.peak > 0 // a process that has ended has no memory
}

// usageAtEnd is what a process cost in all. Its memory is not known: the system's account of it begins with that of its parent.
func usageAtEnd(state *os.ProcessState) usage {
	return usage{cpu: (state.UserTime() + state.SystemTime()).Seconds()}
}

func number(s string) float64 {
	n, _ := strconv.ParseFloat(cmp.Or(s, "0"), 64)
	return n
}
