package naming

import (
	"cmp"
	"slices"
	"strings"
)

// tableName is what was said of a table. An explicit schema always wins over a default.
type tableName struct{ database, schema, table string }

// said reads how a result names a table. With a schema beside it the table's own name may hold dots; without one it is
// split at them.
func said(store Store, database, schema, table string) tableName {
	scheme := Scheme(store.Namespace)
	if schema == "" {
		if scheme == "bigquery" {
			table = strings.Replace(table, ":", ".", 1) // project:dataset.table, its old form
		}
		n := ofParts(splitName(table))
		n.database = cmp.Or(n.database, unquote(database))
		return n
	}
	if glued, ok := strings.CutPrefix(joinDots(splitName(table)...), joinDots(splitName(schema)...)+"."); ok {
		table = glued // GX 0.13 – 0.17 wrote schema.table beside the schema
	}
	n := tableName{unquote(database), unquote(schema), unquote(table)}
	if slices.Contains(dottedSchemas, scheme) {
		if parts := splitName(schema); len(parts) > 1 {
			n.database, n.schema = joinDots(parts[:len(parts)-1]...), parts[len(parts)-1]
		}
	}
	return n
}

// dottedSchemas are the stores whose SQLAlchemy dialect takes database.schema for a schema.
var dottedSchemas = []string{"mssql", "sqlserver", "fabric-warehouse", "snowflake", "bigquery"}

// ofParts reads [[database.]schema.]table.
func ofParts(parts []string) tableName {
	last := len(parts) - 1
	n := tableName{table: parts[last]}
	if last > 0 {
		n.schema = parts[last-1]
	}
	if last > 1 {
		n.database = joinDots(parts[:last-1]...)
	}
	return n
}

// Stores by what their names are made of.
var (
	// A schema is a database there.
	twoLevels = []string{"mysql", "clickhouse", "teradata", "oceanbase", "cassandra", "milvus", "singlestoredb", "hive", "spark", "glue",
		"azurekusto"}
	defaultSchemas = map[string]string{"postgres": "public", "redshift": "public", "cockroachdb": "public", "vertica": "public",
		"mssql": "dbo", "sqlserver": "dbo", "fabric-warehouse": "dbo", "crate": "doc"}
	defaultDatabases = map[string]string{"crate": "crate", "awsathena": "AwsDataCatalog", "hive": "default", "spark": "default"}
)

// complete fills in what was not said: by the entry, then by the default of the kind of store.
func (s Store) complete(n tableName) tableName {
	scheme := Scheme(s.Namespace)
	switch {
	case embedded(scheme):
		if n.schema = cmp.Or(n.schema, s.Schema); n.schema == "main" {
			n.schema = ""
		}
		n.database = s.Database // one file is one database
	case slices.Contains(twoLevels, scheme):
		if scheme == "glue" || scheme == "azurekusto" {
			s.Database = cmp.Or(s.Database, s.Schema)
			s.Schema = ""
		}
		n.database = cmp.Or(n.schema, n.database, s.Schema, s.Database, defaultDatabases[scheme])
		if n.schema = ""; n.database != cmp.Or(s.Database, defaultDatabases[scheme]) {
			n.schema = n.database // templates may know it as the schema
		}
	default:
		n.database = cmp.Or(n.database, s.Database, defaultDatabases[scheme])
		n.schema = cmp.Or(n.schema, s.Schema, defaultSchemas[scheme])
	}
	return n
}

// convention names a completed table as OpenLineage does in stores of its kind.
func (s Store) convention(n tableName) string {
	scheme := Scheme(s.Namespace)
	switch {
	case embedded(scheme):
		return joinDots(n.schema, n.table)
	case scheme == "glue":
		return join("/", "table", n.database, n.table)
	case scheme == "azurekusto":
		return join("/", n.database, n.table)
	case scheme == "azurecosmos":
		return "colls/" + n.table
	case slices.Contains(twoLevels, scheme):
		return joinDots(n.database, n.table)
	case strings.Contains(s.Namespace, ".sql.azuresynapse.net"):
		return joinDots(n.schema, n.table) // the naming table leaves the database out
	}
	return joinDots(n.database, n.schema, n.table)
}

// splitName cuts a table's name at the dots outside quotes, and strips the quotes.
func splitName(s string) []string {
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

// unquote strips the quotes around a name.
func unquote(s string) string { return strings.Trim(strings.TrimSpace(s), "\"`[]'") }

// joinDots joins what is not empty by dots.
func joinDots(parts ...string) string { return join(".", parts...) }

func join(by string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return p == "" }), by)
}
