package mapper

import (
	"cmp"
	"strings"

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
func (m *Mapper) encodeStart(w *view, d detail) []byte {
	e := openlineage.NewEncoder(2 << 10)
	e.Open('{')
	e.Time("eventTime", w.start)
	m.head(e, w, openlineage.Start)
	e.Key("facets")
	e.Open('{')
	m.commonRunFacets(e, w)
	e.Close('}')
	e.Close('}')
	m.encodeJob(e, w, true, d)
	m.encodeInputs(e, w, func(*input) {})
	return m.tail(e)
}

// encodeTerminal is the event that carries the results, all of them in one event: a later facet replaces an earlier one whole.
func (m *Mapper) encodeTerminal(w *view, d detail) []byte {
	e := openlineage.NewEncoder(3<<10 + 640*len(w.facts)) // as measured on real results
	e.Open('{')
	e.Time("eventTime", w.end)
	m.head(e, w, w.terminal)
	e.Key("facets")
	e.Open('{')
	m.commonRunFacets(e, w)
	m.resultRunFacets(e, w, d)
	e.Close('}')
	e.Close('}')
	m.encodeJob(e, w, true, d)
	m.encodeInputs(e, w, func(in *input) { m.datasetFacets(e, w, in, d) })
	return m.tail(e)
}

// encodeMinimal is the terminal event without facets: it ends a run whose full one was refused.
func (m *Mapper) encodeMinimal(w *view) []byte {
	e := openlineage.NewEncoder(1 << 10)
	e.Open('{')
	e.Time("eventTime", w.end)
	m.head(e, w, w.terminal)
	e.Close('}')
	m.encodeJob(e, w, false, leastDetail)
	m.encodeInputs(e, w, func(*input) {})
	return m.tail(e)
}

// head writes the event type and opens the run.
func (m *Mapper) head(e *openlineage.Encoder, w *view, kind openlineage.EventType) {
	e.Member("eventType", string(kind))
	e.Key("run")
	e.Open('{')
	e.Member("runId", w.id)
}

func (m *Mapper) tail(e *openlineage.Encoder) []byte {
	e.Key("outputs")
	e.Open('[')
	e.Close(']')
	e.Member("producer", m.producer)
	e.Member("schemaURL", openlineage.SchemaURL)
	e.Close('}')
	return e.Bytes()
}

func (m *Mapper) encodeJob(e *openlineage.Encoder, w *view, facets bool, d detail) {
	e.Key("job")
	e.Open('{')
	e.Member("namespace", w.job.Namespace)
	e.Member("name", w.job.Name)
	if facets {
		e.Key("facets")
		e.Open('{')
		e.Facet("jobType", m.producer, facetURL("2-0-4", "JobTypeJobFacet"))
		e.Member("processingType", "BATCH")
		e.Member("integration", "GREAT_EXPECTATIONS")
		e.Member("jobType", "TEST")
		e.Close('}')
		if text := cmp.Or(m.settings.JobDescription, w.v.SuiteNotes); strings.TrimSpace(text) != "" {
			e.Facet("documentation", m.producer, facetURL("1-1-0", "DocumentationJobFacet"))
			e.Member("description", bound(text, 2000))
			e.Close('}')
		}
		if d > noContent {
			m.sqlFacet(e, w)
		}
		m.configuredJobFacets(e)
		e.Close('}')
	}
	e.Close('}')
}

func (m *Mapper) encodeInputs(e *openlineage.Encoder, w *view, facets func(*input)) {
	e.Key("inputs")
	e.Open('[')
	for i := range w.inputs {
		in := &w.inputs[i]
		e.Open('{')
		e.Member("namespace", in.namespace)
		e.Member("name", in.name)
		facets(in)
		e.Close('}')
	}
	e.Close(']')
}
