package sqltext

import (
	"strings"
	"testing"
	"time"
)

const (
	pg        = "postgres"
	mysql     = "mysql"
	mssql     = "mssql"
	bigquery  = "bigquery"
	snowflake = "snowflake"
	sqlite    = "sqlite"
	nobody    = "great_expectations" // the scheme of no store
)

func TestOnlyTablesAreTables(t *testing.T) {
	for name, c := range map[string]struct {
		scheme, sql, want string
	}{
		"one":                     {pg, "SELECT * FROM orders", "orders"},
		"no FROM":                 {pg, "SELECT 1", ""},
		"nothing":                 {pg, "", ""},
		"join":                    {pg, "select * from orders o join customers c on o.a = c.a left join public.regions using (r)", "orders customers public.regions"},
		"commas":                  {pg, "SELECT a, b FROM t1, t2 AS x, s.t3 WHERE a IN (1, 2) ORDER BY a, b", "t1 t2 s.t3"},
		"commas after ON":         {pg, "SELECT 1 FROM a JOIN b ON f(a.x, b.y), c", "a b c"},
		"twice":                   {pg, "SELECT 1 FROM orders a, orders b, ORDERS c", "orders"},
		"subquery in FROM":        {pg, "SELECT * FROM (SELECT a FROM orders WHERE x = 1) q, t2", "orders t2"},
		"subquery in WHERE":       {pg, "SELECT * FROM a WHERE x IN (SELECT y FROM b) AND EXISTS (SELECT 1 FROM c)", "a b c"},
		"subquery in SELECT":      {pg, "SELECT (SELECT max(x) FROM b) m, y FROM a", "b a"},
		"nested parentheses":      {pg, "SELECT * FROM ((a JOIN b ON a.i=b.i) JOIN (c) ON true)", "a b c"},
		"union":                   {pg, "(SELECT x FROM a) UNION ALL (SELECT x FROM b) EXCEPT SELECT x FROM c", "a b c"},
		"union in IN":             {pg, "SELECT 1 FROM a WHERE x IN ((SELECT y FROM b) UNION SELECT z FROM c)", "a b c"},
		"lateral":                 {pg, "SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.x = a.x) l, LATERAL f(a.x) g", "a b"},
		"table function":          {pg, "SELECT * FROM generate_series(1, 10) g JOIN pg.f (1) ON true, t", "t"},
		"extract":                 {pg, "SELECT extract(year FROM ts), trim(both 'x' from c), substring(d from 2) FROM orders", "orders"},
		"is distinct from":        {pg, "SELECT 1 FROM a WHERE x IS NOT DISTINCT FROM y AND x IS DISTINCT FROM z", "a"},
		"string holding FROM":     {pg, "SELECT ' FROM secret1 ' FROM a WHERE x = 'JOIN secret2 ON' || 'it''s from secret3'", "a"},
		"comments":                {pg, "SELECT 1 -- FROM secret\n FROM /* FROM no */ a/*x*/JOIN b ON 1=1 --, c", "a b"},
		"window":                  {pg, "SELECT sum(x) OVER (PARTITION BY a, b ORDER BY c) FROM t WINDOW w AS (), v AS ()", "t"},
		"row lock":                {pg, "SELECT 1 FROM a FOR UPDATE OF a, b", "a"},
		"sample":                  {pg, "SELECT 1 FROM a TABLESAMPLE SYSTEM (1), ONLY b", "a b"},
		"values":                  {pg, "SELECT * FROM (VALUES (1, 2), (3, 4)) v(a, b), t", "t"},
		"several statements":      {pg, "SELECT 1 FROM a; SELECT 2, b FROM c", "a c"},
		"CTE":                     {pg, "WITH x AS (SELECT * FROM a), y (c, d) AS MATERIALIZED (SELECT * FROM x JOIN b ON 1=1) SELECT * FROM y, X, c", "a b c"},
		"CTE named as its table":  {pg, "WITH orders AS (SELECT * FROM orders) SELECT * FROM orders", "orders"},
		"CTE and schema":          {pg, "WITH orders AS (SELECT 1) SELECT * FROM public.orders, orders", "public.orders"},
		"recursive CTE":           {pg, "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r JOIN a ON 1=1) SELECT * FROM r", "a"},
		"CTE in a subquery":       {pg, "SELECT * FROM (WITH x AS (SELECT * FROM a) SELECT * FROM x) q JOIN x ON 1=1", "a x"},
		"quoted":                  {pg, `SELECT * FROM "Orders" JOIN "My Schema"."T" ON 1=1 JOIN public."Mixed" ON 1=1 JOIN "a"."b" ON 1=1`, "Orders My Schema.T public.Mixed a.b"},
		"quoted beside folded":    {pg, `SELECT * FROM "Orders", Orders, Public.ORDERS`, "Orders orders public.orders"},
		"quoted dot":              {pg, `SELECT * FROM s."a.b"`, `s."a.b"`},
		"quoted keyword":          {pg, `SELECT "from" FROM "select"`, "select"},
		"spaces round the dot":    {pg, `SELECT 1 FROM a . b, "c" . "d"`, "a.b c.d"},
		"no space":                {pg, `SELECT 1 FROM"A"WHERE x='1'`, "A"},
		"division":                {pg, "SELECT a/b FROM t/*c*/, u", "t u"},
		"dollar string":           {pg, "SELECT $x$ FROM secret $x$ FROM a", "a"},
		"mysql backticks":         {mysql, "SELECT `from` FROM `shop`.`orders` o JOIN `Mixed` m USING (id) STRAIGHT_JOIN shop.`c`", "shop.orders Mixed shop.c"},
		"mysql string":            {mysql, `SELECT "x FROM secret" FROM orders # FROM no`, "orders"},
		"mysql dual":              {mysql, "SELECT 1 FROM DUAL", ""},
		"mysql spaced dots":       {mysql, "SELECT 1 FROM `a` . `b` JOIN c . d ON 1=1", "a.b c.d"},
		"mssql brackets":          {mssql, "SELECT TOP 5 * FROM [dbo].[Order Details] d WITH (NOLOCK), [x] CROSS APPLY dbo.f(d.id) OUTER APPLY (SELECT 1 FROM y) z", "dbo.Order Details x y"},
		"mssql database":          {mssql, "SELECT 1 FROM shop..orders, [shop]..[t], #tmp, @tv", "shop..orders shop..t"},
		"mssql recursive":         {mssql, "WITH r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", ""},
		"bigquery number":         {bigquery, "SELECT * FROM my-project-123.sales.orders WHERE x > 1.5", "my-project-123.sales.orders"},
		"odd brackets":            {mssql, "SELECT [a]]'b] FROM t WHERE x = ' FROM secret '", "t"},
		"dashes are minus":        {mysql, "SELECT 5--3 FROM t", "t"},
		"bigquery path":           {bigquery, "SELECT * FROM `my-project.sales.orders` JOIN `my-project`.sales.`t` ON 1=1, my-project.sales.u", "my-project.sales.orders my-project.sales.t my-project.sales.u"},
		"bigquery array":          {bigquery, "SELECT i FROM sales.orders AS o, o.items AS i, orders.tags, UNNEST(o.x) WITH OFFSET AS off, sales.t", "sales.orders sales.t"},
		"bigquery time":           {bigquery, "SELECT 1 FROM a.b FOR SYSTEM_TIME AS OF TIMESTAMP '2024-01-01', a.c", "a.b a.c"},
		"snowflake":               {snowflake, `SELECT $1 FROM @stage/file.csv, DB.PUBLIC."orders" t, LATERAL FLATTEN(input => t.v) f, TABLE(gen(1)) // FROM no`, "DB.PUBLIC.orders"},
		"sqlite any quotes":       {sqlite, `SELECT * FROM "Orders" JOIN 'x' JOIN [b c]`, "Orders b c"},
		"clickhouse":              {"clickhouse", "SELECT 1 FROM a FINAL ARRAY JOIN arr AS x PREWHERE y, z", "a"},
		"hive view":               {"hive", "SELECT 1 FROM Orders LATERAL VIEW explode(x) t AS a, b", "orders"},
		"duckdb FROM first":       {"duckdb", "FROM orders SELECT a, b", "orders"},
		"duckdb file":             {"duckdb", "SELECT * FROM 'secret.parquet', read_csv('x.csv')", ""},
		"reading stops in doubt":  {mysql, `SELECT 1 FROM a WHERE x = 'c:\' UNION SELECT ' FROM secret '`, "a"},
		"parameters are no table": {pg, "SELECT 1 FROM $1, :t, ?", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(tableNames(c.sql, c.scheme), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// tableNames are the tables of a query, parts with a dot of their own in quotes.
func tableNames(sql, scheme string) (all []string) {
	for _, parts := range Read(sql, scheme).Tables() {
		for i, p := range parts {
			if strings.Contains(p, ".") {
				parts[i] = `"` + p + `"`
			}
		}
		all = append(all, strings.Join(parts, "."))
	}
	return all
}

func TestAHostileQueryEndsSoon(t *testing.T) {
	for name, sql := range map[string]string{
		"parentheses": strings.Repeat("(", 1<<20),
		"joins":       "SELECT 1 FROM a" + strings.Repeat(" JOIN (SELECT 1 FROM b", 1<<15),
		"slashes":     strings.Repeat("a/", 1<<20),
		"quotes":      strings.Repeat(`a"`, 1<<20),
		"dollars":     strings.Repeat("$a", 1<<20),
		"withs":       strings.Repeat("WITH a (b,", 1<<17),
		"comments":    strings.Repeat("/* a */", 1<<17),
		"nested":      strings.Repeat("/*", 1<<19),
		"brackets":    strings.Repeat("[a]", 1<<18),
		"ctes":        strings.Repeat("WITH a AS (SELECT 1 FROM b), ", 1<<15),
		"dashes":      "SELECT 1 FROM " + strings.Repeat("a-", 1<<19),
		"dots":        "SELECT 1 FROM " + strings.Repeat("a.", 1<<19),
		"commas":      "SELECT 1 FROM " + strings.Repeat("a,b, c ,", 1<<18),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			for _, scheme := range []string{pg, mysql, mssql, bigquery, nobody} {
				q := Read(sql, scheme)
				if n := len(q.Tables()); n > maxTables {
					t.Errorf("%d tables", n)
				}
				if n := len(q.Masked()); n > MaxText {
					t.Errorf("%d bytes", n)
				}
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	many := make([]string, 300)
	for i := range many {
		many[i] = "t" + strings.Repeat("x", i)
	}
	if n := len(tableNames("SELECT 1 FROM "+strings.Join(many, ","), pg)); n != maxTables {
		t.Errorf("%d tables", n)
	}
}
