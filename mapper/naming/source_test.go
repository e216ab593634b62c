package naming

import (
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/mapper/sqltext"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// byResult names the table that a result says it validated.
func byResult(t *testing.T, ds Datasource, spec gx.BatchSpec) string {
	t.Helper()
	table, err := Compile(map[string]Datasource{"d": ds}, "")
	if err != nil {
		t.Fatal(err)
	}
	spec.Present = true
	d, _ := table.Resolve(&gx.Batch{Datasource: "d", Asset: "asset", Spec: spec}).Dataset(false)
	return d.Namespace + " " + d.Name
}

// byQuery names the one table of a query.
func byQuery(t *testing.T, ds Datasource, from string) string {
	t.Helper()
	table, err := Compile(map[string]Datasource{"d": ds}, "")
	if err != nil {
		t.Fatal(err)
	}
	s := table.Resolve(&gx.Batch{Datasource: "d", Asset: "asset", Spec: gx.BatchSpec{Present: true, HasQuery: true, Query: "SELECT 1 FROM " + from}})
	tables := sqltext.Read(s.Query(), Scheme(s.Namespace())).Tables()
	if len(tables) != 1 {
		t.Fatalf("%s: %v", from, tables)
	}
	d := s.TableOfQuery(tables[0])
	return d.Namespace + " " + d.Name
}

// A table is one dataset, whether a result names it or a query reads it; with a template, and without; with its schema
// said and not.
func TestATableOfAQueryIsTheTableOfAResult(t *testing.T) {
	kinds := map[string]Datasource{
		"postgres": {Namespace: "postgres://h", Database: "shop"}, "postgres, schema": {Namespace: "postgres://h", Database: "shop", Schema: "sales"},
		"postgres, url": {Namespace: "postgresql://h/shop"}, "redshift": {Namespace: "redshift://c.r:5439", Database: "shop"},
		"mysql": {Namespace: "mysql://h", Database: "shop"}, "mysql, schema": {Namespace: "mysql://h", Schema: "shop"},
		"mssql": {Namespace: "mssql://h", Database: "shop"}, "synapse": {Namespace: "sqlserver://w.sql.azuresynapse.net", Database: "p"},
		"fabric":    {Namespace: "fabric-warehouse://x.datawarehouse.fabric.microsoft.com", Database: "wh"},
		"snowflake": {Namespace: "snowflake://o-a", Database: "SHOP"}, "snowflake, schema": {Namespace: "snowflake://o-a", Database: "SHOP", Schema: "PUBLIC"},
		"oracle": {Namespace: "oracle://h", Database: "svc"}, "db2": {Namespace: "db2://h", Database: "SHOP"},
		"bigquery": {Namespace: "bigquery", Database: "proj", Schema: "sales"}, "trino": {Namespace: "trino://h", Database: "cat", Schema: "s"},
		"athena": {Namespace: "awsathena://athena.eu-west-1.amazonaws.com", Schema: "sales"}, "glue": {Namespace: "arn:aws:glue:eu-west-1:1", Database: "sales"},
		"hive": {Namespace: "hive://h"}, "spark": {Namespace: "spark://h", Schema: "s"}, "databricks": {Namespace: "databricks://w", Schema: "s"},
		"unitycatalog": {Namespace: "unitycatalog://w", Database: "cat", Schema: "s"}, "clickhouse": {Namespace: "clickhouse://h", Database: "shop"},
		"sqlite": {Namespace: "sqlite:///a.db"}, "duckdb": {Namespace: "duckdb:///a.db"}, "teradata": {Namespace: "teradata://h", Database: "shop"},
		"cockroachdb": {Namespace: "cockroachdb://h", Database: "shop"}, "crate": {Namespace: "crate://h"}, "vertica": {Namespace: "vertica://h", Database: "shop"},
		"spanner": {Namespace: "spanner://p:i", Database: "shop"}, "presto": {Namespace: "presto://h", Database: "cat", Schema: "s"},
		"oceanbase": {Namespace: "oceanbase://h", Database: "shop"}, "singlestore": {Namespace: "singlestoredb://h", Database: "shop"},
		"dremio": {Namespace: "dremio://h", Database: "cat"}, "no database": {Namespace: "postgres://h"},
	}
	for name, ds := range kinds {
		for _, template := range []string{"", "shop.{{ .Schema }}.{{ .Table }}", "{{ .Database }}.{{ .Schema }}.{{ .Table }}", "{{ .Database }}.{{ .Table }}", "{{ upper .Schema }}/{{ .Table | upper }}"} {
			ds.Name = template
			for _, c := range []struct {
				from string
				spec gx.BatchSpec
			}{
				{"orders", gx.BatchSpec{Table: "orders"}},
				{"crm.orders", gx.BatchSpec{Schema: "crm", Table: "orders"}},
				{"crm.orders", gx.BatchSpec{Table: "crm.orders"}},
			} {
				if result, query := byResult(t, ds, c.spec), byQuery(t, ds, c.from); result != query || strings.Contains(result, "..") {
					t.Errorf("%s %q, %s: by result %s, by query %s", name, template, c.from, result, query)
				}
			}
		}
	}
}

func TestAnExplicitSchemaWins(t *testing.T) {
	pg := Datasource{Namespace: "postgres://h:5432", Database: "shop"}
	withSchema := Datasource{Namespace: "postgres://h:5432", Database: "shop", Schema: "sales"}
	readme := Datasource{Namespace: "postgres://h:5432", Name: "shop.{{ .Schema }}.{{ .Table }}"}
	mysql := Datasource{Namespace: "mysql://h:3306", Name: "shop.{{ .Schema }}.{{ .Table }}"}
	for name, c := range map[string]struct {
		ds   Datasource
		spec gx.BatchSpec
		from string // the same table in a query; "" not asked
		want string
	}{
		"schema and a dotted name":     {pg, gx.BatchSpec{Schema: "ops", Table: "sensor.readings"}, `ops."sensor.readings"`, "postgres://h:5432 shop.ops.sensor.readings"},
		"the same, quoted":             {pg, gx.BatchSpec{Schema: "ops", Table: `"sensor.readings"`}, "", "postgres://h:5432 shop.ops.sensor.readings"},
		"the schema glued to the name": {pg, gx.BatchSpec{Schema: "crm", Table: "crm.orders"}, "crm.orders", "postgres://h:5432 shop.crm.orders"},
		"a dotted name alone":          {pg, gx.BatchSpec{Table: "sensor.readings"}, "sensor.readings", "postgres://h:5432 shop.sensor.readings"},
		"a dotted name beats defaults": {withSchema, gx.BatchSpec{Table: "ops.readings"}, "ops.readings", "postgres://h:5432 shop.ops.readings"},
		"a quoted name alone":          {withSchema, gx.BatchSpec{Table: `"sensor.readings"`}, `"sensor.readings"`, "postgres://h:5432 shop.sales.sensor.readings"},
		"three parts":                  {pg, gx.BatchSpec{Table: "lake.ops.readings"}, "lake.ops.readings", "postgres://h:5432 lake.ops.readings"},
		"template, no schema":          {readme, gx.BatchSpec{Table: "orders"}, "orders", "postgres://h:5432 shop.public.orders"},
		"template, schema":             {readme, gx.BatchSpec{Schema: "crm", Table: "orders"}, "crm.orders", "postgres://h:5432 shop.crm.orders"},
		"template, dotted table":       {readme, gx.BatchSpec{Schema: "ops", Table: "sensor.readings"}, `ops."sensor.readings"`, "postgres://h:5432 shop.ops.sensor.readings"},
		"template, nothing known":      {mysql, gx.BatchSpec{Table: "orders"}, "orders", "mysql://h:3306 shop.orders"},
		"template, query asset":        {readme, gx.BatchSpec{HasQuery: true, QueryName: "paid"}, "", "postgres://h:5432 shop.paid"},
		"glue, another database":       {Datasource{Namespace: "arn:aws:glue:r:1", Database: "sales"}, gx.BatchSpec{Database: "other", Table: "orders"}, "other.orders", "arn:aws:glue:r:1 table/other/orders"},
		"mssql, database in schema":    {Datasource{Namespace: "mssql://h", Database: "shop"}, gx.BatchSpec{Schema: "lake.ops", Table: "readings"}, "lake.ops.readings", "mssql://h:1433 lake.ops.readings"},
		"mssql, no schema between":     {Datasource{Namespace: "mssql://h"}, gx.BatchSpec{Table: "shop..orders"}, "shop..orders", "mssql://h:1433 shop.dbo.orders"},
		"template of tables, a file":   {readme, gx.BatchSpec{Path: "s3://b/x.csv"}, "", "s3://b x.csv"},
		"template of tables, a frame":  {readme, gx.BatchSpec{InMemory: true}, "", "inmemory:// d.asset"},
		"template of paths, a file":    {Datasource{Namespace: "file://h", Name: "in{{ .Path }}"}, gx.BatchSpec{Path: "/x.csv"}, "", "file://h in/x.csv"},
		"a constant":                   {Datasource{Namespace: "file://h", Name: "in"}, gx.BatchSpec{Path: "/x.csv"}, "", "file://h in"},
		"template empties":             {Datasource{Namespace: "mysql://h", Name: "{{ .Schema }}"}, gx.BatchSpec{Table: "t"}, "", "mysql://h:3306 t"},
		"conditions see what is empty": {Datasource{Namespace: "mysql://h", Name: "{{ if .Schema }}{{ .Schema }}/{{ end }}{{ .Table | upper }}"}, gx.BatchSpec{Table: "orders"}, "orders", "mysql://h:3306 ORDERS"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := byResult(t, c.ds, c.spec); got != c.want {
				t.Errorf("by result %s, want %s", got, c.want)
			}
			if c.from != "" {
				if got := byQuery(t, c.ds, c.from); got != c.want {
					t.Errorf("by query %s, want %s", got, c.want)
				}
			}
		})
	}
}

