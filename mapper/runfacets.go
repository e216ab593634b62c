package mapper

import (
	"strings"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// baseRunFacet is the schema of run facets that the standard does not name.
const baseRunFacet = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"

// commonRunFacets stand on every event of a run.
func (m *Mapper) commonRunFacets(e *openlineage.Encoder, w *view) {
	e.Facet("processing_engine", m.producer, facetURL("1-1-1", "ProcessingEngineRunFacet"))
	e.Key("version")
	e.String(firstOf(w.v.GXVersion, "unknown"))
	e.Member("name", "Great Expectations")
	e.Member("openlineageAdapterVersion", firstOf(m.settings.Version, "dev"))
	e.Close('}')
	if w.parent.own.runID != "" {
		e.Facet("parent", m.producer, facetURL("1-2-0", "ParentRunFacet"))
		runAndJob(e, w.parent.own)
		e.Key("root")
		e.Open('{')
		runAndJob(e, w.parent.root)
		e.Close('}')
		e.Close('}')
	}
	if !w.nominal.IsZero() {
		e.Facet("nominalTime", m.producer, facetURL("1-0-1", "NominalTimeRunFacet"))
		e.Time("nominalStartTime", w.nominal)
		e.Close('}')
	}
}

func runAndJob(e *openlineage.Encoder, r parentRun) {
	e.Key("run")
	e.Open('{')
	e.Member("runId", r.runID)
	e.Close('}')
	e.Key("job")
	e.Open('{')
	e.Member("namespace", r.job.Namespace)
	e.Member("name", r.job.Name)
	e.Close('}')
}

// resultRunFacets stand on the terminal event.
func (m *Mapper) resultRunFacets(e *openlineage.Encoder, w *view, d detail) {
	m.metaFacet(e, w, m.reference(d))
	e.Facet("test", m.producer, facetURL("1-0-1", "TestRunFacet"))
	e.Key("tests")
	e.Open('[')
	kept := 0
	for i := range w.facts {
		a := &w.facts[i]
		if !keep(a, d, &kept) {
			continue
		}
		e.Open('{')
		e.Member("name", firstOf(a.name, a.kind+bracketed(a.column)))
		e.Member("status", status(a))
		e.Member("severity", a.severity)
		e.Member("type", a.kind)
		details(e, a, d)
		e.Close('}')
	}
	e.Close(']')
	e.Close('}')
	if w.counts.failed > 0 {
		e.Facet("errorMessage", m.producer, facetURL("1-0-1", "ErrorMessageRunFacet"))
		e.Member("message", w.counts.errorText())
		e.Member("programmingLanguage", "python")
		e.Close('}')
	}
	if d > noParams {
		m.executionParameters(e, w)
	}
	if w.v.Partial || d != fullDetail || m.reference(d) || len(m.settings.RunTags) > 0 {
		e.Facet("tags", m.producer, facetURL("1-0-0", "TagsRunFacet"))
		e.Key("tags")
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

func tag(e *openlineage.Encoder, key, value, source string) {
	e.Open('{')
	e.Member("key", key)
	e.Key("value")
	e.String(value)
	e.Member("source", source)
	e.Close('}')
}

func bracketed(column string) string {
	if column == "" {
		return ""
	}
	return "(" + column + ")"
}

func status(a *assertion) string {
	switch {
	case a.success == nil:
		return "skip"
	case *a.success:
		return "pass"
	default:
		return "fail"
	}
}

// metaFacet is a whitelist of the result's meta, under the reference action's name. Batch identifiers may be row values
// and are not among it.
func (m *Mapper) metaFacet(e *openlineage.Encoder, w *view, reference bool) {
	e.Facet("great_expectations_meta", m.producer, baseRunFacet)
	m.metaFields(e, w, reference)
	if reference {
		m.referenceMeta(e, w)
	}
	e.Key("statistics")
	e.Open('{')
	for _, n := range []struct {
		name string
		n    int
	}{{"evaluated_expectations", w.counts.total}, {"unsuccessful_expectations", w.counts.failed}, {"raised_expectations", w.counts.raised}} {
		e.Key(n.name)
		e.Int(int64(n.n))
	}
	e.Close('}')
	e.Close('}')
}

func (m *Mapper) metaFields(e *openlineage.Encoder, w *view, reference bool) {
	v := w.v
	e.Member("great_expectations_version", v.GXVersion)
	e.Member("expectation_suite_name", v.Suite)
	e.Member("checkpoint_name", v.Checkpoint)
	e.Member("checkpoint_id", v.CheckpointID)
	e.Member("validation_id", v.ValidationID)
	if v.RunName != "" || !v.RunTime.IsZero() {
		e.Key("run_id")
		e.Open('{')
		e.Member("run_name", v.RunName)
		if !v.RunTime.IsZero() {
			e.Time("run_time", v.RunTime)
		}
		e.Close('}')
	}
	if !v.ValidationTime.IsZero() {
		e.Time("validation_time", v.ValidationTime)
	}
	if b := v.Batch; b.Datasource != "" || b.Asset != "" {
		e.Key("active_batch_definition")
		e.Open('{')
		e.Member("datasource_name", b.Datasource)
		e.Member("data_connector_name", b.DataConnector)
		e.Member("data_asset_name", b.Asset)
		e.Member("batch", bound(batchText(v, m.settings.BatchValues), 500))
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
	if d > leastDetail || a.success == nil || !*a.success {
		return true
	}
	*kept++
	return *kept <= passedKept
}

// details writes what both facets tell of an assertion, as far as the level goes.
func details(e *openlineage.Encoder, a *assertion, d detail) {
	passed := a.success != nil && *a.success
	if d > noPassedDetail || !passed {
		e.Member("expected", a.expected)
		e.Member("actual", a.actual)
	}
	if d > noContent && a.content != "" {
		e.Member("content", a.content)
		e.Member("contentType", "sql")
	}
	if d <= noParams || len(a.params) == 0 {
		return
	}
	e.Key("params")
	e.Open('{')
	seen := make(map[string]bool, len(a.params))
	for _, p := range a.params {
		name := strings.ReplaceAll(p.name, "\x00", "")
		if seen[name] || name == "" {
			continue
		}
		seen[name] = true
		e.Key(name)
		e.Raw(p.value)
	}
	e.Close('}')
}
