package mapper

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// resultOf is a result whose meta tells where the data came from.
func resultOf(batch string) string {
	return `{"success": true, "results": [{"success": true, "expectation_config": {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}}, "result": {"observed_value": 1}}],
		"meta": {"expectation_suite_name": "s", "run_id": {"run_name": "n", "run_time": "2026-01-02T03:04:05+00:00"}, ` + batch + `}}`
}

func TestTheReadmesTemplateNamesATableOnce(t *testing.T) {
	s := Settings{Datasources: map[string]Datasource{"warehouse*": {Namespace: "postgres://db.example.com:5432", Name: "shop.{{ .Schema }}.{{ .Table }}"}}}
	const definition = `"active_batch_definition": {"datasource_name": "warehouse", "data_asset_name": "orders", "batch_identifiers": {}}, `
	table := mapped(t, s, Input{}, resultOf(definition+`"batch_spec": {"table_name": "orders", "schema_name": null}`))
	query := mapped(t, s, Input{}, resultOf(definition+`"batch_spec": {"query": "SELECT 1 FROM orders"}`))
	if a, b := jsonAt(table, "inputs", "0", "name"), jsonAt(query["inputs"].([]any)[1], "name"); a != `"shop.public.orders"` || b != a {
		t.Errorf("by result %s, by query %s", a, b)
	}
}

