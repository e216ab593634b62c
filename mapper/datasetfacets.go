package mapper

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// datasetFacets writes the input's facets and input facets.
func (m *Mapper) datasetFacets(e *openlineage.Encoder, w *view, in *input, d detail) {
	places := m.settings.AssertionsIn
	if len(places) == 0 {
		places = []string{"inputFacets"}
	}
	e.Key("facets")
	e.Open('{')
	if in.sourceName != "" && isURI(in.sourceURI) {
		e.Facet("dataSource", m.producer, facetURL("1-0-1", "DatasourceDatasetFacet"))
		e.Member("name", in.sourceName)
		e.Member("uri", in.sourceURI)
		e.Close('}')
	}
	if in.measured {
		m.symlinks(e, w, &in.dataset)
	}
	if in.measured && len(w.columns) > 0 {
		e.Facet("schema", m.producer, facetURL("1-2-0", "SchemaDatasetFacet"))
		e.Key("fields")
		e.Open('[')
		for _, c := range w.columns {
			e.Open('{')
			e.Member("name", c)
			e.Close('}')
		}
		e.Close(']')
		e.Close('}')
	}
	if in.asserted && slices.Contains(places, "facets") {
		m.assertionsFacet(e, w, d)
	}
	e.Close('}')
	if !in.asserted {
		return
	}
	e.Key("inputFacets")
	e.Open('{')
	if slices.Contains(places, "inputFacets") {
		m.assertionsFacet(e, w, d)
	}
	if in.measured {
		m.metricsFacet(e, "dataQualityMetrics", &w.metrics)
	}
	if m.reference(d) {
		m.referenceInputFacets(e, w, in.measured)
	}
	if in.measured && w.metrics.rows != nil {
		e.Facet("inputStatistics", m.producer, facetURL("1-0-0", "InputStatisticsInputDatasetFacet"))
		e.Key("rowCount")
		e.Int(*w.metrics.rows)
		e.Close('}')
	}
	if in.measured {
		m.subset(e, w, in.file)
	}
	e.Close('}')
}

// isURI reports whether text is an absolute URI: with anything else in dataSource, Marquez leaves the run half written.
func isURI(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.IsAbs()
}

// symlinks gives the dataset its GX name as a second one.
func (m *Mapper) symlinks(e *openlineage.Encoder, w *view, ds *dataset) {
	b := w.v.Batch
	if !ds.symlink || b.Datasource == "" || b.Asset == "" {
		return
	}
	namespace, _ := safeNamespace("great_expectations://" + b.Datasource)
	name, _ := safeName(b.Asset, maxDatasetBytes-len(namespace))
	if namespace == ds.namespace && name == ds.name {
		return
	}
	e.Facet("symlinks", m.producer, facetURL("1-0-1", "SymlinksDatasetFacet"))
	e.Key("identifiers")
	e.Open('[')
	e.Open('{')
	e.Member("namespace", namespace)
	e.Member("name", name)
	e.Member("type", "TABLE")
	e.Close('}')
	e.Close(']')
	e.Close('}')
}

// assertionsFacet leaves out what was never evaluated: the standard has no word for it there.
func (m *Mapper) assertionsFacet(e *openlineage.Encoder, w *view, d detail) {
	e.Facet("dataQualityAssertions", m.producer, facetURL("1-1-0", "DataQualityAssertionsDatasetFacet"))
	e.Key("assertions")
	e.Open('[')
	kept := 0
	for i := range w.facts {
		a := &w.facts[i]
		if a.success == nil || !keep(a, d, &kept) {
			continue
		}
		e.Open('{')
		e.Member("assertion", a.kind)
		e.Key("success")
		e.Bool(*a.success)
		e.Member("column", a.column)
		e.Member("severity", a.severity)
		e.Member("name", a.name)
		if d > noDescriptions {
			e.Member("description", a.description)
		}
		details(e, a, d)
		e.Close('}')
	}
	e.Close(']')
	e.Close('}')
}

func (m *Mapper) metricsFacet(e *openlineage.Encoder, key string, n *metrics) {
	if n.rows == nil && n.bytes == nil && len(n.columns) == 0 {
		return
	}
	e.Facet(key, m.producer, facetURL("1-0-3", "DataQualityMetricsInputDatasetFacet"))
	member(e, "rowCount", n.rows)
	member(e, "bytes", n.bytes)
	e.Key("columnMetrics")
	e.Open('{')
	for i := range n.columns {
		c := &n.columns[i]
		e.Key(c.name)
		e.Open('{')
		member(e, "nullCount", c.nulls)
		member(e, "distinctCount", c.distinct)
		raw(e, "sum", c.sum)
		member(e, "count", c.count)
		raw(e, "min", c.min)
		raw(e, "max", c.max)
		if len(c.quantiles) > 0 {
			e.Key("quantiles")
			e.Open('{')
			for _, q := range c.quantiles {
				raw(e, q.name, q.value)
			}
			e.Close('}')
		}
		e.Close('}')
	}
	e.Close('}')
	e.Close('}')
}

func member(e *openlineage.Encoder, name string, n *int64) {
	if n != nil {
		e.Key(name)
		e.Int(*n)
	}
}

func raw(e *openlineage.Encoder, name string, value json.RawMessage) {
	if value != nil {
		e.Key(name)
		e.Raw(value)
	}
}
