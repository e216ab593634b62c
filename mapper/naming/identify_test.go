package naming

import (
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// project is what a great_expectations.yml tells.
var project = map[string]Datasource{
	"wh": {Namespace: "postgres://h:5432", Database: "shop", Schema: "conn", Assets: map[string]Asset{
		"orders":     {Table: "t_orders", Schema: "sales"},
		"orders-eu":  {Table: "t_orders_eu"},
		"paid":       {HasQuery: true, Query: "SELECT 1"},
		"paid_named": {HasQuery: true, QueryName: "v_paid"},
	}},
	"wh-eu": {Namespace: "postgres://eu:5432", Database: "shop", Assets: map[string]Asset{"x": {Table: "tx"}}},
	"files": {Namespace: "file", Assets: map[string]Asset{"one": {Path: "/data/one.csv"}, "many": {Folder: "/data/many/"}}},
	"lake":  {Namespace: "s3://bucket", Assets: map[string]Asset{"many": {Folder: "s3://bucket/lake"}}},
	"df":    {Assets: map[string]Asset{"frame": {InMemory: true}, "remote": {Namespace: "postgres://other:5432", Database: "d", Table: "t"}}},
}

func TestAssetsCompleteWhatAResultLeavesOut(t *testing.T) {
	for name, c := range map[string]struct {
		batch           gx.Batch
		namespace, want string
	}{
		"batch id, asset's table":        {gx.Batch{BatchID: "wh-orders"}, "postgres://h:5432", "shop.sales.t_orders"},
		"batch id with options":          {gx.Batch{BatchID: "wh-orders-year_2024-month_1"}, "postgres://h:5432", "shop.sales.t_orders"},
		"asset with a dash":              {gx.Batch{BatchID: "wh-orders-eu-year_2024"}, "postgres://h:5432", "shop.conn.t_orders_eu"},
		"datasource with a dash":         {gx.Batch{BatchID: "wh-eu-x"}, "postgres://eu:5432", "shop.public.tx"},
		"query":                          {gx.Batch{BatchID: "wh-paid"}, "postgres://h:5432", "shop.paid"},
		"query with a name":              {gx.Batch{BatchID: "wh-paid_named"}, "postgres://h:5432", "shop.v_paid"},
		"query whose text was lost":      {gx.Batch{Datasource: "wh", Asset: "paid_named", Spec: gx.BatchSpec{Present: true, HasQuery: true}}, "postgres://h:5432", "shop.v_paid"},
		"one file":                       {gx.Batch{BatchID: "files-one"}, "file", "/data/one.csv"},
		"one of many files":              {gx.Batch{BatchID: "files-many-year_2024"}, "file", "/data/many/many"},
		"one of many objects":            {gx.Batch{BatchID: "lake-many"}, "s3://bucket", "lake/many"},
		"dataframe":                      {gx.Batch{BatchID: "df-frame"}, "inmemory://", "df.frame"},
		"elsewhere":                      {gx.Batch{BatchID: "df-remote"}, "postgres://other:5432", "d.public.t"},
		"asset alone, of one datasource": {gx.Batch{Asset: "orders"}, "postgres://h:5432", "shop.sales.t_orders"},
		"asset alone, of two":            {gx.Batch{Asset: "many"}, "", "many"},
		"schema of the asset":            {gx.Batch{Datasource: "wh", Asset: "orders", Spec: gx.BatchSpec{Present: true, Table: "t_orders"}}, "postgres://h:5432", "shop.sales.t_orders"},
		"schema of the result":           {gx.Batch{Datasource: "wh", Asset: "orders", Spec: gx.BatchSpec{Present: true, Table: "t_orders", Schema: "other"}}, "postgres://h:5432", "shop.other.t_orders"},
		"table is now another":           {gx.Batch{Datasource: "wh", Asset: "orders", Spec: gx.BatchSpec{Present: true, Table: "t_old"}}, "postgres://h:5432", "shop.conn.t_old"},
		"the result's path wins":         {gx.Batch{Datasource: "files", Asset: "one", Spec: gx.BatchSpec{Present: true, Path: "/x/y.csv"}}, "file", "/x/y.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := Compile(project, "")
			if err != nil {
				t.Fatal(err)
			}
			if ds, _ := table.Resolve(&c.batch).Dataset(false); ds.Namespace != c.namespace || ds.Name != c.want {
				t.Errorf("got %s %s, want %s %s", ds.Namespace, ds.Name, c.namespace, c.want)
			}
		})
	}
}

func TestHandWrittenFieldsWinOverDerivedOnes(t *testing.T) {
	merged, err := Merge(map[string]Datasource{
		"wh":  {Schema: "mine"},
		"wh*": {Namespace: "postgresql://u:p@eu.example.com/store", Name: "{{.Table}}"},
		"new": {Namespace: "mysql://n"},
	}, project)
	if err != nil {
		t.Fatal(err)
	}
	if wh := merged["wh"]; wh.Namespace != "postgres://h:5432" || wh.Schema != "mine" || wh.Assets["orders"].Schema != "" || wh.Assets["orders"].Table != "t_orders" {
		t.Errorf("exact entry: %+v", wh)
	}
	if eu := merged["wh-eu"]; eu.Namespace != "postgres://eu.example.com:5432" || eu.Database != "store" || eu.Name != "{{.Table}}" || len(eu.Assets) != 1 {
		t.Errorf("pattern: %+v", eu)
	}
	if merged["new"].Namespace != "mysql://n" || merged["lake"].Namespace != "s3://bucket" || len(merged) != 7 {
		t.Errorf("others: %+v", merged)
	}
	if project["wh"].Assets["orders"].Schema != "sales" {
		t.Error("the derived table was changed in place")
	}
}

// A project may call its datasources as it likes; only what is written by hand is a pattern.
func TestANameOfAProjectIsNoPattern(t *testing.T) {
	derived := map[string]Datasource{
		"a[":   {Exact: true, Namespace: "postgres://one"},
		"a*":   {Exact: true, Namespace: "postgres://two"},
		"x[1]": {Exact: true, Namespace: "postgres://three"},
	}
	merged, err := Merge(map[string]Datasource{"x*": {Database: "shop"}}, derived)
	if err != nil {
		t.Fatal(err)
	}
	table, err := Compile(merged, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a[": "postgres://one:5432", "a*": "postgres://two:5432", "ab": "", "x[1]": "postgres://three:5432", "x1": ""} {
		got := ""
		if e := table.find(name); e != nil {
			got = e.store.Namespace
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
