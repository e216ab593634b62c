package mapper

import (
	"strings"

	"github.com/DataDog/go-sqllexer"
)

// dialect is what decides how a text of SQL reads. Where two dialects read a text differently, a wrong guess would take
// a row value for a name; so what is not known for sure is off, and the reading stops where it would matter.
type dialect struct {
	name     string // of the sql facet; "" not known
	dbms     sqllexer.DBMSType
	standard bool // a backslash is an ordinary character in a string (or the lexer knows where it is not)
	names    bool // "…" is a name, never a string
	hash     bool // # begins a comment
	dashes   bool // -- begins a comment only before a space
	slashes  bool // // begins a comment
	dollars  bool // $tag$ … $tag$ is a string
	triple   bool // '''…''' is a string of its own
	qQuotes  bool // q'[…]' is a string
	strange  bool // none of the above is known

	dotted    bool // `a.b.c` in one pair of quotes are three parts, and a-b is a name
	unnests   bool // FROM t, t.items reads a column
	recursive bool // WITH needs no RECURSIVE
	fold      fold
}

// fold is how a store writes names that were given in capitals.
type fold int

const (
	foldNone     fold = iota // as they are written
	foldUnquoted             // lower case, unless quoted
	foldAll                  // lower case
)

// dialectOf tells the dialect by the namespace's scheme, and the quotes of an embedded database by the text.
func dialectOf(namespace, sql string) dialect {
	var d dialect
	switch scheme := namespaceScheme(namespace); scheme {
	case "postgres":
		d = dialect{name: scheme, dbms: sqllexer.DBMSPostgres, standard: true, names: true, dollars: true, fold: foldUnquoted}
	case "redshift":
		d = dialect{name: scheme, names: true, dollars: true, unnests: true, fold: foldUnquoted}
	case "mssql", "sqlserver", "fabric-warehouse":
		d = dialect{name: "mssql", dbms: sqllexer.DBMSSQLServer, standard: true, names: true, recursive: true}
	case "snowflake":
		d = dialect{name: scheme, dbms: sqllexer.DBMSSnowflake, names: true, slashes: true, dollars: true, recursive: true}
	case "oracle":
		d = dialect{name: scheme, dbms: sqllexer.DBMSOracle, standard: true, names: true, qQuotes: true, recursive: true}
	case "db2":
		d = dialect{name: scheme, dbms: sqllexer.DBMSDB2, standard: true, names: true, recursive: true}
	case "trino", "presto", "awsathena", "glue":
		d = dialect{name: scheme, dbms: sqllexer.DBMSDB2, standard: true, names: true, fold: foldAll}
	case "duckdb":
		d = dialect{name: scheme, names: true, dollars: true}
	case "sqlite":
		d = dialect{name: scheme, dbms: sqllexer.DBMSDB2, standard: true}
		if strings.Contains(sql, "`") {
			d.dbms, d.standard = sqllexer.DBMSMySQL, false
		} else if strings.Contains(sql, "[") {
			d.dbms = sqllexer.DBMSSQLServer
		}
	case "mysql", "oceanbase":
		d = dialect{name: scheme, dbms: sqllexer.DBMSMySQL, hash: true, dashes: true}
	case "bigquery", "spanner":
		d = dialect{name: scheme, dbms: sqllexer.DBMSMySQL, hash: true, triple: true, dotted: true, unnests: true}
	case "clickhouse":
		d = dialect{name: scheme, dbms: sqllexer.DBMSMySQL, hash: true}
	case "databricks", "unitycatalog", "hive", "spark":
		d = dialect{name: scheme, dbms: sqllexer.DBMSMySQL, fold: foldAll}
		if scheme == "unitycatalog" {
			d.name = "databricks"
		}
	default:
		d = dialect{dashes: true, triple: true, qQuotes: true, strange: true}
		if isSQL(namespace) {
			d.name = scheme
		}
		if strings.Contains(sql, "`") {
			d.dbms = sqllexer.DBMSMySQL
		}
	}
	return d
}
