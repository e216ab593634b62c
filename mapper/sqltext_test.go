package mapper

import (
	"strings"
	"testing"
)

const unknownSQL = "great_expectations://ds"

func TestNoLiteralSurvivesObfuscation(t *testing.T) {
	for name, c := range map[string]struct {
		namespace, sql, want string
	}{
		"strings and numbers":  {pg, "SELECT a, 1.5e3 FROM t\n WHERE x = 'SECRET' AND y IN ('SECRET', 2, -3) AND z", "SELECT a, ? FROM t WHERE x = ? AND y IN (?, ?, -?) AND z"},
		"doubled quotes":       {pg, "SELECT 'it''s SECRET', b", "SELECT ?, b"},
		"prefixes":             {pg, `SELECT N'SECRET', E'it\'s SECRET', x'5EC', DATE '2024-01-01', '1'::int`, "SELECT N?, E?, x?, DATE ?, ?::int"},
		"comments":             {pg, "SELECT a--SECRET\n, b/* SECRET */FROM t/*SECRET*/", "SELECT a , b FROM t"},
		"no spaces":            {pg, "SELECT a/12,b FROM t WHERE x=--SECRET\n'SECRET' AND y=/*SECRET*/5", "SELECT a/?,b FROM t WHERE x= ? AND y= ?"},
		"numbers of all bases": {pg, "SELECT 0xFF, 0b101, 1_000, 0o17, .5, 007", "SELECT ?, ?, ?, ?, .?, ?"},
		"booleans and NULL":    {pg, "SELECT TRUE WHERE a IS NULL", "SELECT ? WHERE a IS NULL"},
		"dollar strings":       {pg, "SELECT $$SECRET$$, $t$SECRET ' $ $t$, $1", "SELECT ?, ?, $1"},
		"names stay":           {pg, `SELECT "Paid" FROM s."T 1" WHERE a_1 = 'SECRET'`, `SELECT "Paid" FROM s."T 1" WHERE a_1 = ?`},
		"double quotes":        {mysql, "SELECT `a b` FROM t WHERE x = \"SECRET\" AND y LIKE\"SECRET\"", "SELECT `a b` FROM t WHERE x = ? AND y LIKE?"},
		"sqlite strings":       {sqlite, `SELECT 1 FROM t WHERE x = "SECRET" AND y = 'C:\' AND z = 'SECRET'`, "SELECT ? FROM t WHERE x = ? AND y = ? AND z = ?"},
		"brackets":             {mssql, `SELECT [it's] FROM t WHERE x = N'SECRET\' AND y = 'SECRET'`, "SELECT [it's] FROM t WHERE x = N? AND y = ?"},
		"doubtful backslash":   {mysql, `SELECT a FROM t WHERE x = 'c:\' OR y = 'SECRET'`, "SELECT a FROM t WHERE x = ? …"},
		"sure backslash":       {mysql, `SELECT 'a\\', 'a\nSECRET', b`, "SELECT ?, ?, b"},
		"redshift backslash":   {"redshift://c.r:5439", `SELECT 'it\'s SECRET', b`, "SELECT ? …"},
		"triple quotes":        {bigquery, `SELECT """a "SECRET" b""", c`, "SELECT ? …"},
		"triple single":        {bigquery, `SELECT '''it's SECRET''', c`, "SELECT ? …"},
		"oracle q":             {"oracle://db:1521", "SELECT q'[it's SECRET]', c", "SELECT q? …"},
		"nested comment":       {pg, "SELECT a /* x /* y */ SECRET */ , b", "SELECT a …"},
		"snowflake comment":    {snowflake, "SELECT a // SECRET\n, b//SECRET\n, c", "SELECT a , b , c"},
		"hash comment":         {mysql, "SELECT a # SECRET\n, b=#SECRET\nc", "SELECT a , b= c"},
		"dashes in MySQL":      {mysql, "SELECT 5--3, 'x\nSECRET'", "SELECT ? …"},
		"unknown dialect":      {unknownSQL, `SELECT "SECRET", a // SECRET`, "SELECT ?, a // …"},
		"unknown backtick":     {unknownSQL, "SELECT `a` FROM t WHERE x = \"SECRET\"", "SELECT `a` FROM t WHERE x = ?"},
		"foreign backtick":     {pg, "SELECT `SECRET", "SELECT …"},
		"open string":          {pg, "SELECT a, 'SECRET", "SELECT a, ? …"},
		"open comment":         {pg, "SELECT a /* SECRET", "SELECT a ? …"},
		"U+0000":               {pg, "SELECT a, \x00'SECRET\x00', b", "SELECT a, ?, b"},
		"only a comment":       {pg, "-- SECRET", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := obfuscate(c.sql, dialectOf(c.namespace, c.sql)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Any text may come. A literal with a mark, written as the dialect writes it, is put behind it: the mark shows neither
// in the obfuscated text nor among the tables.
func FuzzSQL(f *testing.F) {
	for _, seed := range []string{"", "SELECT a FROM t WHERE x = ", "a/", "x=--", `it's \`, "`", `"`, "$a$", "/*", "WITH a AS (", "a . b", "''", "q", "'''", "#"} {
		f.Add(seed, seed, uint8(len(seed)))
	}
	namespaces := []string{pg, mysql, mssql, bigquery, snowflake, sqlite, unknownSQL, "oracle://db:1521", "duckdb:///d", "redshift://c:5439"}
	f.Fuzz(func(t *testing.T, anything, value string, n uint8) {
		namespace := namespaces[int(n)%len(namespaces)]
		for _, table := range queryTables(anything, namespace) {
			if table == "" {
				t.Error("a table without a name")
			}
		}
		if text := obfuscate(anything, dialectOf(namespace, anything)); len(text) > maxSQLText {
			t.Errorf("%d bytes", len(text))
		}
		value = "SECRETPW" + value + "SECRETPW"
		if i := strings.IndexByte(value, 0); i >= 0 {
			return
		}
		sql := "SELECT a/" + literal(value, namespace) + ",b FROM t WHERE x=" + literal(value, namespace) + " AND y IN (" + literal(value, namespace) + ") -- SECRETPW\n"
		text := obfuscate(sql, dialectOf(namespace, sql))
		if tables := strings.Join(queryTables(sql, namespace), " "); strings.Contains(text+tables, "SECRETPW") {
			t.Errorf("%s: %q gives %q, tables %q", namespace, sql, text, tables)
		}
	})
}

// literal writes a string as the namespace's dialect does.
func literal(value, namespace string) string {
	switch namespaceScheme(namespace) {
	case "mysql", "bigquery", "snowflake", "redshift", "great_expectations":
		value = strings.ReplaceAll(value, `\`, `\\`)
	}
	if namespaceScheme(namespace) == "bigquery" {
		return "'" + strings.NewReplacer("'", `\'`, "\n", `\n`).Replace(value) + "'"
	}
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}
