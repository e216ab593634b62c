package sqltext

import "slices"

// dialect is what decides how a text of SQL reads. Where dialects read a text differently a wrong guess would take a
// row value for a name: what is not known for sure makes the lexer stop where it would matter.
type dialect struct {
	name      string // of the sql facet; "" not known
	backslash escape // in '…', and in "…" where that is a string
	double    quote  // "…"
	tick      quote  // `…`
	bracket   quote  // […]
	doubled   bool   // ]] in […] is a plain ]
	hash      rule   // # begins a comment
	dashes    rule   // -- begins a comment also without a space behind it
	slashes   rule   // // begins a comment
	nested    rule   // comments nest
	dollars   rule   // $tag$ … $tag$ is a string
	triple    rule   // '''…''' is a string of its own
	qQuotes   rule   // q'[…]' is a string
	money     rule   // $12 is a value, else a parameter or column
	hashNames bool   // # belongs to names
	eStrings  bool   // a backslash escapes in E'…'

	dotted    bool // `a.b.c` in one pair of quotes are three parts, and a-b is a name
	unnests   bool // FROM t, t.items reads a column
	recursive bool // WITH needs no RECURSIVE
	fold      fold
}

// rule says whether something holds in a dialect. Unsure: it holds in some of the dialects in question.
type rule int

const (
	no rule = iota
	yes
	unsure
)

// escape is what a backslash does in a string.
type escape int

const (
	plain   escape = iota // it is an ordinary character
	escapes               // it takes what follows
	either                // it depends on the server's settings, or on the dialect
)

// quote is what a pair of quotes means.
type quote int

const (
	isName   quote = iota
	isString       // a value; where a table must stand it is a name all the same
	isSymbol       // no quote at all: the index of an array
	isForeign
	isUnsure // a quote in some of the dialects in question
)

// fold is how a store writes names that were given in capitals.
type fold int

const (
	foldNone     fold = iota // as they are written
	foldUnquoted             // lower case, unless quoted
	foldAll                  // lower case
)

// Schemes whose stores speak the SQL of another.
var spokenAs = map[string]string{
	"sqlserver": "mssql", "fabric-warehouse": "mssql", "cockroachdb": "postgres", "presto": "trino", "awsathena": "trino", "glue": "trino",
	"oceanbase": "mysql", "singlestoredb": "mysql", "spanner": "bigquery", "unitycatalog": "databricks", "hive": "databricks", "spark": "databricks",
}

// sameName are those of them whose facet names the store that is spoken like.
var sameName = []string{"sqlserver", "fabric-warehouse", "unitycatalog"}

var dialects = map[string]dialect{
	"postgres":  {eStrings: true, bracket: isSymbol, tick: isForeign, nested: yes, dashes: yes, dollars: yes, fold: foldUnquoted},
	"redshift":  {bracket: isSymbol, tick: isForeign, backslash: either, nested: unsure, dashes: yes, dollars: yes, unnests: true, fold: foldUnquoted},
	"mssql":     {bracket: isName, doubled: true, tick: isForeign, nested: yes, dashes: yes, money: yes, hashNames: true, recursive: true},
	"snowflake": {bracket: isSymbol, tick: isForeign, backslash: escapes, dashes: yes, slashes: yes, dollars: yes, recursive: true},
	"oracle":    {bracket: isForeign, tick: isForeign, dashes: yes, qQuotes: yes, hashNames: true, recursive: true},
	"db2":       {bracket: isSymbol, tick: isForeign, nested: unsure, dashes: yes, hashNames: true, recursive: true},
	"trino":     {bracket: isSymbol, tick: isForeign, dashes: yes, fold: foldAll},
	"duckdb":    {eStrings: true, bracket: isSymbol, tick: isForeign, nested: unsure, dashes: yes, dollars: yes},
	"sqlite":    {bracket: isName, double: isString, tick: isName, dashes: yes},
	"mysql":     {bracket: isForeign, double: isString, tick: isName, backslash: either, hash: yes},
	"bigquery": {bracket: isSymbol, double: isString, tick: isName, backslash: escapes, hash: yes, dashes: yes, triple: yes,
		dotted: true, unnests: true},
	"clickhouse": {bracket: isSymbol, tick: isName, backslash: escapes, nested: unsure, hash: yes, dashes: yes, dollars: yes},
	"databricks": {bracket: isSymbol, double: isString, tick: isName, backslash: either, nested: unsure, dashes: yes, fold: foldAll},
}

// unknown is any of them.
var unknown = dialect{double: isString, bracket: isUnsure, tick: isName, backslash: either, hash: unsure, dashes: unsure, slashes: unsure,
	nested: unsure, dollars: unsure, triple: unsure, qQuotes: unsure, money: yes}

// dialectOf tells the dialect by the scheme of the store's namespace.
func dialectOf(scheme string) dialect {
	base := scheme
	if other, ok := spokenAs[scheme]; ok {
		base = other
	}
	d, ok := dialects[base]
	if !ok {
		return unknown
	}
	if d.name = scheme; slices.Contains(sameName, scheme) {
		d.name = base
	}
	return d
}