func TestRelativeFilesBeginAtTheProject(t *testing.T) {
	for path, want := range map[string]string{"data/x.csv": "file /p/gx/data/x.csv", "../data/x.csv": "file /p/data/x.csv", "/abs/x.csv": "file /abs/x.csv",
		`C:\x.csv`: "file C:/x.csv", "s3://b/x.csv": "s3://b x.csv", "file:data/x.csv": "file /p/gx/data/x.csv", `data\x.csv`: "file /p/gx/data/x.csv"} {
		for _, folder := range []string{"/p/gx", ""} {
			table, err := Compile(nil, folder)
			if err != nil {
				t.Fatal(err)
			}
			d, _ := table.Resolve(&gx.Batch{Datasource: "d", Asset: "a", Spec: gx.BatchSpec{Present: true, Path: path}}).Dataset(false)
			switch {
			case folder != "" && (d.Relative || d.Namespace+" "+d.Name != want):
				t.Errorf("%s: got %+v, want %s", path, d, want)
			case folder == "" && d.Relative != (strings.Contains(want, "/p/")):
				t.Errorf("%s, no project: %+v", path, d)
			}
		}
	}
}

func TestAConfigurationThatSaysNothingIsRefused(t *testing.T) {
	for ns, ok := range map[string]bool{"postgres://h": true, "bigquery": true, "file": true, "arn:aws:glue:r:1": true, "mssql://h": true, "mssql://h/inst": true,
		"mssql+pyodbc://h/shop": true, "jdbc:postgresql://h/shop": true, "sqlite:////x.db": true, "inmemory://": true,
		"db.example.com:5432": false, "user:SECRETPW@h": false, "mssql+pyodbc://u:SECRETPW@MYDSN": false, "jdbc:oracle:thin:u/SECRETPW@TNS": false, "shop": false} {
		err := Check(Datasource{Namespace: ns})
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s: %v", ns, err)
		}
	}
	if _, err := Compile(map[string]Datasource{"x": {}}, ""); err == nil || !strings.Contains(err.Error(), `"x" `) && !strings.Contains(err.Error(), `"x":`) {
		t.Errorf("an empty entry: %v", err)
	}
	if _, err := Compile(map[string]Datasource{"x": {Exact: true}}, ""); err != nil {
		t.Errorf("a project may not know where its datasource lies: %v", err)
	}
}

