package mapper

import (
	"testing"
)

func TestNormaliseNamespace(t *testing.T) {
	for in, want := range map[string]string{
		"postgresql+psycopg2://user:p@w@DB.host":    "postgres://db.host:5432",
		"postgresql://u:a/b@h:1/db?sslmode=x":       "postgres://h:1/db",
		"mysql+pymysql://h":                         "mysql://h:3306",
		"sqlite:////data/x.db":                      "sqlite:///data/x.db",
		"bigquery":                                  "bigquery",
		"arn:aws:glue:eu-west-1:123":                "arn:aws:glue:eu-west-1:123",
		"wasbs://c@acc.blob.core.windows.net?sig=x": "wasbs://c@acc.blob.core.windows.net",
	} {
		if got := normaliseNamespace(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestNameFile(t *testing.T) {
	for in, want := range map[string][2]string{
		"s3a://b/k/x.csv?versionId=1":                       {"s3://b", "k/x.csv"},
		"acc.blob.core.windows.net/c/k/x.csv?sig=1":         {"wasbs://c@acc.blob.core.windows.net", "k/x.csv"},
		"https://acc.blob.core.windows.net/c/k/x.csv?sig=1": {"wasbs://c@acc.blob.core.windows.net", "k/x.csv"},
		"https://u:p@h/x.csv?token=1":                       {"https://h", "x.csv"},
		"file:///p/x.csv":                                   {"file", "/p/x.csv"},
		`C:\x\y.csv`:                                        {"file", `C:\x\y.csv`},
	} {
		if ns, name := nameFile(in); ns != want[0] || name != want[1] {
			t.Errorf("%s: got %s %s, want %v", in, ns, name, want)
		}
	}
}

func TestTableText(t *testing.T) {
	for _, c := range []struct {
		ns   string
		f    datasetFields
		want string
	}{
		{"postgres://h:5432", datasetFields{Database: "d", Table: `"s"."t"`}, "d.s.t"},
		{"postgres://h:5432", datasetFields{Database: "d", Table: "t"}, "d.public.t"},
		{"mysql://h:3306", datasetFields{Database: "d", Table: "t"}, "d.t"},
		{"snowflake://a", datasetFields{Database: "D", Table: "T"}, "D.T"},
		{"sqlite:///x.db", datasetFields{Schema: "main", Table: "t"}, "t"},
		{"arn:aws:glue:r:1", datasetFields{Database: "d", Table: "t"}, "table/d/t"},
	} {
		if got := tableText(c.ns, c.f); got != c.want {
			t.Errorf("%s %+v: got %s, want %s", c.ns, c.f, got, c.want)
		}
	}
}
