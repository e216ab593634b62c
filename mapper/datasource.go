package mapper

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"
)

// table is one compiled entry of datasources:.
type table struct {
	glob string
	ds   Datasource
	name *template.Template
}

// datasetFields is what a datasource's name template sees.
type datasetFields struct {
	Database, Schema, Table, Asset, Path, Datasource string
}

// compileTables compiles the datasources table: exact names first, then the longest glob.
func compileTables(m map[string]Datasource) ([]table, error) {
	var tables []table
	var faults []error
	for glob, ds := range m {
		t := table{glob: glob, ds: withoutDatabase(ds)}
		if _, err := path.Match(glob, ""); err != nil && !ds.Exact {
			faults = append(faults, fmt.Errorf("datasources: %q is not a pattern: %w", glob, err))
		}
		if ds.Name != "" {
			tmpl, err := template.New("name").Option("missingkey=error").Parse(ds.Name)
			if err == nil {
				err = tmpl.Execute(new(strings.Builder), datasetFields{"db", "schema", "table", "asset", "/path", "datasource"})
			}
			if err != nil {
				faults = append(faults, fmt.Errorf("datasources: %q: name: %w", glob, err))
			}
			t.name = tmpl
		}
		tables = append(tables, t)
	}
	slices.SortFunc(tables, func(a, b table) int {
		ga, gb := a.isGlob(), b.isGlob()
		if ga != gb {
			if gb {
				return -1
			}
			return 1
		}
		if ga && len(a.glob) != len(b.glob) {
			return len(b.glob) - len(a.glob)
		}
		return cmp.Compare(a.glob, b.glob)
	})
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return tables, errors.Join(faults...)
}

// withoutDatabase takes database and schema off a namespace that is a whole connection string: they belong into the
// name. The path of plain mssql:// is an instance and stays; that of mssql+pyodbc:// is a database.
func withoutDatabase(ds Datasource) Datasource {
	scheme, authority, rest, ok := splitURL(ds.Namespace)
	known := normaliseScheme(scheme)
	if !ok || strings.Trim(rest, "/") == "" && !strings.Contains(authority, "?") || embedded(known+"://") || !isSQL(known+"://") || known == "azurecosmos" {
		return ds
	}
	if server := known == "mssql" || known == "sqlserver"; server && !strings.Contains(scheme, "+") {
		return ds
	}
	c, led := NameConnection(ds.Namespace)
	ds.Database, ds.Schema = orElse(ds.Database, c.Database), orElse(ds.Schema, c.Schema)
	if ds.Namespace = scheme + "://" + dropQuery(authority); dropQuery(authority) == "" && led {
		ds.Namespace = c.Namespace
	}
	return ds
}

func (t *table) isGlob() bool { return !t.ds.Exact && strings.ContainsAny(t.glob, `*?[\`) }

func findTable(tables []table, datasource string) *table {
	for i := range tables {
		if tables[i].glob == datasource {
			return &tables[i]
		}
		if !tables[i].isGlob() {
			continue
		}
		if ok, err := path.Match(tables[i].glob, datasource); err == nil && ok {
			return &tables[i]
		}
	}
	return nil
}

// stripOptions cuts the trailing -<option>_<value> parts: they are the batch, and may hold a row value. What follows
// the first option is never the asset again, and so goes too.
func stripOptions(s string) string {
	parts := strings.Split(s, "-")
	for i := 1; i < len(parts); i++ {
		if strings.IndexByte(parts[i], '_') > 0 {
			return strings.Join(parts[:i], "-")
		}
	}
	return s
}

func isDigest(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
