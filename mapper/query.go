package mapper

import (
	"encoding/json"
	"slices"
	"strings"

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
func (m *Mapper) inputs(v *gx.Validation, ds dataset, sql string) []input {
	var all []input
	if !ds.none {
		all = append(all, input{ds, true, true})
	}
	tables := m.tablesOfQuery(v, ds, sql)
	if m.settings.QueryAssertions == "tables" && len(tables) > 0 {
		for i := range tables {
			tables[i].asserted = true
		}
		return tables
	}
	for _, t := range tables {
		if ds.none || t.namespace != ds.namespace || t.name != ds.name {
			all = append(all, t)
		}
	}
	return all
}

// queryText is the SQL of a query asset: the result's, else the project's.
func (m *Mapper) queryText(v *gx.Validation) string {
	datasource, asset := identify(m.tables, v)
	spec, _ := completed(v.Batch.Spec, findTable(m.tables, datasource), asset)
	if !spec.HasQuery {
		return ""
	}
	return spec.Query
}

// tablesOfQuery names the tables of a query by its datasource. Where that is not known there are none: a made-up name
// would be a dataset that nobody else writes or reads.
func (m *Mapper) tablesOfQuery(v *gx.Validation, ds dataset, sql string) (tables []input) {
	datasource, asset := identify(m.tables, v)
	spec, entry := completed(v.Batch.Spec, findTable(m.tables, datasource), asset)
	base := datasetFields{Asset: asset, Datasource: datasource, Database: spec.Database}
	namespace := ""
	if entry != nil {
		namespace, base.Schema = entry.ds.Namespace, entry.ds.Schema
		base.Database = orElse(base.Database, entry.ds.Database)
	}
	if namespace == "" && spec.Connection != "" {
		namespace = base.connect(spec.Connection)
	}
	if sql == "" || namespace == "" {
		return nil
	}
	namespace = normaliseNamespace(namespace)
	safe, _ := safeNamespace(namespace)
	for _, text := range queryTables(sql, namespace) {
		f := base
		f.Table = text
		name := tableText(namespace, f)
		if entry != nil && entry.name != nil {
			name = orElse(templateName(entry, f), name)
		}
		name, _ = safeName(name, maxDatasetBytes-len(safe))
		known := func(t input) bool { return t.name == name }
		if !slices.ContainsFunc(tables, known) {
			tables = append(tables, input{dataset: dataset{namespace: safe, name: name, sourceName: ds.sourceName, sourceURI: safe}})
		}
	}
	return tables
}

// templateName renders the entry's template for a table that a query names with its schema and database.
func templateName(entry *table, f datasetFields) string {
	parts := splitTable(f.Table)
	n := len(parts)
	f.Table = parts[n-1]
	if n > 1 && parts[n-2] != "" {
		f.Schema = parts[n-2]
	}
	if n > 2 {
		f.Database = collapse(parts[:n-2]...)
	}
	var b strings.Builder
	if entry.name.Execute(&b, f) != nil { // it ran on a sample when it was compiled
		return ""
	}
	return strings.TrimSpace(b.String())
}

// visibleSQL is a query as it may leave: without its values unless they were opted in.
func (m *Mapper) visibleSQL(sql, namespace string) string {
	if m.settings.RowValues.Queries {
		return boundSQL(strings.TrimSpace(sql))
	}
	return obfuscate(sql, dialectOf(namespace, sql))
}

// queryNamespace is where a query runs, for its dialect.
func (m *Mapper) queryNamespace(v *gx.Validation, ds dataset) string {
	if v.Batch.Spec.Connection != "" && strings.HasPrefix(ds.namespace, "great_expectations://") {
		var f datasetFields
		return f.connect(v.Batch.Spec.Connection)
	}
	return ds.namespace
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
func (m *Mapper) addContent(facts []assertion, v *gx.Validation, namespace string) {
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
			if text := m.visibleSQL(sql, at); text != "" {
				parts = append(parts, text)
			}
		}
		facts[i].content = bound(strings.Join(parts, ";\n"), maxContent)
	}
}