// Nothing behind ; or ? of a connection string stands in a name, wherever it is given.
func TestNoOptionStandsInAName(t *testing.T) {
	for _, con := range []string{"db2+ibm_db://h:50000/SHOP;PWD=SECRETPW", "jdbc:sqlserver://h:1433;databaseName=shop;password=SECRETPW", "postgresql://h/shop?password=SECRETPW",
		"db2://h:50000;PWD=SECRETPW", "exotic://h/x;PWD=SECRETPW", "jdbc:exotic://h/x;PWD=SECRETPW", "mssql+pyodbc://h/shop;PWD=SECRETPW?x=SECRETPW"} {
		for _, ds := range []Datasource{{Namespace: con}, {Namespace: "postgres://h", Database: "SHOP;PWD=SECRETPW", Schema: "s?SECRETPW"}} {
			table, err := Compile(map[string]Datasource{"d": ds}, "")
			if err != nil {
				t.Fatal(con, err)
			}
			for _, spec := range []gx.BatchSpec{{Table: "t"}, {ReaderTable: "t", Connection: con}, {Path: con}, {HasQuery: true, QueryName: "q"}} {
				d, _ := table.Resolve(&gx.Batch{Datasource: "d", Asset: "a", Spec: spec}).Dataset(false)
				if strings.Contains(strings.ToUpper(d.Namespace+d.Name), "SECRETPW") {
					t.Errorf("%s, %+v: %+v", con, spec, d)
				}
			}
		}
	}
}