// Two files are two datasets, and one file is one, however its path is written.
func TestNamesOfFiles(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		path     string
		want     string
	}{
		"hash":              {Settings{}, "/in/Report #3.csv", "/in/Report #3.csv"},
		"hash, for Marquez": {Settings{EscapeHash: true}, "/in/Report #3.csv", "/in/Report %233.csv"},
		"cleaned":           {Settings{}, "/in/../in//x.csv/", "/in/x.csv"},
		"project":           {Settings{ProjectFolder: "/gx"}, "../in/x.csv", "/in/x.csv"},
		"Windows":           {Settings{}, `c:\\in\\x.csv`, "C:/in/x.csv"},
	} {
		tree := mapped(t, c.settings, Input{}, resultOf(`"active_batch_definition": {"datasource_name": "d", "data_asset_name": "a"}, "batch_spec": {"path": "`+c.path+`"}`))
		if got := jsonAt(tree, "inputs", "0", "name"); got != `"`+c.want+`"` {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAnUnknownFolderIsCounted(t *testing.T) {
	for folder, want := range map[string]bool{"": true, "/gx": false} {
		m, err := New(Settings{ProjectFolder: folder})
		if err != nil {
			t.Fatal(err)
		}
		runs, err := m.Map(&gx.Message{Validations: []gx.Validation{{Batch: gx.Batch{Datasource: "d", Asset: "a", Spec: gx.BatchSpec{Path: "in/x.csv"}}}}}, Input{Received: received})
		if err != nil || slices.Contains(runs[0].Warn, "relative_path") != want {
			t.Errorf("%q: %v %v", folder, runs, err)
		}
	}
}

// Marquez leaves a run half written where dataSource holds no URI.
func TestOnlyAURIIsADataSource(t *testing.T) {
	for ns, uri := range map[string]string{"postgresql://h": `"postgres://h:5432"`, "postgresql://a:1,b:2": "", "postgresql://[::1]": `"postgres://[::1]:5432"`, "duckdb:///:memory:": ""} {
		tree := mapped(t, Settings{Datasources: map[string]Datasource{"d": {Namespace: ns}}}, Input{},
			resultOf(`"active_batch_definition": {"datasource_name": "d", "data_asset_name": "a"}, "batch_spec": {"table_name": "t"}`))
		if got := jsonAt(tree, "inputs", "0", "facets", "dataSource", "uri"); got != uri {
			t.Errorf("%s: %s, want %s", ns, got, uri)
		}
	}
}

func TestAQueryOfTheOldAPIIsAQuery(t *testing.T) {
	s := Settings{Datasources: map[string]Datasource{"pg": {Namespace: "postgres://h", Database: "shop"}}}
	const kwargs = `"batch_kwargs": {"datasource": "pg", "query": "SELECT 1 FROM crm.orders WHERE a = 'ROWVALUE'", "ge_batch_id": "x"%s}`
	for name, batch := range map[string]string{
		"alone":                      fmt.Sprintf(kwargs, ""),
		"with an asset":              fmt.Sprintf(kwargs, `, "data_asset_name": "paid"`),
		"with a temporary table":     fmt.Sprintf(kwargs, `, "table": "ge_tmp_1"`),
		"beside an empty batch_spec": `"batch_spec": {}, ` + fmt.Sprintf(kwargs, ""),
		"beside a null batch_spec":   `"batch_spec": null, ` + fmt.Sprintf(kwargs, ""),
	} {
		tree := mapped(t, s, Input{}, resultOf(batch))
		inputs := tree["inputs"].([]any)
		if got := jsonAt(inputs[len(inputs)-1], "name"); len(inputs) != 2 || got != `"shop.crm.orders"` {
			t.Errorf("%s: %d inputs, the last %s", name, len(inputs), got)
		}
		if got := jsonAt(tree, "job", "facets", "sql", "query"); got != `"SELECT ? FROM crm.orders WHERE a = ?"` {
			t.Errorf("%s: %s", name, got)
		}
		if strings.Contains(jsonAt(inputs, "0", "name"), "ge_tmp") {
			t.Errorf("%s: named by a temporary table", name)
		}
	}
}

// Options of a connection string may hold a password, wherever the string stands.
func TestNoOptionOfAConnectionLeaves(t *testing.T) {
	for _, con := range []string{"db2+ibm_db://h:50000/SHOP;PROTOCOL=TCPIP;UID=u;PWD=SECRETPW", "jdbc:sqlserver://h;databaseName=shop;password=SECRETPW", "postgresql://h/shop?password=SECRETPW",
		"jdbc:oracle:thin:u/SECRETPW@//h:1521/svc"} {
		for _, c := range []struct {
			ds    Datasource
			batch string
		}{
			{Datasource{Namespace: con}, `"batch_spec": {"table_name": "t"}`},
			{Datasource{Namespace: con}, `"batch_spec": {"query": "SELECT 1 FROM t"}`},
			{Datasource{Schema: "s"}, `"batch_spec": {"reader_method": "read_sql_table", "reader_options": {"con": "` + con + `", "table_name": "t"}}`},
			{Datasource{Schema: "s"}, `"batch_spec": {"path": "` + con + `"}`},
		} {
			tree := mapped(t, Settings{Datasources: map[string]Datasource{"d": c.ds}}, Input{}, resultOf(`"active_batch_definition": {"datasource_name": "d", "data_asset_name": "a"}, `+c.batch))
			if body := strings.ToUpper(jsonAt(tree)); strings.Contains(body, "SECRETPW") {
				t.Errorf("%s, %s: %s", con, c.batch, body)
			}
		}
	}
}

// A message may repeat a long query as often as it likes: only so much of it is read, and what is left out is told.
func TestTheSQLOfAMessageIsBounded(t *testing.T) {
	query := "SELECT " + strings.Repeat("a/", 30<<10) + "b FROM t"
	msg := &gx.Message{}
	for range 200 {
		msg.Validations = append(msg.Validations, gx.Validation{Suite: "s", Batch: gx.Batch{Datasource: "d", Asset: "a", Spec: gx.BatchSpec{HasQuery: true, Query: query}}})
	}
	m, err := New(Settings{Datasources: map[string]Datasource{"d": {Namespace: "postgres://h"}}})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	runs, err := m.Map(msg, Input{Received: received})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	read := 0
	for i, run := range runs {
		has := bytes.Contains(run.Events[1].Body, []byte(`"sql":`))
		if has {
			read++
		}
		if has == slices.Contains(run.Warn, "sql_not_read") {
			t.Errorf("result %d: read %v, warned %v", i, has, run.Warn)
		}
	}
	if read != maxSQL/len(query) {
		t.Errorf("%d queries were read", read)
	}
}

func TestNothingOfADoubtfulQueryLeaves(t *testing.T) {
	for _, sql := range []string{`SELECT 1 FROM t WHERE a = \"x\\\" ROWVALUE\"`, `SELECT [a'b] FROM t WHERE a = ' ROWVALUE '`} {
		tree := mapped(t, Settings{}, Input{}, resultOf(`"active_batch_definition": {"datasource_name": "d", "data_asset_name": "a"}, "batch_spec": {"query": "`+sql+`"}`))
		if facet := jsonAt(tree, "job", "facets", "sql"); facet != "" {
			t.Errorf("%s: %s", sql, facet)
		}
	}
}
