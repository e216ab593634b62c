// Package openlineage holds the OpenLineage events that gx-ol sends: their shape, their encoding, and what must be
// known of one to deliver it. It knows no Great Expectations, no Kafka and no HTTP.
package openlineage

import "time"

// EventType is the eventType of a RunEvent.
type EventType string

// The event types of the OpenLineage specification.
const (
	Start    EventType = "START"
	Running  EventType = "RUNNING"
	Complete EventType = "COMPLETE"
	Fail     EventType = "FAIL"
	Abort    EventType = "ABORT"
	Other    EventType = "OTHER"
)

// Terminal reports whether the type ends a run.
func (t EventType) Terminal() bool { return t == Complete || t == Fail || t == Abort }

// Event is one encoded OpenLineage event, ready to be delivered. Redelivery sends the same Body.
type Event struct {
	Type         EventType // empty for DatasetEvent and JobEvent
	RunID        string    // lower-case UUID; empty for DatasetEvent and JobEvent
	JobNamespace string
	JobName      string
	Key          string // Kafka key by OpenLineage's rule: run:<namespace>/<name>, job:…, dataset:…
	Body         []byte // the JSON text, UTF-8, no byte order mark; a passed-through event's own bytes
	PassThrough  bool   // the producer of the message made it, not Map: never trimmed
}

// Run is what one validation result (or one passed-through event) becomes.
type Run struct {
	Part     string       // which validation result of the message: "" if it is the only one, else its place, e.g. "run_results[2]"
	Events   []Event      // in the order of delivery: START (if any), then the terminal event
	Minimal  func() Event // makes the terminal event without facets, sent if the full one is refused after START was taken; nil for pass-through
	Datasets []Dataset    // what its events name, inputs and outputs: what the run must stay in order with
	Warn     []string     // what was changed or not known, in closed words for counters ("unmapped_datasource", …)
	Brief    *Brief       // its validation result at a glance; nil where there is none (passed-through events, a checkpoint's own run), or where nobody wants it (mapper.Settings.Brief)
}

// Brief is what a person wants to know of a validation result at a glance, without reading its events. Its texts may lie in the message's memory: whoever
// keeps them clones them.
type Brief struct {
	Suite                   string
	Started, Ended          time.Time // as its events say
	Passed, Failed, Skipped int       // expectations; skipped: never evaluated
	Fails                   bool      // the result counts as failed: an expectation of severity error failed, or one raised
	Rows                    int64     // of the dataset; -1: not known
	Nulls                   []Nulls   // of its columns, as far as they are known
}

// Nulls is how many values of a column are null.
type Nulls struct {
	Column string
	Count  int64
}

// Dataset names a dataset.
type Dataset struct{ Namespace, Name string }
