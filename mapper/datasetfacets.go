package mapper

import (
	"encoding/json"
	"slices"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// datasetFacets writes the input's facets and input facets.
func (m *Mapper) datasetFacets(e *openlineage.Encoder, w *view, in *input, d detail) {
	e.Field("facets")
	e.Open('{')
	if in.hasSource() {
		m.dataSource(e, in)
	}
	if in.measured && m.settings.Symlinks == "on" {
		m.symlinks(e, in.second)
	}
	if in.measured && len(w.columns) > 0 && m.tellsColumns() {
		e.Begin(m.ready.schema)
		e.Field("fields")
		e.Open('[')
		for _, c := range w.columns {
			e.Open('{')
			e.Field("name")
			e.Text(c)
			e.Close('}')
		}
		e.Close(']')
		e.Close('}')
	}
	if in.asserted && slices.Contains(m.settings.AssertionsIn, "facets") {
		m.assertionsFacet(e, w, d)
	}
	e.Close('}')
	if !in.asserted {
		return
	}
	e.Field("inputFacets")
	e.Open('{')
	if len(m.settings.AssertionsIn) == 0 || slices.Contains(m.settings.AssertionsIn, "inputFacets") {
		m.assertionsFacet(e, w, d)
	}
	if in.measured {
		metricsFacet(e, m.ready.metrics, &w.metrics)
	}
	if m.reference(d) {
		m.referenceInputFacets(e, w, in.measured)
	}
	if in.measured && w.metrics.rows.known {
		e.Begin(m.ready.statistics)
		e.Field("rowCount")
		e.Int(w.metrics.rows.n)
		e.Close('}')
	}
	if in.measured {
		m.subset(e, w, in.file)
	}
	e.Close('}')
}

// tellsColumns reports whether the schema facet is wanted. Its fields have names only: in Marquez they hide those of who knows the types, and
// each event adds all of them again.
func (m *Mapper) tellsColumns() bool {
	return m.settings.SchemaFacet == "on" || m.settings.SchemaFacet == "" && m.settings.Compat == compatReference
}

func (d *dataset) hasSource() bool { return d.sourceName != "" && d.sourceURI != "" }

func (m *Mapper) dataSource(e *openlineage.Encoder, in *input) {
	e.Begin(m.ready.dataSource)
	e.Member("name", in.sourceName)
	e.Member("uri", in.sourceURI)
	e.Close('}')
}

// symlinks writes the dataset's second name.
func (m *Mapper) symlinks(e *openlineage.Encoder, second openlineage.Dataset) {
	if second.Name == "" {
		return
	}
	e.Begin(m.ready.symlinks)
	e.Field("identifiers")
	e.Open('[')
	e.Open('{')
	e.Member("namespace", second.Namespace)
	e.Member("name", second.Name)
	e.Member("type", "TABLE")
	e.Close('}')
	e.Close(']')
	e.Close('}')
}

// assertionsFacet leaves out what was never evaluated: the standard has no word for it there. An empty one would replace
// the dataset's last ones by nothing.
func (m *Mapper) assertionsFacet(e *openlineage.Encoder, w *view, d detail) {
	if w.counts.total == w.counts.skipped {
		return
	}
	e.Begin(m.ready.assertions)
	e.Field("assertions")
	e.Open('[')
	kept := 0
	for i := range w.facts {
		a := &w.facts[i]
		if a.outcome == skipped || !keep(a, d, &kept) {
			continue
		}
		if e.Over() {
			return
		}
		if a.told != nil && a.content == "" && d > noParams {
			a.told.full(e, w, a)
			continue
		}
		e.Open('{')
		e.Member("assertion", a.kind)
		e.Field("success")
		e.Bool(a.outcome == passed)
		e.Member("column", a.column)
		e.Member("severity", a.severity)
		e.Member("name", a.name)
		if d > noDescriptions {
			e.Member("description", a.description)
		}
		m.details(e, w, a, d)
		e.Close('}')
	}
	e.Close(']')
	e.Close('}')
}

func metricsFacet(e *openlineage.Encoder, facet openlineage.Ready, n *metrics) {
	if !n.known() {
		return
	}
	e.Begin(facet)
	integerField(e, "rowCount", n.rows)
	integerField(e, "bytes", n.bytes)
	e.Field("columnMetrics")
	e.Open('{')
	for i := range n.columns {
		c := &n.columns[i]
		if c.empty() {
			continue
		}
		if e.Over() {
			return
		}
		e.Key(c.name)
		e.Open('{')
		integerField(e, "nullCount", c.nulls)
		integerField(e, "distinctCount", c.distinct)
		raw(e, "sum", c.sum)
		integerField(e, "count", c.count)
		raw(e, "min", c.min)
		raw(e, "max", c.max)
		if len(c.quantiles) > 0 {
			e.Field("quantiles")
			e.Open('{')
			for _, q := range c.quantiles {
				e.Key(string(q.name))
				e.Raw(q.value)
			}
			e.Close('}')
		}
		e.Close('}')
	}
	e.Close('}')
	e.Close('}')
}

func integerField(e *openlineage.Encoder, name string, n whole) {
	if n.known {
		e.Field(name)
		e.Int(n.n)
	}
}

func raw(e *openlineage.Encoder, name string, value json.RawMessage) {
	if value != nil {
		e.Key(name)
		e.Raw(value)
	}
}
