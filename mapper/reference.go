package mapper

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// compatReference makes events that a consumer of OpenLineageValidationAction can read on: its facets beside ours, with
// right values where its own are wrong. docs/reference-action.md compares the two field by field.
const compatReference = "reference"

// baseInputFacet is the schema of input facets that the standard does not name. The reference action names a page of its
// repository instead, which is no schema and has moved since.
const baseInputFacet = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/InputDatasetFacet"

// reference reports whether an event of this detail carries the reference action's facets: all they tell stands in the
// standard ones too, so they are the first to go.
func (m *Mapper) reference(d detail) bool {
	return m.settings.Compat == compatReference && d == fullDetail
}

// referenceInputFacets are the metrics and the assertions under the reference action's keys.
func (m *Mapper) referenceInputFacets(e *openlineage.Encoder, w *view, measured bool) {
	if measured {
		metricsFacet(e, m.ready.referenceMetrics, &w.metrics)
	}
	e.Begin(m.ready.referenceAssertions)
	e.Field("assertions")
	e.Open('[')
	for i := range w.facts {
		a := &w.facts[i]
		if a.outcome == skipped {
			continue
		}
		if e.Over() {
			return
		}
		e.Open('{')
		e.Member("expectationType", a.kind)
		e.Field("success")
		e.Bool(a.outcome == passed)
		e.Member("column", a.column)
		e.Close('}')
	}
	e.Close(']')
	e.Close('}')
}

// referenceMeta is the suite's meta, which in the reference action's great_expectations_meta repeats the result's.
func (m *Mapper) referenceMeta(e *openlineage.Encoder, w *view) {
	e.Field("expectation_suite_meta")
	e.Open('{')
	m.metaFields(e, w, true)
	e.Close('}')
}

func loadTime(e *openlineage.Encoder, w *view) {
	if w.times.load.IsZero() {
		return
	}
	e.Field("batch_markers")
	e.Open('{')
	e.Time("ge_load_time", w.times.load)
	e.Close('}')
}

// batchIdentifiers writes those that are parts of a date, or all by opt-in. V2 has none: what stands in their place in
// the identity is its batch_kwargs.
func (m *Mapper) batchIdentifiers(e *openlineage.Encoder, w *view) {
	b := w.v.Batch
	if b.DataConnector == "" || len(b.Identifiers) == 0 {
		return
	}
	dec := json.NewDecoder(bytes.NewReader(b.Identifiers))
	dec.UseNumber()
	var tree map[string]any
	if dec.Decode(&tree) != nil || tree == nil {
		return
	}
	keepIdentifiers(tree, m.settings.BatchValues == "all")
	text, err := json.Marshal(tree)
	if err != nil {
		return
	}
	e.Field("batch_identifiers")
	e.Raw(text)
}

// keepIdentifiers drops from tree what may be a row value, and what is neither text nor number.
func keepIdentifiers(tree map[string]any, all bool) {
	for k, v := range tree {
		text, scalar := "", true
		switch v := v.(type) {
		case map[string]any:
			keepIdentifiers(v, all)
			if len(v) > 0 {
				continue
			}
			scalar = false
		case string:
			text = v
		case json.Number:
			text = v.String()
		case bool:
		default:
			scalar = false
		}
		date := slices.Contains(dateParts[:], strings.ToLower(k)) && digits(text)
		if !scalar || !all && !date {
			delete(tree, k)
		}
	}
}
