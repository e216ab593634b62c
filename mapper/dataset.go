package mapper

import (
	"path"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// dataset is what was validated, in OpenLineage's naming.
type dataset struct {
	namespace, name       string
	sourceName, sourceURI string // dataSource facet; "" none
	symlink               bool   // datasource and asset are another name of it
	warn                  []string
	none                  bool   // no datasource or asset at all: no input
	file                  string // the file that was validated, where the dataset is all files of an asset
}

// nameDataset names what was validated. The error's code is unmapped_dataset.
func nameDataset(tables []table, s Settings, v *gx.Validation) (dataset, *Error) {
	datasource, asset := identify(tables, v)
	spec, entry := completed(v.Batch.Spec, findTable(tables, datasource), asset)
	var d dataset
	tableName, schema := spec.Table, spec.Schema
	if tableName == "" {
		tableName = spec.ReaderTable
		if schema == "" {
			schema = spec.ReaderSchema
		}
	}
	f := datasetFields{Schema: schema, Table: tableName, Asset: asset, Datasource: datasource}
	if entry != nil {
		f.Database = entry.ds.Database
		if f.Schema == "" {
			f.Schema = entry.ds.Schema
		}
	}
	if spec.Database != "" {
		f.Database = spec.Database
	}
	switch {
	case spec.HasQuery:
		if f.Table = spec.QueryName; f.Table == "" {
			f.Table = asset
		}
		ns := ""
		if entry != nil {
			ns = entry.ds.Namespace
		}
		if ns == "" && spec.Connection != "" {
			ns = f.connect(spec.Connection)
		}
		if ns != "" && f.Table != "" {
			d.namespace = normaliseNamespace(ns)
			d.name = f.Table
			if !embedded(d.namespace) {
				d.name = collapse(f.Database, f.Table)
			}
		}
	case spec.Connection != "" && tableName != "":
		ns := f.connect(spec.Connection)
		if ns == "" && entry != nil {
			ns = entry.ds.Namespace
		}
		if ns != "" {
			d.namespace = normaliseNamespace(ns)
			d.name = tableText(d.namespace, f)
		}
	case tableName != "":
		if entry != nil && entry.ds.Namespace != "" {
			d.namespace = normaliseNamespace(entry.ds.Namespace)
			d.name = tableText(d.namespace, f)
		}
	case spec.Path != "":
		d.namespace, d.name = nameFile(spec.Path)
		if s.FileDatasets == "asset" && asset != "" {
			d.file = d.name
			folder := ""
			if i := strings.LastIndexAny(d.name, `/\`); i >= 0 {
				folder = d.name[:i+1]
			}
			d.name = folder + asset
		}
		f.Path = d.name
		if entry != nil && entry.ds.Namespace != "" && (d.namespace == "file" || d.namespace == "dbfs") {
			d.namespace = normaliseNamespace(entry.ds.Namespace)
		}
	case spec.InMemory:
		if d.name = collapse(datasource, asset); d.name != "" {
			d.namespace = "inmemory://"
		}
	case entry != nil && entry.ds.Namespace != "" && asset != "":
		// Only the batch id told the asset: a SQL asset is most often called as its table.
		d.namespace = normaliseNamespace(entry.ds.Namespace)
		d.name = asset
		if isSQL(d.namespace) && !spec.Present {
			f.Table = asset
			d.name = tableText(d.namespace, f)
		}
	}
	if d.namespace != "" && entry != nil && entry.name != nil {
		var b strings.Builder
		// The template ran on a sample when it was compiled; what renders empty falls back to the convention.
		if entry.name.Execute(&b, f) == nil {
			if t := strings.TrimSpace(b.String()); t != "" {
				d.name = t
			}
		}
	}
	if d.namespace == "" || d.name == "" {
		if datasource == "" && asset == "" {
			return dataset{none: true}, nil
		}
		if s.Unmapped == "error" {
			return dataset{}, &Error{Code: "unmapped_dataset", Part: v.Part, Reason: "the dataset is not known: no entry of datasources names it"}
		}
		d = dataset{warn: []string{"unmapped_datasource"}, namespace: "great_expectations://" + orElse(datasource, "default"),
			name: orElse(asset, orElse(tableName, datasource))}
	}
	var a, b bool
	d.namespace, a = safeNamespace(d.namespace)
	d.name, b = safeName(d.name, maxDatasetBytes-len(d.namespace))
	if a || b {
		d.warn = append(d.warn, "name_changed")
	}
	if datasource != "" {
		d.sourceName, _ = safeName(datasource, maxNameBytes)
		d.sourceURI = d.namespace
	}
	d.symlink = datasource != "" && asset != "" && !strings.HasPrefix(d.namespace, "great_expectations://")
	return d, nil
}

// connect takes database and schema of a connection and gives its namespace, empty where it tells none.
func (f *datasetFields) connect(con string) string {
	c, ok := NameConnection(con)
	if f.Database = orElse(c.Database, f.Database); f.Schema == "" {
		f.Schema = c.Schema
	}
	if !ok {
		return ""
	}
	return c.Namespace
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

func namespaceScheme(ns string) string {
	if strings.HasPrefix(ns, "arn:aws:glue") {
		return "glue"
	}
	s, _, _ := strings.Cut(ns, ":")
	return strings.ToLower(s)
}

func embedded(ns string) bool {
	s := namespaceScheme(ns)
	return s == "sqlite" || s == "duckdb"
}

func isSQL(ns string) bool {
	switch namespaceScheme(ns) {
	case "sqlite", "duckdb", "snowflake", "bigquery", "glue", "awsathena", "databricks", "unitycatalog", "spanner", "fabric-warehouse",
		"azurekusto", "azurecosmos", "couchbase":
		return true
	}
	return isSQLScheme(namespaceScheme(ns))
}

// tableText names a table by the convention of its namespace's scheme.
func tableText(ns string, f datasetFields) string {
	if ns == "bigquery" {
		f.Table = strings.Replace(f.Table, ":", ".", 1) // project:dataset.table, its old form
	}
	parts := splitTable(f.Table)
	name, schema, db := parts[len(parts)-1], unquote(f.Schema), unquote(f.Database)
	if n := len(parts); n > 1 {
		schema = parts[n-2]
		if n > 2 {
			db = collapse(parts[:n-2]...)
		}
	}
	switch namespaceScheme(ns) {
	case "sqlite", "duckdb":
		if schema == "main" {
			schema = ""
		}
		return collapse(schema, name)
	case "mysql", "clickhouse", "teradata", "oceanbase", "cassandra", "milvus", "singlestoredb":
		// A schema is a database there.
		return collapse(orElse(schema, db), name)
	case "hive", "spark":
		return collapse(orElse(orElse(schema, db), "default"), name)
	case "glue":
		return path.Join("table", orElse(db, schema), name)
	case "azurekusto":
		return path.Join(orElse(db, schema), name)
	case "azurecosmos":
		return "colls/" + name
	case "postgres", "redshift":
		schema = orElse(schema, "public")
	case "mssql", "sqlserver", "fabric-warehouse":
		schema = orElse(schema, "dbo")
		if strings.Contains(ns, ".sql.azuresynapse.net") {
			db = "" // the naming table leaves the database out
		}
	case "crate":
		db, schema = orElse(db, "crate"), orElse(schema, "doc")
	case "awsathena":
		db = orElse(db, "AwsDataCatalog")
	}
	return collapse(db, schema, name)
}

// splitTable cuts a table's name at the dots outside quotes, and strips the quotes.
func splitTable(s string) []string {
	var parts []string
	var b strings.Builder
	var quote rune
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && strings.ContainsRune("\"`[", r):
			if quote = r; r == '[' {
				quote = ']'
			}
		case quote == 0 && r == '.':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	return append(parts, b.String())
}

func unquote(s string) string { return strings.Trim(strings.TrimSpace(s), "\"`[]'") }

// collapse joins what is not empty by dots.
func collapse(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ".")
}
