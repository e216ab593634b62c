// Package mapper turns a validation result into OpenLineage run events. It is pure: no clock, no randomness, no I/O, no
// Kafka. The same message with the same received time gives the same bytes, on any machine, on any day.
package mapper

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"text/template"
	"time"

	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Mapper maps by its settings. It holds no state but memory that is used again, and may be used by many goroutines.
type Mapper struct {
	settings Settings
	entries  *naming.Entries
	jobName  *template.Template // nil: the default name
	jobText  *template.Template // nil: the default description
	jobRules []jobRule
	producer string
	ready    ready
	views    sync.Pool // of *view
}

// New compiles the settings' templates and globs, and reports all that is wrong with them at once.
func New(s Settings) (*Mapper, error) {
	entries, entriesErr := naming.Compile(s.Datasources, s.ProjectFolder)
	name, nameErr := compileJobName(s.JobName)
	if nameErr != nil {
		nameErr = fmt.Errorf("job.name: %w", nameErr)
	}
	rules, rulesErr := compileJobRules(s.JobRules)
	text, textErr := compileJobName(s.JobDescription)
	if textErr != nil {
		textErr = fmt.Errorf("job.description: %w", textErr)
	}
	if err := errors.Join(entriesErr, nameErr, textErr, rulesErr); err != nil {
		return nil, err
	}
	producer := openlineage.Producer(s.Version)
	return &Mapper{settings: s, entries: entries, jobName: name, jobText: text, jobRules: rules, producer: producer, ready: newReady(producer)}, nil
}

// Map gives the runs of every validation result of the message, in the message's order. The error is an *Error: one
// result that cannot be mapped refuses the whole message, so that nothing is half delivered.
func (m *Mapper) Map(msg *gx.Message, in Input) ([]openlineage.Run, error) {
	if msg.Shape == gx.ShapeEvent {
		return passedThrough(msg), nil
	}
	if len(msg.Validations) == 0 { // a checkpoint that validated nothing, which nobody would hear of
		return []openlineage.Run{{Warn: []string{"no_validations"}}}, nil
	}
	runs := make([]openlineage.Run, 0, len(msg.Validations))
	sql, cp := &sqlReader{left: maxSQL}, m.checkpointOf(msg, in)
	left := bytesOfAll + bytesPerByte*msg.Size
	for i := range msg.Validations {
		run, err := m.mapOne(&msg.Validations[i], in, sql, cp)
		for _, ev := range run.Events {
			left -= len(ev.Body)
		}
		if err == nil && left < 0 && msg.Size > 0 {
			err = &Error{Code: "too_many_event_bytes", Reason: fmt.Sprintf(
				"the events of the message up to here have more than %d bytes and %d times its own %d", bytesOfAll, bytesPerByte, msg.Size)}
		}
		if err != nil {
			err.Part = msg.Validations[i].Part
			return nil, err
		}
		runs = append(runs, run)
	}
	if cp == nil {
		return runs, nil
	}
	all, fault := m.around(cp, runs)
	if fault != nil {
		return nil, fault
	}
	return all, nil
}

// What events may weigh, far above real ones: a short query of many tables names each of them in each of its events.
const (
	maxEventBytes = 8 << 20 // of one event where max_event_bytes does not say less
	bytesOfAll    = 4 << 20 // of a message's events, beside bytesPerByte for each byte of the message
	bytesPerByte  = 4
)

// view is a validation result as the encoder sees it: everything decided, nothing yet written.
type view struct {
	v               *gx.Validation
	source          *naming.Source
	id              string
	times           times
	end             time.Time // the terminal event's
	terminal        openlineage.EventType
	job             namedJob
	description     string // of the job; "" the default one
	parent          parent
	inputs          []input
	sql, sqlDialect string // of a query asset
	batch           batch
	counts          counts
	checkpoint      bool   // the run is a checkpoint's own: it has no results
	detail          detail // of the terminal event, once it is encoded

	// Memory that the next view uses again.
	facts   []assertion
	metrics metrics
	columns [][]byte // in the message's memory
	texts   []byte
	enc     openlineage.Encoder
	known   known
}

func (m *Mapper) view() *view {
	if w, ok := m.views.Get().(*view); ok {
		return w
	}
	return &view{texts: make([]byte, 0, 4<<10), enc: *openlineage.NewEncoder(32 << 10)}
}

// release gives the view back, without what it holds of the message. What a large message made large is left to the
// collector.
func (m *Mapper) release(w *view) {
	clear(w.facts)
	clear(w.columns)
	clear(w.inputs)
	w.metrics.reset()
	kept := view{facts: w.facts[:0], metrics: w.metrics, columns: w.columns[:0], texts: w.texts[:0], inputs: w.inputs[:0], enc: w.enc, known: w.known}
	if kept.enc.Reset(0); cap(w.facts) <= 2048 && cap(w.texts) <= 256<<10 && cap(w.enc.Bytes()) <= 1<<20 && cap(w.metrics.columns) <= 2048 && cap(w.columns) <= 2048 {
		*w = kept
		m.views.Put(w)
	}
}

func (m *Mapper) mapOne(v *gx.Validation, in Input, sql *sqlReader, cp *checkpoint) (openlineage.Run, *Error) {
	w := m.view()
	defer m.release(w)
	warn, fault := m.decide(w, v, in, sql, cp)
	if fault != nil {
		return openlineage.Run{}, fault
	}
	cp.include(w)
	run, fault := m.events(w)
	run.Part = v.Part
	run.Warn = append(warn, run.Warn...)
	return run, fault
}

