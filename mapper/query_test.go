package mapper

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

const joinSQL = "SELECT o.a FROM orders o JOIN crm.customers c ON c.id = o.id WHERE o.status <> 'PARAMVALUE-void' AND o.n > 5"

// queryMessage is a result of a query asset, with one query expectation.
func queryMessage(sql string) *gx.Message {
	no, rows := false, int64(7)
	msg := oneResult(gx.Expectation{Type: "unexpected_rows_expectation", Success: &no,
		Kwargs: []gx.Kwarg{{Name: "unexpected_rows_query", Value: []byte(`"SELECT * FROM orders WHERE x = 'PARAMVALUE'"`), Count: -1}}},
		gx.Expectation{Type: "expect_column_values_to_not_be_null", Success: &no, Column: "a", HasColumn: true, Result: gx.Result{ElementCount: &rows, UnexpectedCount: &rows}})
	b := &msg.Validations[0].Batch
	b.Datasource, b.Asset = "pg", "paid"
	b.Spec = gx.BatchSpec{Present: true, HasQuery: true, Query: sql}
	return msg
}

// names are the inputs of an event; * marks the one that carries assertions, # the one that carries metrics.
func names(t *testing.T, body []byte) string {
	t.Helper()
	var ev struct {
		Inputs []struct {
			Namespace, Name string
			InputFacets     map[string]any
		}
	}
	if err := json.Unmarshal(body, &ev); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, in := range ev.Inputs {
		text := in.Namespace + " " + in.Name
		if in.InputFacets["dataQualityAssertions"] != nil {
			text += "*"
		}
		if in.InputFacets["dataQualityMetrics"] != nil {
			text += "#"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func TestTablesOfAQueryAreFurtherInputs(t *testing.T) {
	const ns = "postgres://db.example.com:5432"
	mapped := map[string]Datasource{"pg": {Namespace: ns, Database: "shop"}}
	for name, c := range map[string]struct {
		settings Settings
		sql      string
		want     string
	}{
		"by default":           {Settings{Datasources: mapped}, joinSQL, ns + " shop.paid*#, " + ns + " shop.public.orders, " + ns + " shop.crm.customers"},
		"assertions on tables": {Settings{Datasources: mapped, QueryAssertions: "tables"}, joinSQL, ns + " shop.public.orders*, " + ns + " shop.crm.customers*"},
		"no table found":       {Settings{Datasources: mapped, QueryAssertions: "tables"}, "SELECT 1", ns + " shop.paid*#"},
		"text lost":            {Settings{Datasources: mapped}, "", ns + " shop.paid*#"},
		"text of the project": {Settings{Datasources: map[string]Datasource{"pg": {Namespace: ns, Database: "shop",
			Assets: map[string]Asset{"paid": {HasQuery: true, Query: joinSQL}}}}}, "", ns + " shop.paid*#, " + ns + " shop.public.orders, " + ns + " shop.crm.customers"},
		"datasource unmapped": {Settings{QueryAssertions: "tables"}, joinSQL, "great_expectations://pg paid*#"},
		"one name once": {Settings{Datasources: map[string]Datasource{"pg": {Namespace: ns, Database: "shop", Schema: "s"}}},
			"SELECT 1 FROM orders, s.Orders, SHOP.s.orders", ns + " shop.paid*#, " + ns + " shop.s.orders"},
		"named as the asset": {Settings{Datasources: map[string]Datasource{"pg": {Namespace: "sqlite:///a.db"}}}, "SELECT 1 FROM paid, b", "sqlite:///a.db paid*#, sqlite:///a.db b"},
		"template": {Settings{Datasources: map[string]Datasource{"pg": {Namespace: ns, Schema: "public", Name: "x.{{.Schema}}.{{.Table}}"}}}, joinSQL,
			ns + " x.public.paid*#, " + ns + " x.public.orders, " + ns + " x.crm.customers"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := New(c.settings)
			if err != nil {
				t.Fatal(err)
			}
			runs, err := m.Map(queryMessage(c.sql), Input{Received: received})
			if err != nil {
				t.Fatal(err)
			}
			if got := names(t, runs[0].Events[1].Body); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			plain := strings.NewReplacer("*", "", "#", "").Replace(c.want)
			if got := names(t, runs[0].Events[0].Body); got != plain {
				t.Errorf("START: got %s, want %s", got, plain)
			}
			for _, ev := range runs[0].Events {
				if err := openlineage.Validate(ev.Body); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestValuesOfQueriesLeaveOnlyWhenOptedIn(t *testing.T) {
	const hidden = `"query":"SELECT o.a FROM orders o JOIN crm.customers c ON c.id = o.id WHERE o.status <> ? AND o.n > ?","dialect":"postgres"`
	for name, c := range map[string]struct {
		optIn         RowValues
		sql, content  string
		markInContent bool
	}{
		"nothing": {RowValues{}, hidden, "", false},
		"params":  {RowValues{Params: true}, hidden, `"content":"SELECT * FROM orders WHERE x = ?","contentType":"sql"`, true},
		"queries": {RowValues{Queries: true}, "PARAMVALUE-void", `"content":"SELECT * FROM orders WHERE x = 'PARAMVALUE'"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := New(Settings{RowValues: c.optIn, Datasources: map[string]Datasource{"pg": {Namespace: "postgres://db"}}})
			if err != nil {
				t.Fatal(err)
			}
			runs, err := m.Map(queryMessage(joinSQL), Input{Received: received})
			if err != nil {
				t.Fatal(err)
			}
			for _, ev := range runs[0].Events {
				if err := openlineage.Validate(ev.Body); err != nil {
					t.Error(err)
				}
				if !bytes.Contains(ev.Body, []byte(c.sql)) {
					t.Errorf("%s lacks %s", ev.Body, c.sql)
				}
			}
			body := runs[0].Events[1].Body
			if n := bytes.Count(body, []byte(`"content":`)); c.content == "" && n != 0 || c.content != "" && (n != 1 || bytes.Count(body, []byte(c.content)) != 1) {
				t.Errorf("content %d times: %s", n, body)
			}
			if !c.markInContent && bytes.Contains(body, []byte("PARAMVALUE")) {
				t.Errorf("a value left: %s", body)
			}
		})
	}
}

func TestSQLGoesBeforeFailures(t *testing.T) {
	m, err := New(Settings{MaxEventBytes: 4500})
	if err != nil {
		t.Fatal(err)
	}
	runs, err := m.Map(queryMessage("SELECT "+strings.Repeat("a, ", 2000)+"b FROM t"), Input{Received: received})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range runs[0].Events {
		if bytes.Contains(ev.Body, []byte(`"sql":`)) || len(ev.Body) > 4500 {
			t.Errorf("%s has %d bytes", ev.Type, len(ev.Body))
		}
	}
}

// The index of the corpus says which tables each query really read.
func TestTablesOfCorpusQueriesAreTheTrueOnes(t *testing.T) {
	type line struct {
		File        string
		Validations []struct {
			Dataset struct {
				Namespace string
				Tables    []json.RawMessage
			}
		}
	}
	compared, lost := 0, 0
	for _, l := range corpustest.Index[line](t) {
		for i, v := range l.Validations {
			if len(v.Dataset.Tables) == 0 {
				continue
			}
			// A table is its name, or namespace and name; the database is told as an operator would tell it.
			ds := Datasource{Namespace: v.Dataset.Namespace}
			var want []string
			for _, raw := range v.Dataset.Tables {
				var full struct{ Namespace, Name string }
				if json.Unmarshal(raw, &full) != nil {
					if err := json.Unmarshal(raw, &full.Name); err != nil {
						t.Fatal(err)
					}
				}
				ds.Namespace = cmp.Or(full.Namespace, ds.Namespace)
				want = append(want, naming.Normalise(ds.Namespace)+" "+full.Name)
				if parts := strings.Split(full.Name, "."); len(parts) == 3 {
					ds.Database = parts[0]
				}
			}
			m, err := New(Settings{Datasources: map[string]Datasource{"*": ds}, QueryAssertions: "tables"})
			if err != nil {
				t.Fatal(err)
			}
			message, err := os.ReadFile(filepath.Join(corpusDir, l.File))
			if err != nil {
				t.Fatal(err)
			}
			msg, err := gx.Decode(message)
			if err != nil {
				t.Fatal(err)
			}
			if msg.Validations[i].Batch.Spec.Query == "" {
				lost++
				continue
			}
			runs, err := m.Map(msg, Input{Received: received})
			if err != nil {
				t.Fatal(err)
			}
			if got := names(t, runs[i].Events[0].Body); got != strings.Join(want, ", ") {
				t.Errorf("%s: got %s, want %s", l.File, got, strings.Join(want, ", "))
			}
			for _, ev := range runs[i].Events {
				if leak := corpustest.Leak(ev.Body); leak != "" {
					t.Errorf("%s: a value left the message: %s", l.File, leak)
				}
				if err := openlineage.Validate(ev.Body); err != nil {
					t.Errorf("%s: %v", l.File, err)
				}
			}
			compared++
		}
	}
	if t.Logf("%d compared, %d without the text", compared, lost); compared == 0 {
		t.Error("nothing was compared")
	}
}
