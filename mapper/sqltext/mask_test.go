package sqltext

import "testing"

func TestNoLiteralSurvives(t *testing.T) {
	for name, c := range map[string]struct {
		scheme, sql, want string
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
		"doubtful backslash":   {mysql, `SELECT a FROM t WHERE x = 'c:\' OR y = 'SECRET'`, ""},
		"sure backslash":       {mysql, `SELECT 'a\\', 'a\nSECRET', b`, "SELECT ?, ?, b"},
		"redshift backslash":   {"redshift", `SELECT 'it\'s SECRET', b`, ""},
		"triple quotes":        {bigquery, `SELECT """a "SECRET" b""", c`, ""},
		"triple single":        {bigquery, `SELECT '''it's SECRET''', c`, ""},
		"oracle q":             {"oracle", "SELECT q'[it's SECRET]', c", ""},
		"nested comment":       {pg, "SELECT a /* x /* y */ SECRET */ , b", "SELECT a , b"},
		"snowflake comment":    {snowflake, "SELECT a // SECRET\n, b//SECRET\n, c", "SELECT a , b , c"},
		"hash comment":         {mysql, "SELECT a # SECRET\n, b=#SECRET\nc", "SELECT a , b= c"},
		"dashes in MySQL":      {mysql, "SELECT 5--3, 'x\nSECRET'", "SELECT ?--?, ?"},
		"unknown dialect":      {nobody, `SELECT "SECRET", a // SECRET`, ""},
		"unknown backtick":     {nobody, "SELECT `a` FROM t WHERE x = \"SECRET\"", "SELECT `a` FROM t WHERE x = ?"},
		"foreign backtick":     {pg, "SELECT `SECRET", ""},
		"open string":          {pg, "SELECT a, 'SECRET", ""},
		"open comment":         {pg, "SELECT a /* SECRET", ""},
		"odd double quotes":    {nobody, `SELECT 1 FROM t WHERE a = "x\" v" AND b = "y\" SECRET"`, ""},
		"odd brackets":         {nobody, "SELECT [a'b] FROM t WHERE x = ' SECRET '", ""},
		"doubled brackets":     {mssql, "SELECT [a]]'b] FROM t WHERE x = ' SECRET '", "SELECT [a]]'b] FROM t WHERE x = ?"},
		"sqlite, all quotes":   {sqlite, "SELECT `a'b`, [c'd], 'it''s SECRET', \"SECRET\" FROM t", "SELECT `a'b`, [c'd], ?, ? FROM t"},
		"array index":          {pg, "SELECT a['SECRET'] FROM t", "SELECT a[?] FROM t"},
		"money":                {mssql, "SELECT $1234.5", "SELECT $?"},
		"curly quotes":         {pg, "SELECT ‘SECRET’", ""},
		"exponent":             {pg, "SELECT 1.e5, 2e-7, 3.", "SELECT ?, ?, ?"},
		"U+0000":               {pg, "SELECT a, \x00'SECRET\x00', b", "SELECT a, ?, b"},
		"only a comment":       {pg, "-- SECRET", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Read(c.sql, c.scheme).Masked(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
