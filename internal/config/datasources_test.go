package config

import (
	"strings"
	"testing"
)

// An entry that names nothing, or a store that nobody can find, is told where it stands, without a secret.
func TestADatasourceWithoutEffectIsRefused(t *testing.T) {
	for entry, want := range map[string]string{
		"{}":                                 "gx-ol.yaml:2:3: datasources.x says nothing",
		"{namespace: 'db.example.com:5432'}": "gx-ol.yaml:2:3: datasources.x namespace has no scheme",
		"{namespace: 'u:SECRETPW@h/shop'}":   "namespace has no scheme",
		"{namespace: 'mssql+pyodbc://u:SECRETPW@MYDSN'}":        "ODBC data source name",
		"{namespace: 'jdbc:oracle:thin:u/SECRETPW@TNSNAME'}":    "JDBC string",
		"{namespce: 'postgres://h'}":                            "namespce",
		"{namespace: 'postgres://h'}":                           "",
		"{namespace: bigquery}":                                 "",
		"{schema: sales}":                                       "",
		"{namespace: 'jdbc:postgresql://h/shop?user=u'}":        "",
		"{namespace: 'arn:aws:glue:eu-west-1:123456789012'}":    "",
		"{namespace: 'db2+ibm_db://u:p@h/SHOP;UID=u;PWD=pass'}": "",
	} {
		_, err := Parse("gx-ol.yaml", []byte("datasources:\n  x: "+entry+"\n"), func(string) (string, bool) { return "", false })
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", entry, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", entry, err, want)
		case err != nil && (strings.Contains(err.Error(), "SECRETPW") || strings.Contains(err.Error(), "says nothing") && entry != "{}"):
			t.Errorf("%s: %v", entry, err)
		}
	}
}
