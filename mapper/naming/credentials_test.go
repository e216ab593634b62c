package naming

import (
	"strings"
	"testing"
)

// Namespaces are lower-cased, so a password is looked for in any case.
func TestNoCredentialOfAnyDialectLeaves(t *testing.T) {
	for _, scheme := range []string{"awsathena+rest", "hana", "vertica+vertica_python", "exa+pyodbc", "databricks", "postgresql"} {
		for _, password := range []string{"SECRETPW", "SECRETPW/x", "x/SECRETPW", "12/SECRETPW", "SECRETPW?x/y", "SECRETPW#x/y"} {
			t.Run(scheme+" "+password, func(t *testing.T) {
				c, _ := Connection(scheme + "://ann:" + password + "@db.example.com:99/shop")
				database := strings.TrimPrefix(joinDots(c.Database, c.Schema), "AwsDataCatalog.")
				if want := normaliseScheme(scheme) + "://db.example.com:99"; c.Namespace != want || database != "shop" {
					t.Errorf("got %+v, want %s shop", c, want)
				}
			})
		}
	}
	for in, want := range map[string][2]string{
		"s3a://KEY:SECRETPW/x@bucket/a.csv":  {"s3://bucket", "a.csv"},
		"sftp://ann:SECRETPW/x@h/a.csv":      {"file://h", "/a.csv"},
		"hdfs://nn:8020/mail@home/a.csv":     {"hdfs://nn:8020", "/mail@home/a.csv"},
		"s3://bucket/mail@home/a.csv":        {"s3://bucket", "mail@home/a.csv"},
		"abfss://c@a.dfs.core.windows.net/x": {"abfss://c@a.dfs.core.windows.net", "x"},
	} {
		if namespace, name := File(in); namespace != want[0] || name != want[1] {
			t.Errorf("%s: got %s %s, want %v", in, namespace, name, want)
		}
	}
}
