package mapper

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/mapper/sqltext"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// input is a dataset of the event and what it carries.
type input struct {
	dataset
	asserted bool // the assertions
	measured bool // metrics, columns, the GX name: what was validated is this dataset itself
}

// inputs are what was validated and, of a query, the tables that it reads: further inputs without assertions, or with
// them in the asset's place where query_assertions asks for it. Metrics of a query's rows are never told of a table.
func (m *Mapper) inputs(w *view, src *naming.Source, ds dataset, q *sqltext.Query) []input {
	all := w.inputs[:0]
	if !ds.none {
		all = append(all, input{ds, true, true})
	}
	tables := m.tablesOfQuery(w, src, q)
	if m.settings.QueryAssertions == "tables" && len(tables) > 0 {
		for i := range tables {
			tables[i].asserted = true
		}
		return append(all[:0], tables...)
	}
	for _, t := range tables {
		if ds.none || t.namespace != ds.namespace || t.name != ds.name {
			all = append(all, t)
		}
	}
	return all
}

// tablesOfQuery names the tables of a query by its datasource. Where that is not known there are none: a made-up name
// would be a dataset that nobody else writes or reads.
func (m *Mapper) tablesOfQuery(w *view, src *naming.Source, q *sqltext.Query) (tables []input) {
	if q == nil || src.Namespace() == "" {
		return nil
	}
	for _, parts := range q.Tables() {
		d, _ := m.safeDataset(w, src.TableOfQuery(parts), src.Datasource)
		known := func(t input) bool { return t.name == d.name }
		if !slices.ContainsFunc(tables, known) {
			tables = append(tables, input{dataset: d})
		}
	}
	return tables
}

// maxSQL is how much SQL of one message is read, in bytes: its validations may repeat long queries as often as they like.
const maxSQL = 1 << 20

// sqlReader reads the SQL of one message.
type sqlReader struct {
	left    int
	refused bool // some was left out
}

// read gives nil for no text, and for a text beyond what one message may have read.
func (r *sqlReader) read(sql, namespace string) *sqltext.Query {
	if strings.TrimSpace(sql) == "" {
		return nil
	}
	if r.left -= len(sql); r.left < 0 {
		r.refused = true
		return nil
	}
	return sqltext.Read(sql, naming.Scheme(namespace))
}

// visibleSQL is a query as it may leave: without its values unless they were opted in.
func (m *Mapper) visibleSQL(q *sqltext.Query, sql string) string {
	switch {
	case q == nil:
		return ""
	case m.settings.RowValues.Queries:
		return sqltext.Bound(strings.TrimSpace(sql))
	}
	return q.Masked()
}

// dialectName is what the sql facet calls the dialect; of a store whose dialect is not known in detail, the store.
func dialectName(q *sqltext.Query, namespace string) string {
	if name := q.Dialect(); name != "" || !naming.IsSQL(namespace) {
		return name
	}
	return naming.Scheme(namespace)
}

func (m *Mapper) sqlFacet(e *openlineage.Encoder, w *view) {
	if strings.TrimSpace(w.sql) == "" {
		return
	}
	e.Facet("sql", m.producer, facetURL("1-1-0", "SQLJobFacet"))
	e.Member("query", w.sql)
	e.Member("dialect", w.sqlDialect)
	e.Close('}')
}

// queryKwargs hold the SQL of query expectations; comparison_query runs on a datasource that the result does not place.
var queryKwargs = []string{"unexpected_rows_query", "query", "base_query", "comparison_query"}

// maxContent is the largest content of an assertion, in bytes: it stands in two facets.
const maxContent = 2000

// addContent gives the assertions of query expectations their SQL, when params or queries are opted in.
func (m *Mapper) addContent(facts []assertion, v *gx.Validation, namespace string, r *sqlReader) {
	if !m.settings.RowValues.Params && !m.settings.RowValues.Queries {
		return
	}
	for i := range facts {
		var parts []string
		for _, name := range queryKwargs {
			k := kwarg(&v.Results[i], name)
			var sql string
			if k == nil || json.Unmarshal(k.Value, &sql) != nil || strings.TrimSpace(sql) == "" {
				continue
			}
			at := namespace
			if name == "comparison_query" {
				at = ""
			}
			if text := m.visibleSQL(r.read(sql, at), sql); text != "" {
				parts = append(parts, text)
			}
		}
		facts[i].content = bound(strings.Join(parts, ";\n"), maxContent)
	}
}
