// Package mapper turns a validation result into OpenLineage run events. It is pure: no clock, no randomness, no I/O, no
// Kafka. The same message with the same received time gives the same bytes, on any machine, on any day.
package mapper

import (
	"errors"
	"fmt"
	"slices"
	"text/template"
	"time"

	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Mapper maps by its settings. It holds no state and may be used by many goroutines.
type Mapper struct {
	settings Settings
	entries  *naming.Entries
	jobName  *template.Template // nil: the default name
	jobRules []jobRule
	producer string
}

// New compiles the settings' templates and globs, and reports all that is wrong with them at once.
func New(s Settings) (*Mapper, error) {
	entries, entriesErr := naming.Compile(s.Datasources, s.ProjectFolder)
	name, nameErr := compileJobName(s.JobName)
	if nameErr != nil {
		nameErr = fmt.Errorf("job.name: %w", nameErr)
	}
	rules, rulesErr := compileJobRules(s.JobRules)
	if err := errors.Join(entriesErr, nameErr, rulesErr); err != nil {
		return nil, err
	}
	return &Mapper{settings: s, entries: entries, jobName: name, jobRules: rules, producer: openlineage.Producer(s.Version)}, nil
}

// Map gives the runs of every validation result of the message, in the message's order. The error is an *Error: one
// result that cannot be mapped refuses the whole message, so that nothing is half delivered.
func (m *Mapper) Map(msg *gx.Message, in Input) ([]openlineage.Run, error) {
	if msg.Shape == gx.ShapeEvent {
		return []openlineage.Run{passThrough(msg)}, nil
	}
	runs := make([]openlineage.Run, 0, len(msg.Validations))
	sql := &sqlReader{left: maxSQL}
	for i := range msg.Validations {
		run, err := m.mapOne(&msg.Validations[i], in, sql)
		if err != nil {
			err.Part = msg.Validations[i].Part
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// view is a validation result as the encoder sees it: everything decided, nothing yet written.
type view struct {
	v               *gx.Validation
	source          *naming.Source
	id              string
	start           time.Time
	end             time.Time
	nominal         time.Time
	terminal        openlineage.EventType
	job             openlineage.Job
	parent          parent
	inputs          []input
	sql, sqlDialect string // of a query asset
	counts          counts
	facts           []assertion
	metrics         metrics
	columns         []string
	detail          detail // of the terminal event, once it is encoded
}

func (m *Mapper) mapOne(v *gx.Validation, in Input, sql *sqlReader) (openlineage.Run, *Error) {
	w, warn, fault := m.decide(v, in, sql)
	if fault != nil {
		return openlineage.Run{}, fault
	}
	run, fault := m.events(&w)
	run.Part = v.Part
	for _, in := range w.inputs {
		run.Datasets = append(run.Datasets, openlineage.Dataset{Namespace: in.namespace, Name: in.name})
	}
	run.Warn = append(warn, run.Warn...)
	return run, fault
}

// decide makes every decision about a validation result; warn says what was changed or not known.
func (m *Mapper) decide(v *gx.Validation, in Input, sql *sqlReader) (w view, warn []string, fault *Error) {
	src := m.entries.Resolve(&v.Batch)
	ds, fault := m.nameDataset(src, v.Part)
	if fault != nil {
		return view{}, nil, fault
	}
	job, warn := m.nameJob(v, in, src)
	parent, parentWarn := m.nameParent(v, in, job)
	warn = append(warn, parentWarn...)
	t := timesOf(v, in.Received)
	id := runID(v, t, in.Received)
	w = view{
		v: v, source: src, id: id.String(), start: t.start, end: endTime(t, id, v.Partial), nominal: t.nominal,
		job: job, parent: parent, counts: count(v), facts: assertions(v, m.settings.RowValues),
		metrics: measure(v), columns: columnList(v),
	}
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
	w.inputs = m.inputs(src, ds, q)
	w.terminal = openlineage.Complete
	if w.counts.failsRun && m.settings.FailedRun != "COMPLETE" {
		w.terminal = openlineage.Fail
	}
	return w, slices.Concat(warn, ds.warn), nil
}

// events encodes START and the terminal event, trimming detail until the terminal one fits.
func (m *Mapper) events(w *view) (openlineage.Run, *Error) {
	var run openlineage.Run
	event := func(kind openlineage.EventType, body []byte) openlineage.Event {
		return openlineage.Event{Type: kind, RunID: w.id, JobNamespace: w.job.Namespace, JobName: w.job.Name, Body: body,
			Key: openlineage.RunKey(w.parent.root.job, w.parent.own.job, w.job)}
	}
	limit := m.settings.MaxEventBytes
	var body []byte
	detail := fullDetail
	for ; ; detail-- {
		if detail == noReference && m.settings.Compat != compatReference {
			continue
		}
		body = m.encodeTerminal(w, detail)
		if limit <= 0 || len(body) <= limit {
			if detail != fullDetail {
				run.Warn = append(run.Warn, "trimmed")
			}
			break
		}
		if detail == leastDetail {
			return run, &Error{Code: "oversize", Reason: fmt.Sprintf(
				"its event has %d bytes, more than max_event_bytes (%d), and no detail is left to trim", len(body), limit)}
		}
	}
	w.detail = detail
	if m.settings.Lifecycle != "end_only" {
		run.Events = append(run.Events, event(openlineage.Start, m.encodeStart(w, detail)))
	}
	run.Events = append(run.Events, event(w.terminal, body))
	minimal := event(w.terminal, m.encodeMinimal(w))
	run.Minimal = &minimal
	return run, nil
}

// passThrough is an event that was one already: it travels as it is.
func passThrough(msg *gx.Message) openlineage.Run {
	f := msg.EventFacts
	ev := openlineage.Event{Type: openlineage.EventType(f.Type), RunID: f.RunID, JobNamespace: f.JobNamespace, JobName: f.JobName,
		Body: msg.Event, PassThrough: true}
	job := openlineage.Job{Namespace: f.JobNamespace, Name: f.JobName}
	switch f.Kind {
	case "DatasetEvent":
		ev.Key = openlineage.DatasetKey(f.DatasetNamespace, f.DatasetName)
	case "JobEvent":
		ev.Key = openlineage.JobKey(job)
	default:
		ev.Key = openlineage.RunKey(openlineage.Job{Namespace: f.RootNamespace, Name: f.RootName},
			openlineage.Job{Namespace: f.ParentNamespace, Name: f.ParentName}, job)
	}
	run := openlineage.Run{Events: []openlineage.Event{ev}}
	if f.DatasetName != "" {
		run.Datasets = append(run.Datasets, openlineage.Dataset{Namespace: f.DatasetNamespace, Name: f.DatasetName})
	}
	for _, d := range f.Datasets {
		run.Datasets = append(run.Datasets, openlineage.Dataset(d))
	}
	return run
}
