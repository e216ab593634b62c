package app

import (
	"context"
	"sync"
	"time"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
	"github.com/gx-ol/gx-ol/internal/seen"
)

// seenLineage is the lineage of the events that this process has delivered and still holds: what there is where no backend can be asked.
type seenLineage struct {
	memory *seen.Memory

	mu     sync.Mutex // guards all below, and is held while the graph is made
	number uint64     // of the memory when it was made
	made   time.Time
	graph  *lineage.Graph
}

// graphFor is how long a graph counts as of now.
const graphFor = 5 * time.Second

// source makes the graph, unless the last one still holds.
func (s *seenLineage) source(context.Context) (lineage.Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.memory.Number(); s.graph == nil || n != s.number && time.Since(s.made) > graphFor {
		s.graph, s.number, s.made = s.build(), n, time.Now()
	}
	return &lineage.Whole{Name: "what this process has seen", Graph: s.graph}, nil
}

// build makes the graph of the events that are held; what is no event is left out.
func (s *seenLineage) build() *lineage.Graph {
	b, p := events.NewBuilder(events.DefaultBound), events.NewParser()
	before, lost := uint64(0), 0
	for {
		runs, more := s.memory.Latest(func(*seen.Run) bool { return true }, before, 500)
		for _, run := range runs {
			bodies := s.memory.Events(run.Number)
			if len(bodies) == 0 {
				lost++
			}
			for _, body := range bodies {
				if ev, err := p.Parse(body); err == nil {
					b.Add(ev)
				}
			}
		}
		if !more || len(runs) == 0 {
			break
		}
		before = runs[len(runs)-1].Number
	}
	g := b.Graph()
	if lost > 0 {
		g.Note("Only the latest events are held here: what older ones said of lineage is missing. gx-ol ask reads all of them from the backend or a topic.")
	}
	return g
}