// decide makes every decision about a validation result. It gives what was changed or not known.
func (m *Mapper) decide(w *view, v *gx.Validation, in Input, sql *sqlReader, cp *checkpoint) ([]string, *Error) {
	at, fault := m.locate(w, v)
	if fault != nil {
		return nil, fault
	}
	src := at.src
	job := m.job(w, v, in, src)
	parent, parentWarn := m.nameParent(in, cp)
	var few [8]string // so that what there is to warn of is put together without an allocation for each
	warn := append(append(few[:0], job.warn...), parentWarn...)
	t := timesOf(v, in.Received)
	id := runID(v, t, in.Received)
	w.v, w.source, w.id, w.times, w.end = v, src, id.String(), t, endTime(t, id, v.Partial)
	if t.unlikely || in.NoTime {
		warn = append(warn, "unlikely_time")
	}
	if otherBatch(&v.Batch) {
		warn = append(warn, "other_batch")
	}
	w.description = m.describeJob(v, in, src)
	w.job, w.parent, w.counts = job, parent, count(v)
	w.batch = w.batchOf(v.Batch.Identifiers, m.settings.BatchValues == "all")
	m.assert(w)
	w.metrics.measure(w.facts)
	w.listColumns()
	m.addContent(w.facts, v, src.Namespace(), sql)
	text := src.Query()
	q := sql.read(text, src.Namespace())
	if w.sql = m.visibleSQL(q, text); w.sql != "" {
		w.sqlDialect = dialectName(q, src.Namespace())
	}
	if sql.refused {
		warn = append(warn, "sql_not_read")
		sql.refused = false
	}
	w.inputs = m.inputs(w, src, at.dataset, q)
	if v.Single && m.settings.SingleResults != "dataset" {
		for i := range w.inputs { // one result would replace all that the dataset's page shows
			w.inputs[i].asserted, w.inputs[i].measured = false, false
		}
	}
	w.terminal = openlineage.Complete
	if w.counts.failsRun && m.settings.FailedRun != "COMPLETE" {
		w.terminal = openlineage.Fail
	}
	if len(warn) == 0 {
		return slices.Clip(at.dataset.warn), nil
	}
	return slices.Concat(warn, at.dataset.warn), nil
}

// events encodes START and the terminal event, trimming detail until the terminal one fits. Both are written into one
// buffer; an event that becomes too long is given up there.
func (m *Mapper) events(w *view) (openlineage.Run, *Error) {
	var run openlineage.Run
	size, fault := m.fit(w)
	if fault != nil {
		return run, fault
	}
	if w.detail != fullDetail {
		run.Warn = append(run.Warn, "trimmed")
	}
	if m.settings.Lifecycle != "end_only" {
		w.enc.Reset(size)
		m.encodeStart(w, w.detail)
	}
	key := w.job.key
	if w.parent.own.runID != "" {
		key = openlineage.RunKey(w.parent.root.job, w.parent.own.job, w.job.Job)
	}
	written := w.enc.Bytes()
	bodies := make([]byte, len(written)) // make and copy of a variable: Go clears nothing first, while bytes.Clone would clear what its capacity has beyond
	copy(bodies, written)
	made := m.room(w, &run)
	terminal := &made.events[1]
	*terminal = openlineage.Event{Type: w.terminal, RunID: w.id, JobNamespace: w.job.Namespace, JobName: w.job.Name, Key: key, Body: bodies[:size:size]}
	run.Events = made.events[1:]
	if len(bodies) > size {
		made.events[0] = *terminal
		made.events[0].Type, made.events[0].Body = openlineage.Start, bodies[size:]
		run.Events = made.events[:]
	}
	run.Datasets = made.datasets[:0]
	for i := range w.inputs {
		run.Datasets = append(run.Datasets, openlineage.Dataset{Namespace: w.inputs[i].namespace, Name: w.inputs[i].name})
	}
	run.Minimal = m.minimal(terminal, w.end, run.Datasets)
	return run, nil
}

// made is the room for a run's events and datasets: in one piece, for every message has them.
type made struct {
	events   [2]openlineage.Event
	datasets [1]openlineage.Dataset
}

// room makes that room; with it, in the same piece, the run's brief where somebody wants it.
func (m *Mapper) room(w *view, run *openlineage.Run) *made {
	if !m.settings.Brief || w.checkpoint {
		return new(made)
	}
	all := new(struct {
		made
		brief openlineage.Brief
		nulls [16]openlineage.Nulls
	})
	w.brief(&all.brief, all.nulls[:0])
	run.Brief = &all.brief
	return &all.made
}

// fit writes the terminal event with as much detail as it may have, and gives its size.
func (m *Mapper) fit(w *view) (int, *Error) {
	limit := maxEventBytes
	if n := m.settings.MaxEventBytes; n > 0 {
		limit = n
	}
	for w.detail = fullDetail; ; w.detail-- {
		if w.detail == noReference && m.settings.Compat != compatReference {
			continue
		}
		w.enc.Reset(0)
		w.enc.Limit(limit)
		m.encodeTerminal(w, w.detail)
		if !w.enc.Over() {
			return len(w.enc.Bytes()), nil
		}
		if w.detail == leastDetail {
			return 0, &Error{Code: "oversize", Reason: fmt.Sprintf(
				"its event has more bytes than max_event_bytes allows (%d), and no detail is left to trim", limit)}
		}
	}
}
