package gxproject

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/mapper/naming"
)

// options are those that the command gives, with the environment of one test.
func testOptions(env map[string]string) Options {
	return Options{
		Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}

// parseText reads a project at /p with the given config_variables.yml.
func parseText(text, variables string, env map[string]string) (*Project, error) {
	return parse("gx.yml", "/p", []byte(text), testOptions(env), func(file string) ([]byte, error) {
		if file == "/p/uncommitted/config_variables.yml" && variables != "" {
			return []byte(variables), nil
		}
		return nil, fmt.Errorf("%s: %w", file, os.ErrNotExist)
	})
}

// Each row is a datasource "d" as projects write it.
func TestADatasourceIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		yaml, vars string
		env        map[string]string
		want       naming.Datasource
		warn       string
	}{
		"block, string": {yaml: "datasources: {d: {execution_engine: {connection_string: 'postgresql://u:p@h/shop'}}}",
			want: naming.Datasource{Namespace: "postgres://h:5432", Database: "shop"}},
		"block, credentials": {yaml: "datasources: {d: {execution_engine: {credentials: {drivername: postgresql+psycopg2, host: h, port: 5433, username: u, password: p@/w, database: shop}}}}",
			want: naming.Datasource{Namespace: "postgres://h:5433", Database: "shop"}},
		"credentials by one variable": {yaml: "datasources: {d: {credentials: '${my_pg}'}}", vars: "my_pg: {drivername: mysql, host: $HOST, database: shop}",
			env: map[string]string{"HOST": "h"}, want: naming.Datasource{Namespace: "mysql://h:3306", Database: "shop"}},
		"v2 url": {yaml: "datasources: {d: {class_name: SqlAlchemyDatasource, credentials: {url: 'postgresql://u:p@h/shop'}}}",
			want: naming.Datasource{Namespace: "postgres://h:5432", Database: "shop"}},
		"v2 generators": {yaml: "datasources: {d: {batch_kwargs_generators: {g: {class_name: TableBatchKwargsGenerator, assets: {a: {table: t, schema: s}}}, q: {queries: {b: SELECT 1}}}}}",
			want: naming.Datasource{Assets: map[string]naming.Asset{"a": {Table: "t", Schema: "s"}, "b": {HasQuery: true, Query: "SELECT 1"}}}},
		"snowflake, block": {yaml: "datasources: {d: {execution_engine: {credentials: {drivername: snowflake, host: org-acc, username: u, database: SHOP, query: {schema: SALES, warehouse: w}}}}}",
			want: naming.Datasource{Namespace: "snowflake://org-acc", Database: "SHOP", Schema: "SALES"}},
		"snowflake, fluent mapping": {yaml: "fluent_datasources: {d: {type: snowflake, connection_string: {account: org-acc, user: u, password: '${PW}', database: SHOP, schema: SALES, role: r}}}",
			want: naming.Datasource{Namespace: "snowflake://org-acc", Database: "SHOP", Schema: "SALES"}},
		"bigquery": {yaml: "fluent_datasources: {d: {type: bigquery, connection_string: 'bigquery://proj/sales'}}", want: naming.Datasource{Namespace: "bigquery", Database: "proj", Schema: "sales"}},
		"mssql, odbc_connect in query": {yaml: "datasources: {d: {execution_engine: {credentials: {drivername: mssql+pyodbc, query: {odbc_connect: 'DRIVER={x};SERVER=h,1444;DATABASE=shop;PWD=a@b'}}}}}",
			want: naming.Datasource{Namespace: "mssql://h:1444", Database: "shop"}},
		"host by variables": {yaml: `fluent_datasources: {d: {type: postgres, connection_string: 'postgresql://${USER}:${PW}@${HOST}:$PORT/${DB}?sslkey=${KEY}'}}`,
			vars: "HOST: from.file\nDB: shop", env: map[string]string{"HOST": "from.env", "PORT": "5439"}, want: naming.Datasource{Namespace: "postgres://from.env:5439", Database: "shop"}},
		"all one variable": {yaml: "fluent_datasources: {d: {type: sql, connection_string: $DSN}}", env: map[string]string{"DSN": "mysql://u:a$b@h/shop"},
			want: naming.Datasource{Namespace: "mysql://h:3306", Database: "shop"}},
		"missing host": {yaml: "fluent_datasources:\n  d:\n    connection_string: postgresql://u:${PW}@${DB_HOST}/${DB}",
			warn: "gx.yml:3: fluent_datasources.d.connection_string: needs DB, DB_HOST, set neither in the environment nor in config_variables.yml"},
		"missing url": {yaml: "datasources: {d: {credentials: '${my_pg}'}}", warn: "needs my_pg, set neither"},
		"secret manager": {yaml: "datasources: {d: {credentials: {drivername: mysql, host: '${H}', password: 'secret|x', database: shop}}}", vars: "H: secret|arn:aws:secretsmanager:r:1:secret:db|host",
			warn: "stands in a secret manager"},
		"password in a secret manager": {yaml: "datasources: {d: {credentials: {drivername: mysql, host: h, password: 'secret|x', database: shop}}}", want: naming.Datasource{Namespace: "mysql://h:3306", Database: "shop"}},
		"no driver":                    {yaml: "datasources: {d: {credentials: {host: h}}}", warn: "gx.yml:1: datasources.d.credentials: names no drivername"},
		"leads nowhere":                {yaml: "datasources: {d: {connection_string: 'mysql:///shop'}}", warn: "does not say which store"},
		"sqlite":                       {yaml: "fluent_datasources: {d: {type: sqlite, connection_string: 'sqlite:////data/x.db'}}", want: naming.Datasource{Namespace: "sqlite:///data/x.db"}},
		"sqlite relative":              {yaml: "fluent_datasources: {d: {type: sqlite, connection_string: 'sqlite:///data/x.db'}}", want: naming.Datasource{Namespace: "sqlite:///p/data/x.db"}, warn: "is relative to the folder that Great Expectations runs in"},
		"alias and merge": {yaml: "x: &x {type: postgres, connection_string: 'postgresql://h/a'}\nfluent_datasources: {d: {<<: *x, connection_string: 'postgresql://h/b'}}",
			want: naming.Datasource{Namespace: "postgres://h:5432", Database: "b"}},
		"options behind a semicolon": {yaml: "datasources: {d: {connection_string: 'db2+ibm_db://u:p@h:50000/SHOP;PROTOCOL=TCPIP;PWD=SECRETPW'}}", want: naming.Datasource{Namespace: "db2://h:50000", Database: "SHOP"}},
		"a data source name":         {yaml: "datasources: {d: {connection_string: 'mssql+pyodbc://u:p@MYDSN'}}", warn: "does not say which store"},
		"folder with one slash":      {yaml: "datasources: {d: {data_connectors: {c: {base_directory: 'file:/data', assets: {a: {}}}}}}", want: naming.Datasource{Assets: map[string]naming.Asset{"a": {Folder: "file:/data"}}}},
		"simple": {yaml: "datasources: {d: {class_name: SimpleSqlalchemyDatasource, connection_string: 'mysql://h/shop', tables: {s.t: {partitioners: {whole: {data_asset_name_suffix: __w, include_schema_name: true}}}}}}",
			want: naming.Datasource{Namespace: "mysql://h:3306", Database: "shop", Assets: map[string]naming.Asset{"s.t__w": {Table: "t", Schema: "s"}}}},
		"block, S3": {yaml: "datasources: {d: {data_connectors: {c: {class_name: ConfiguredAssetS3DataConnector, bucket: b, prefix: in/, assets: {a: {}, o: {prefix: own/}}}}}}",
			want: naming.Datasource{Namespace: "s3://b", Assets: map[string]naming.Asset{"a": {Folder: "s3://b/in/"}, "o": {Folder: "s3://b/own/"}}}},
		"block, Glue": {yaml: "datasources: {d: {data_connectors: {c: {class_name: InferredAssetAWSGlueDataCatalogDataConnector, catalog_id: '123456789012', boto3_options: {region_name: eu-west-1, aws_secret_access_key: SECRETPW}}}}}",
			want: naming.Datasource{Namespace: "arn:aws:glue:eu-west-1:123456789012"}},
		"block, folder": {yaml: "datasources: {d: {data_connectors: {c: {class_name: ConfiguredAssetFilesystemDataConnector, base_directory: ../data, assets: {a: {base_directory: x}}}}}}",
			want: naming.Datasource{Assets: map[string]naming.Asset{"a": {Folder: "/data/x"}}}},
		"files": {yaml: `fluent_datasources: {d: {type: pandas_filesystem, base_directory: data, assets: {one: {type: csv, batching_regex: 'x\.csv'}, many: {type: csv, batching_regex: 'x_(\d)\.csv'}, dir: {type: directory_csv, data_directory: sub}}}}`,
			want: naming.Datasource{Assets: map[string]naming.Asset{"one": {Path: "/p/data/x.csv"}, "many": {Folder: "/p/data"}, "dir": {Path: "/p/data/sub"}}}},
		"fluent S3": {yaml: "fluent_datasources: {d: {type: spark_s3, bucket: b, assets: {a: {type: csv, s3_prefix: in/}}}}",
			want: naming.Datasource{Namespace: "s3://b", Assets: map[string]naming.Asset{"a": {Folder: "s3://b/in/"}}}},
		"fluent GCS": {yaml: "fluent_datasources: {d: {type: pandas_gcs, bucket_or_name: b, assets: {a: {type: csv}}}}",
			want: naming.Datasource{Namespace: "gs://b", Assets: map[string]naming.Asset{"a": {Folder: "gs://b/"}}}},
		"fluent Azure": {yaml: "fluent_datasources: {d: {type: pandas_abs, azure_options: {account_url: 'https://acc.blob.core.windows.net', credential: '${K}'}, assets: {a: {type: csv, abs_container: c, abs_name_starts_with: in}}}}",
			want: naming.Datasource{Assets: map[string]naming.Asset{"a": {Folder: "acc.blob.core.windows.net/c/in"}}}},
		"pandas": {yaml: "fluent_datasources: {d: {type: pandas, assets: {f: {type: dataframe}, u: {type: csv, filepath_or_buffer: 'https://h/x.csv?sig=secret'}, k: {type: csv, path: 's3://k:secret@b/x'}, s: {type: sql_table, con: 'postgresql://u:${PW}@h/shop', table_name: t, schema: sales}}}}",
			want: naming.Datasource{Assets: map[string]naming.Asset{"f": {InMemory: true}, "u": {Path: "https://h/x.csv"}, "k": {}, "s": {Namespace: "postgres://h:5432", Database: "shop", Table: "t", Schema: "sales"}}}},
		"query": {yaml: "fluent_datasources: {d: {type: sql, connection_string: 'mysql://h/shop', assets: {q: {type: query, query: SELECT 1}, t: {type: table, table_name: orders, schema_name: }}}}",
			want: naming.Datasource{Namespace: "mysql://h:3306", Database: "shop", Assets: map[string]naming.Asset{"q": {HasQuery: true, Query: "SELECT 1"}, "t": {Table: "orders"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parseText(c.yaml, c.vars, c.env)
			if err != nil {
				t.Fatal(err)
			}
			c.want.Exact = true
			if got := p.Datasources["d"]; !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if warnings := strings.Join(p.Warnings, "\n"); (c.warn == "") != (warnings == "") || !strings.Contains(warnings, c.warn) {
				t.Errorf("warned %q, want %q", warnings, c.warn)
			}
		})
	}
}

func TestBundledProjects(t *testing.T) {
	for dir, want := range map[string]map[string]string{
		"block":       {"retail_pg": "postgres://127.0.0.1:5434 retail", "retail_sqlite": "sqlite:///data/retail/shop.db ", "retail_landing": " "},
		"fluent-0.18": {"retail_pg": "postgres://127.0.0.1:5434 retail", "retail_sqlite": "sqlite:///data/retail/shop.db ", "retail_frames": " "},
		"fluent-1.9":  {"retail_pg": "postgres://127.0.0.1:5435 retaildb", "retail_sqlite": "sqlite:///data/retail1x/retail.sqlite "},
		"v2":          {"v2_pg": "postgres://127.0.0.1:5434 retail", "v2_files": " "},
	} {
		t.Run(dir, func(t *testing.T) {
			p, err := Read(filepath.Join("testdata", dir), testOptions(nil))
			if err != nil || len(p.Warnings) > 0 {
				t.Fatalf("%v %v", err, p)
			}
			for name, place := range want {
				d, ok := p.Datasources[name]
				if got := d.Namespace + " " + d.Database; !ok || got != place {
					t.Errorf("%s: got %q, want %q", name, got, place)
				}
			}
			if strings.Contains(fmt.Sprintf("%+v", p), "SECRETPW") {
				t.Error("a password was kept")
			}
		})
	}
}

func TestErrorsNameFileAndLineAndNoValue(t *testing.T) {
	wide := "a: &a {" + strings.Repeat("x: {}, ", 3000) + "y: {}}\n"
	for name, c := range map[string]struct{ yaml, want string }{
		"syntax":        {"a: 1\nb: [1\n", "gx.yml:2: not valid YAML: did not find expected ',' or ']'"},
		"no mapping":    {"- a", "gx.yml:1: not a mapping of keys and values"},
		"odd anchor":    {"a:\n  password: *SECRETPW\n", "gx.yml:2: not valid YAML: an alias without its anchor"},
		"alias bomb":    {wide + bomb(), "its aliases expand too far"},
		"merges itself": {"a: &a\n  <<: *a\nfluent_datasources: *a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseText(c.yaml, "", nil)
			if c.want == "" && err == nil {
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRETPW") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// bomb is a small file with more assets than anybody can look at.
func bomb() string {
	var b strings.Builder
	b.WriteString("assets: &s {")
	for i := range 1000 {
		fmt.Fprintf(&b, "a%d: {table: t}, ", i)
	}
	b.WriteString("}\nconnectors: &c {")
	for i := range 1000 {
		fmt.Fprintf(&b, "c%d: {assets: *s}, ", i)
	}
	b.WriteString("}\ndatasources: {")
	for i := range 1000 {
		fmt.Fprintf(&b, "d%d: {data_connectors: *c}, ", i)
	}
	return b.String() + "}\n"
}

func TestReadFindsTheProjectAndRefusesWhatIsNone(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir, testOptions(nil)); err == nil || !strings.Contains(err.Error(), "holds no great_expectations.yml") {
		t.Error(err)
	}
	if _, err := Read(filepath.Join(dir, "none.yml"), testOptions(nil)); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
	gx := filepath.Join(dir, "gx")
	if err := os.Mkdir(gx, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(gx, "great_expectations.yml")
	if err := os.WriteFile(file, []byte("fluent_datasources: {d: {base_directory: x, assets: {a: {type: csv}}}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Read(dir, testOptions(nil))
	if err != nil || p.File != file || p.Datasources["d"].Assets["a"].Folder != filepath.Join(gx, "x") {
		t.Errorf("%+v %v", p, err)
	}
	if err := os.WriteFile(file, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir, testOptions(nil)); err == nil || !strings.Contains(err.Error(), "is larger than") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/great_expectations.yml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "DB_PASSWORD: SECRETPW")
	}
	f.Add("x: &x {<<: *x}\ndatasources: {d: {credentials: '${v}'}}", "v: {drivername: mysql, host: h, password: SECRETPW}")
	f.Fuzz(func(t *testing.T, text, variables string) {
		p, err := parseText(text, variables, nil)
		if (p == nil) == (err == nil) {
			t.Error("neither a project nor an error")
		}
	})
}
