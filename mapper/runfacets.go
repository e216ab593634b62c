package mapper

import (
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// baseRunFacet is the schema of run facets that the standard does not name.
const baseRunFacet = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"

// maxMetaBytes bounds each name in great_expectations_meta: real ones are far shorter, and it is never trimmed.
const maxMetaBytes = 1000

// commonRunFacets stand on every event of a run.
func (m *Mapper) commonRunFacets(e *openlineage.Encoder, w *view) {
	e.Begin(m.ready.processingEngine)
	e.Field("version")
	e.String(bound(firstOf(w.v.GXVersion, "unknown"), maxNameBytes))
	e.Member("name", "Great Expectations")
	e.Member("openlineageAdapterVersion", firstOf(m.settings.Version, "dev"))
	e.Close('}')
	if w.parent.own.runID != "" {
		e.Begin(m.ready.parent)
		runAndJob(e, w.parent.own)
		e.Field("root")
		e.Open('{')
		runAndJob(e, w.parent.root)
		e.Close('}')
		e.Close('}')
	}
	if !w.times.nominal.IsZero() {
		e.Begin(m.ready.nominalTime)
		e.Time("nominalStartTime", w.times.nominal)
		e.Close('}')
	}
}

func runAndJob(e *openlineage.Encoder, r parentRun) {
	e.Field("run")
	e.Open('{')
	e.Member("runId", r.runID)
	e.Close('}')
	e.Field("job")
	e.Open('{')
	e.Member("namespace", r.job.Namespace)
	e.Member("name", r.job.Name)
	e.Close('}')
}

// resultRunFacets stand on the terminal event.
func (m *Mapper) resultRunFacets(e *openlineage.Encoder, w *view, d detail) {
	m.metaFacet(e, w, m.reference(d))
	if m.tests(w) > 0 {
		m.testFacet(e, w, d)
	}
	if w.counts.failed > 0 || w.counts.failsRun {
		e.Begin(m.ready.errorMessage)
		e.Field("message")
		e.Text(w.counts.appendErrorText(make([]byte, 0, 128)))
		e.Member("programmingLanguage", "python")
		e.Close('}')
	}
	if d > noParams {
		m.executionParameters(e, w)
	}
	if w.v.Partial || d != fullDetail || m.reference(d) || len(m.settings.RunTags) > 0 {
		e.Begin(m.ready.runTags)
		e.Field("tags")
		e.Open('[')
		configuredTags(e, m.settings.RunTags)
		if w.v.Partial {
			tag(e, "gx_ol_partial", "true", "GX_OL")
		}
		if d != fullDetail {
			tag(e, "gx_ol_trimmed", "true", "GX_OL")
		}
		if m.reference(d) {
			tag(e, "openlineage_client_version", firstOf(m.settings.Version, "dev"), "GX_OL")
		}
		e.Close(']')
		e.Close('}')
	}
}

// tests is how many expectations the run facet test names. The facet was made for results that have no dataset; where one
// carries the assertions it tells only what they have no word for.
func (m *Mapper) tests(w *view) int {
	if m.settings.TestFacet == "never" || w.checkpoint {
		return 0
	}
	if m.everyTest(w) {
		return w.counts.total
	}
	return w.counts.skipped
}

func (m *Mapper) everyTest(w *view) bool {
	return m.settings.TestFacet == "always" || !slices.ContainsFunc(w.inputs, func(in input) bool { return in.asserted })
}

// testFacet names the expectations, also those that were never evaluated.
func (m *Mapper) testFacet(e *openlineage.Encoder, w *view, d detail) {
	every := m.everyTest(w)
	e.Begin(m.ready.test)
	e.Field("tests")
	e.Open('[')
	kept := 0
	for i := range w.facts {
		a := &w.facts[i]
		if !every && a.outcome != skipped || !keep(a, d, &kept) {
			continue
		}
		if e.Over() {
			return
		}
		e.Open('{')
		e.Field("name")
		switch name := strings.TrimSpace(a.name); {
		case name != "":
			e.String(name)
		case a.column == "":
			e.String(strings.TrimSpace(a.kind))
		default:
			e.Texts(strings.TrimLeft(a.kind, " "), "(", a.column, ")")
		}
		e.Member("status", a.outcome.status())
		e.Member("severity", a.severity)
		e.Member("type", a.kind)
		m.details(e, w, a, d)
		e.Close('}')
	}
	e.Close(']')
	e.Close('}')
}

func tag(e *openlineage.Encoder, key, value, source string) {
	e.Open('{')
	e.Member("key", key)
	e.Field("value")
	e.String(value)
	e.Member("source", source)
	e.Close('}')
}

// status is the word of the test facet.
func (o outcome) status() string {
	switch o {
	case passed:
		return "pass"
	case failed:
		return "fail"
	}
	return "skip"
}

// metaFacet is a whitelist of the result's meta, under the reference action's name. Batch identifiers may be row values
// and are not among it.
func (m *Mapper) metaFacet(e *openlineage.Encoder, w *view, reference bool) {
	e.Begin(m.ready.meta)
	m.metaFields(e, w, reference)
	if reference {
		m.referenceMeta(e, w)
	}
	e.Field("statistics")
	e.Open('{')
	integerField(e, "evaluated_expectations", whole{int64(w.counts.total), true})
	integerField(e, "unsuccessful_expectations", whole{int64(w.counts.failed), true})
	integerField(e, "raised_expectations", whole{int64(w.counts.raised), true})
	e.Close('}')
	e.Close('}')
}

func (m *Mapper) metaFields(e *openlineage.Encoder, w *view, reference bool) {
	v := w.v
	e.Member("great_expectations_version", bound(v.GXVersion, maxNameBytes))
	e.Member("expectation_suite_name", bound(v.Suite, maxMetaBytes))
	e.Member("checkpoint_name", bound(v.Checkpoint, maxMetaBytes))
	e.Member("checkpoint_id", bound(v.CheckpointID, maxMetaBytes))
	e.Member("validation_id", bound(v.ValidationID, maxMetaBytes))
	if v.RunName != "" || !w.times.run.IsZero() {
		e.Field("run_id")
		e.Open('{')
		e.Member("run_name", bound(v.RunName, maxMetaBytes))
		if !w.times.run.IsZero() {
			e.Time("run_time", w.times.run)
		}
		e.Close('}')
	}
	if !w.times.validation.IsZero() {
		e.Time("validation_time", w.times.validation)
	}
	if b := &v.Batch; b.Datasource != "" || b.Asset != "" {
		e.Field("active_batch_definition")
		e.Open('{')
		e.Member("datasource_name", bound(b.Datasource, maxMetaBytes))
		e.Member("data_connector_name", bound(b.DataConnector, maxMetaBytes))
		e.Member("data_asset_name", bound(b.Asset, maxMetaBytes))
		e.Member("batch", bound(w.batch.joined, 500))
		if reference {
			m.batchIdentifiers(e, w)
		}
		e.Close('}')
	}
	if reference {
		loadTime(e, w)
	}
}

// keep decides whether an assertion is named at a level of detail: a failed one always is.
func keep(a *assertion, d detail, kept *int) bool {
	if d > leastDetail || a.outcome != passed {
		return true
	}
	*kept++
	return *kept <= passedKept
}

// details writes what both facets tell of an assertion, as far as the level goes.
func (m *Mapper) details(e *openlineage.Encoder, w *view, a *assertion, d detail) {
	if d > noPassedDetail || a.outcome != passed {
		if a.told != nil {
			e.Member("expected", a.told.expected)
		} else {
			w.field(e, "expected", a.expected)
		}
		w.field(e, "actual", a.actual)
	}
	if d > noContent && a.content != "" {
		e.Member("content", a.content)
		e.Member("contentType", "sql")
	}
	if d > noParams {
		m.params(e, a.e)
	}
}

// params writes the keywords that may be told.
func (m *Mapper) params(e *openlineage.Encoder, of *gx.Expectation) {
	open := false
	for i := range of.Kwargs {
		k := &of.Kwargs[i]
		if !isParam(of, k, m.settings.RowValues) {
			continue
		}
		if !open {
			e.Field("params")
			e.Open('{')
			open = true
		}
		e.Key(k.Name)
		e.Raw(k.Value)
	}
	if open {
		e.Close('}')
	}
}

// field writes one of the view's texts, unless it is empty.
func (w *view) field(e *openlineage.Encoder, name string, at place) {
	if at.start == at.end {
		return
	}
	e.Field(name)
	e.Text(w.texts[at.start:at.end])
}
