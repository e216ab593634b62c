package naming

import (
	"strings"
	"testing"
)

func TestNormalise(t *testing.T) {
	for in, want := range map[string]string{
		"postgresql+psycopg2://user:p@w@DB.host":    "postgres://db.host:5432",
		"postgresql://u:a/b@h:1/db?sslmode=x":       "postgres://h:1/db",
		"mysql+pymysql://h":                         "mysql://h:3306",
		"sqlite:////data/x.db":                      "sqlite:///data/x.db",
		"bigquery":                                  "bigquery",
		"arn:aws:glue:eu-west-1:123":                "arn:aws:glue:eu-west-1:123",
		"wasbs://c@acc.blob.core.windows.net?sig=x": "wasbs://c@acc.blob.core.windows.net",
	} {
		if got := Normalise(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestFile(t *testing.T) {
	for in, want := range map[string][2]string{
		"s3a://b/k/x.csv?versionId=1":                       {"s3://b", "k/x.csv"},
		"acc.blob.core.windows.net/c/k/x.csv?sig=1":         {"wasbs://c@acc.blob.core.windows.net", "k/x.csv"},
		"https://acc.blob.core.windows.net/c/k/x.csv?sig=1": {"wasbs://c@acc.blob.core.windows.net", "k/x.csv"},
		"https://u:p@h/x.csv?token=1":                       {"https://h", "x.csv"},
		"file:///p/x.csv":                                   {"file", "/p/x.csv"},
		`C:\x\y.csv`:                                        {"file", "C:/x/y.csv"}, // one name for \ and /
	} {
		if ns, name := File(in); ns != want[0] || name != want[1] {
			t.Errorf("%s: got %s %s, want %v", in, ns, name, want)
		}
	}
}

// A file has one name, however its path is written; a key of an object is what it is.
func TestAFileHasOneName(t *testing.T) {
	for in, want := range map[string][2]string{
		"/data/Report #3.csv":                {"file", "/data/Report #3.csv"},
		"s3://b/Report #3.csv?versionId=1":   {"s3://b", "Report #3.csv"},
		"/data/../in/./a//b.csv":             {"file", "/in/a/b.csv"},
		"/data/in/":                          {"file", "/data/in"},
		"hdfs://nn:8020/a/../b//c/":          {"hdfs://nn:8020", "/b/c"},
		"dbfs:/a/./b/":                       {"dbfs", "/a/b"},
		"dbfs:///a/b":                        {"dbfs", "/a/b"},
		"/dbfs//a/b":                         {"dbfs", "/a/b"},
		"s3://b/a/../c//d/./e":               {"s3://b", "a/../c//d/./e"},
		"gs://b/folder/":                     {"gs://b", "folder"},
		"s3://b":                             {"s3://b", "/"},
		"s3:/b/k.csv":                        {"s3://b", "k.csv"}, // a path library took a slash away
		"file:/x/y.csv":                      {"file", "/x/y.csv"},
		"file:x/y.csv":                       {"file", "x/y.csv"},
		"hdfs:/x/y.csv":                      {"hdfs", "/x/y.csv"},
		"hdfs:///x/y.csv":                    {"hdfs", "/x/y.csv"},
		"c:/x/../y.csv":                      {"file", "C:/y.csv"},
		"file:///C:/x/y.csv":                 {"file", "C:/x/y.csv"},
		"file://C:/x/y.csv":                  {"file", "C:/x/y.csv"},
		`data\in\y.csv`:                      {"file", "data/in/y.csv"},
		"data/in/../y.csv":                   {"file", "data/y.csv"},
		`/data/odd\name.csv`:                 {"file", `/data/odd\name.csv`},
		`\\srv\share\y.csv`:                  {"file://srv", "/share/y.csv"},
		"zip://in.csv::s3://b/x.zip":         {"s3://b", "x.zip"},
		"simplecache::/data/x.csv":           {"file", "/data/x.csv"},
		"https://h/x.csv;jsessionid=1?t=1#f": {"https://h", "x.csv"},
		"sftp://ann:SEC?RE#T@h/x.csv":        {"file://h", "/x.csv"},
	} {
		if ns, name := File(in); ns != want[0] || name != want[1] {
			t.Errorf("%s: got %s %s, want %v", in, ns, name, want)
		}
	}
}

func TestOnlyAURIIsOne(t *testing.T) {
	for ns, ok := range map[string]bool{
		"postgres://db:5432": true, "postgres://a:1,b:2": false, "postgres://[::1]:5432": true, "postgres://_::1_:5432": false,
		"duckdb://:memory:": false, "sqlite:///data/x.db": true, "s3://bucket": true, "file": false, "bigquery": false,
		"wasbs://c@a.blob.core.windows.net": true, "arn:aws:glue:eu-west-1:1": true, "great_expectations://ds": false, "zip://a.csv::s3:": false,
		"unitycatalog://h": true, "spanner://proj:inst": false, "postgres://proj:reg:inst": false, "sqlite://C:/a b.db": false,
	} {
		if got := URI(ns); (got != "") != ok || ok && got != ns {
			t.Errorf("%s: %q", ns, got)
		}
	}
}

// Whatever a path is: the same file again under its own name, and no password.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{"/a/../b//c/", `C:\x\..\y`, `\\srv\share`, "s3://b/k?x", "file:/x", "hdfs:x", "zip://a::s3://b/k", "jdbc:oracle:thin:u/p@//h/s", "~/x", "sftp://u:p@h/x", "a.blob.core.windows.net/c/k", "/dbfs/x"} {
		f.Add(seed, "/?#;:")
	}
	f.Fuzz(func(t *testing.T, p, password string) {
		namespace, name := File(p)
		if namespace == "file" && !strings.HasPrefix(p, "jdbc:") {
			if again, same := File(name); isAbsolute(name) && !strings.ContainsAny(name, "?:") && (again != "file" || same != name) && !strings.HasPrefix(name, "/dbfs") {
				t.Errorf("%q is %q, which is %s %q", p, name, again, same)
			}
			if strings.Contains(name, "//") || strings.Contains(name+"/", "/../") && isAbsolute(name) {
				t.Errorf("%q is not cleaned: %q", p, name)
			}
		}
		if strings.Contains(password, "@") || strings.Contains(p, "SECRETPW") {
			return
		}
		for _, scheme := range []string{"s3", "sftp", "https", "postgresql", "jdbc:postgresql"} {
			namespace, name := File(scheme + "://ann:" + strings.ReplaceAll(password, "/", "") + "SECRETPW@h/x")
			if strings.Contains(strings.ToUpper(namespace+name), "SECRETPW") {
				t.Errorf("%s, %q: %s %s", scheme, password, namespace, name)
			}
		}
	})
}
