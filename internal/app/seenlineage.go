package app

import (
	"bytes"
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// seenLineage is the lineage of the events that this process has settled: of each job those of its latest run. It is what there is where no backend can be asked.
type seenLineage struct {
	ended atomic.Bool // nobody asks it: there is something better

	mu     sync.Mutex // guards all below
	jobs   map[seenJob]*list.Element
	order  list.List // of *seenEvents, heard of last at the end
	bytes  int
	lost   bool // jobs were forgotten
	number uint64

	making sync.Mutex // guards all below, and is held while the graph is made
	made   time.Time
	of     uint64 // the number when it was made
	graph  *lineage.Graph
}

type seenJob struct{ namespace, name string }

type seenEvents struct {
	job    seenJob
	run    string
	bodies [][]byte
	bytes  int
}

const (
	graphFor       = 5 * time.Second // how long a graph counts as of now
	mostSeenEvents = 16 << 20        // bytes of events that are held
	mostOfARun     = 8               // events of one run
)

func newSeenLineage() *seenLineage { return &seenLineage{jobs: make(map[seenJob]*list.Element)} }

// settled takes the runs of a record.
func (s *seenLineage) settled(runs []openlineage.Run) {
	if s.ended.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended.Load() { // meanwhile
		return
	}
	for i := range runs {
		for j := range runs[i].Events {
			s.add(&runs[i].Events[j])
		}
	}
	for s.bytes > mostSeenEvents {
		oldest := s.order.Remove(s.order.Front()).(*seenEvents)
		delete(s.jobs, oldest.job)
		s.bytes -= oldest.bytes
		s.lost = true
	}
}

// end forgets everything, and remembers nothing from now on.
func (s *seenLineage) end() {
	s.ended.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.jobs)
	s.order.Init()
	s.bytes = 0
}

// add takes an event. The caller holds mu.
func (s *seenLineage) add(e *openlineage.Event) {
	if e.JobName == "" {
		return
	}
	s.number++
	job := seenJob{e.JobNamespace, e.JobName}
	at := s.jobs[job]
	if at == nil {
		at = s.order.PushBack(&seenEvents{job: job})
		s.jobs[job] = at
	}
	s.order.MoveToBack(at)
	one := at.Value.(*seenEvents)
	if one.run != e.RunID || len(one.bodies) >= mostOfARun {
		s.bytes -= one.bytes
		one.run, one.bodies, one.bytes = e.RunID, nil, 0
	}
	body := e.Body
	if e.PassThrough {
		body = bytes.Clone(body) // it lies in the message, whose memory is used again
	}
	one.bodies = append(one.bodies, body)
	one.bytes += len(e.Body)
	s.bytes += len(e.Body)
}

// source makes the graph, unless the last one still holds.
func (s *seenLineage) source(context.Context) (lineage.Source, error) {
	s.making.Lock()
	defer s.making.Unlock()
	s.mu.Lock()
	number, lost := s.number, s.lost
	stale := s.graph == nil || number != s.of && time.Since(s.made) > graphFor
	var bodies [][]byte
	for at := s.order.Front(); stale && at != nil; at = at.Next() {
		bodies = append(bodies, at.Value.(*seenEvents).bodies...)
	}
	s.mu.Unlock()
	if stale {
		s.graph, s.of, s.made = graphOf(bodies), number, time.Now()
		if lost {
			s.graph.Note("Only the events of the latest jobs are held here: what older ones said of lineage is missing. gx-ol ask reads all of them from a backend or a topic.")
		}
	}
	return &lineage.Whole{Name: "what this process has seen", Graph: s.graph}, nil
}

// graphOf makes the graph of events; what is none is left out.
func graphOf(bodies [][]byte) *lineage.Graph {
	b, p := events.NewBuilder(events.DefaultBound), events.NewParser()
	for _, body := range bodies {
		if ev, err := p.Parse(body); err == nil {
			b.Add(ev)
		}
	}
	return b.Graph()
}
