package mapper

import (
	"time"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// detail is how much an event tells; each step down leaves one more thing out.
type detail int

const (
	leastDetail    detail = iota // passed assertions beyond the first 50 left out
	noPassedDetail               // passed assertions without expected and actual
	noContent                    // no SQL
	noDescriptions
	noParams
	noReference // without the reference action's facets, where they were asked for
	fullDetail
)

// passedKept is how many passed assertions the least detailed event still names.
const passedKept = 50

func facetURL(version, name string) string {
	return "https://openlineage.io/spec/facets/" + version + "/" + name + ".json#/$defs/" + name
}

// encodeStart is the START event: job, run and input names.
func (m *Mapper) encodeStart(w *view, d detail) {
	e := &w.enc
	e.Open('{')
	e.Time("eventTime", w.times.start)
	head(e, w.id, openlineage.Start)
	e.Field("facets")
	e.Open('{')
	m.commonRunFacets(e, w)
	e.Close('}')
	e.Close('}')
	m.encodeJob(e, w, d)
	e.Field("inputs")
	e.Open('[')
	for i := range w.inputs {
		in := &w.inputs[i]
		inputName(e, in.namespace, in.name)
		if in.hasSource() { // Marquez takes a dataset's source from its first event
			e.Field("facets")
			e.Open('{')
			m.dataSource(e, in)
			e.Close('}')
		}
		e.Close('}')
	}
	e.Close(']')
	m.tail(e)
}

// encodeTerminal is the event that carries the results, all of them in one event: a later facet replaces an earlier one whole.
func (m *Mapper) encodeTerminal(w *view, d detail) {
	e := &w.enc
	e.Open('{')
	e.Time("eventTime", w.end)
	head(e, w.id, w.terminal)
	e.Field("facets")
	e.Open('{')
	m.commonRunFacets(e, w)
	m.resultRunFacets(e, w, d)
	e.Close('}')
	e.Close('}')
	m.encodeJob(e, w, d)
	e.Field("inputs")
	e.Open('[')
	for i := range w.inputs {
		inputName(e, w.inputs[i].namespace, w.inputs[i].name)
		m.datasetFacets(e, w, &w.inputs[i], d)
		e.Close('}')
		if e.Over() {
			break
		}
	}
	e.Close(']')
	m.tail(e)
}

// minimal makes the terminal event without facets, which ends a run whose full one was refused. It is seldom wanted and so
// made when it is, of what the run holds anyway.
func (m *Mapper) minimal(ev *openlineage.Event, end time.Time, inputs []openlineage.Dataset) func() openlineage.Event {
	return func() openlineage.Event {
		e := openlineage.NewEncoder(1 << 10)
		e.Open('{')
		e.Time("eventTime", end)
		head(e, ev.RunID, ev.Type)
		e.Close('}')
		jobName(e, openlineage.Job{Namespace: ev.JobNamespace, Name: ev.JobName})
		e.Close('}')
		e.Field("inputs")
		e.Open('[')
		for i := range inputs {
			inputName(e, inputs[i].Namespace, inputs[i].Name)
			e.Close('}')
		}
		e.Close(']')
		m.tail(e)
		least := *ev
		least.Body = e.Bytes()
		return least
	}
}

// head writes the event type and opens the run.
func head(e *openlineage.Encoder, runID string, kind openlineage.EventType) {
	e.Member("eventType", string(kind))
	e.Field("run")
	e.Open('{')
	e.Member("runId", runID)
}

func (m *Mapper) tail(e *openlineage.Encoder) {
	e.Begin(m.ready.tail)
	e.Close('}')
}

// jobName opens the job.
func jobName(e *openlineage.Encoder, job openlineage.Job) {
	e.Field("job")
	e.Open('{')
	e.Member("namespace", job.Namespace)
	e.Member("name", job.Name)
}

func (m *Mapper) encodeJob(e *openlineage.Encoder, w *view, d detail) {
	jobName(e, w.job.Job)
	e.Field("facets")
	e.Open('{')
	e.Begin(m.ready.jobType)
	e.Member("processingType", "BATCH")
	e.Member("integration", "GREAT_EXPECTATIONS")
	e.Member("jobType", "TEST")
	e.Close('}')
	m.documentation(e, w)
	if d > noContent {
		m.sqlFacet(e, w)
	}
	m.configuredJobFacets(e)
	e.Close('}')
	e.Close('}')
}

// documentation describes the job: nobody reads a list of suites' and assets' names.
func (m *Mapper) documentation(e *openlineage.Encoder, w *view) {
	suite, asset := w.v.Suite, w.source.Asset
	if w.description == "" && suite == "" && asset == "" {
		return
	}
	e.Begin(m.ready.documentation)
	e.Field("description")
	switch {
	case w.description != "":
		e.String(bound(w.description, 2000))
	case suite == "":
		e.Texts("Checks ", bound(asset, maxMetaBytes), " with Great Expectations.")
	case asset == "":
		e.Texts("Runs the Great Expectations suite ", bound(suite, maxMetaBytes), ".")
	default:
		e.Texts("Checks ", bound(asset, maxMetaBytes), " with the Great Expectations suite ", bound(suite, maxMetaBytes), ".")
	}
	e.Close('}')
}

// inputName opens an input.
func inputName(e *openlineage.Encoder, namespace, name string) {
	e.Open('{')
	e.Member("namespace", namespace)
	e.Member("name", name)
}
