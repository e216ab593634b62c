package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// report is what a run shows.
type report struct {
	Mode        string
	Plant       string `json:",omitempty"`
	Seed        uint64
	Records     int
	Poison      int
	Processes   int
	Brokers     int
	Partitions  int
	Events      int // deliveries
	Seconds     float64
	Actions     map[string]int // what happened, by kind
	Served      map[string]int // requests that a phase of the backend spoiled
	Redelivered int            // deliveries beyond the first of each event
	Bound       int            // what the disturbances explain of those and of LetterCopy
	Letters     int
	LetterCopy  int
	Violations  []violation
}

// violation is one kind of broken promise.
type violation struct {
	Kind      string
	Count     int
	Witnesses []string
}

func (s *estate) report(f *findings, t tally, took time.Duration) *report {
	r := &report{Mode: s.o.mode, Plant: s.o.plant, Seed: s.o.seed, Records: s.o.records, Processes: s.o.processes, Brokers: s.o.brokers,
		Partitions: s.o.partitions, Events: s.journal.taken, Seconds: took.Seconds(), Actions: s.counts, Redelivered: t.Redelivered,
		Bound: t.Bound, Letters: t.Letters, LetterCopy: t.LetterCopies}
	for _, k := range s.e.kinds {
		if k.code() != "" {
			r.Poison++
		}
	}
	if s.backend != nil {
		r.Served = s.backend.served
	}
	for _, k := range f.kinds() {
		r.Violations = append(r.Violations, violation{k, f.counts[k], f.witnesses[k]})
	}
	return r
}

func (r *report) print(w io.Writer, format string) {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		_ = enc.Encode(r) // a report has nothing that can't be encoded
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	row("mode", r.Mode)
	if r.Plant != "" {
		row("planted bug", r.Plant)
	}
	row("seed", r.Seed)
	row("records", fmt.Sprintf("%d, of them %d poison; %d partitions", r.Records, r.Poison, r.Partitions))
	row("processes, brokers", fmt.Sprintf("%d, %d", r.Processes, r.Brokers))
	row("seconds", fmt.Sprintf("%.0f", r.Seconds))
	for _, name := range sorted(r.Actions) {
		text := fmt.Sprint(r.Actions[name], " times")
		if n := r.Served[name]; n > 0 {
			text += fmt.Sprintf(", %d requests", n)
		}
		row("  "+name, text)
	}
	row("deliveries", r.Events)
	if r.Mode == exactlyOnce {
		row("delivered twice", fmt.Sprintf("%d events, %d letters", r.Redelivered, r.LetterCopy))
	} else {
		row("redelivered", fmt.Sprintf("%d events, %d letters; the disturbances explain %d", r.Redelivered, r.LetterCopy, r.Bound))
	}
	row("dead letters", r.Letters)
	row("violations", len(r.Violations))
	_ = t.Flush() // a lost report shows
	for _, v := range r.Violations {
		fmt.Fprintf(w, "VIOLATION %s (%d)\n", v.Kind, v.Count)
		for _, line := range v.Witnesses {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
}

func sorted(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
