// Package events makes a lineage graph of OpenLineage events, one after the other, and holds none of them.
package events

import (
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Event is what the graph needs of an event.
type Event struct {
	Type      openlineage.EventType // upper case; empty for job and dataset events
	Time      time.Time
	Job       lineage.Job // no name: a dataset event
	Check     bool        // the job says that it checks data
	Streaming bool
	Run       Facets
	Inputs    []Input
	Outputs   []Output
	Dataset   *lineage.Dataset // of a dataset event
}

// Facets are what is known of a run.
type Facets struct {
	ID           string
	Parent, Root *lineage.Run
	Suite        string
}

// Input is a dataset that is read.
type Input struct {
	lineage.Dataset
	Results *Results // nil: no assertions
}

// Output is a dataset that is written.
type Output struct {
	lineage.Dataset
	Columns map[string][]lineage.Column // what its columns are made from
}

// Results are the assertions about a dataset.
type Results struct {
	Passed int
	Failed []lineage.Assertion
}

// Time reads a time as OpenLineage writes it, or as its producers do; without a zone it is UTC. Zero: it is none.
func Time(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// IsCheck says whether the facet jobType is that of a job that checks data.
func IsCheck(integration, jobType string) bool {
	return strings.EqualFold(integration, "GREAT_EXPECTATIONS") || strings.EqualFold(jobType, "TEST")
}
