// Package naming decides where a dataset lives and what it is called: from the entries of datasources:, a connection, a
// file's path and the defaults of each kind of store to OpenLineage's namespace and name. There is one way in which a
// dataset gets its name, for what a result says it validated, for each table of a query, and for what a
// great_expectations.yml tells. It is pure: no clock, no I/O.
package naming

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"
)

// Datasource is how one GX datasource is named: an entry of datasources:.
type Datasource struct {
	Exact     bool   // the entry's key is a name and no glob: a project's datasource may be called a[1]
	Namespace string // e.g. postgres://db.example.com:5432; a whole connection string tells database and schema too
	Database  string // default database
	Schema    string // default schema; an asset's own comes first
	Name      string // template over .Database .Schema .Table .Asset .Path .Datasource; empty: by the scheme of Namespace
	Assets    map[string]Asset
}

// Asset is what is known of one asset of a datasource. It completes what a result leaves out, and never overrules it.
type Asset struct {
	Namespace string // of an asset that lies elsewhere than its datasource; empty: the datasource's
	Database  string // beside Namespace
	Table     string
	Schema    string
	HasQuery  bool // a query asset
	Query     string
	QueryName string
	Path      string // path or URL of the file, where it is always the same
	Folder    string // else of the folder that its files lie in
	InMemory  bool   // a dataframe
}

// Store is where tables lie.
type Store struct {
	Namespace string // as OpenLineage writes it; "" not known
	Database  string // where none is said
	Schema    string // where none is said
}

// Entries is the table datasources:, compiled.
type Entries struct {
	entries []entry // exact names first, then the longest glob
	folder  string  // of the project, where relative paths begin; "" not known
}

// entry is one compiled entry of the table.
type entry struct {
	key    string
	exact  bool
	store  Store
	name   *template.Template // nil: by the convention of the store
	assets map[string]Asset
}

// Compile compiles the table and reports all that is wrong with it. Relative paths of files begin at folder, if there is one.
func Compile(m map[string]Datasource, folder string) (*Entries, error) {
	t := &Entries{folder: folder}
	var faults []error
	for key, ds := range m {
		e := entry{key: key, exact: ds.Exact || !strings.ContainsAny(key, `*?[\`), assets: ds.Assets}
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("datasources: %q"+format, append([]any{key}, args...)...))
		}
		if _, err := path.Match(key, ""); err != nil && !e.exact {
			fault(" is not a pattern: %w", err)
		}
		if err := Check(ds); err != nil {
			fault(": %w", err)
		}
		tmpl, err := compileName(ds.Name)
		if err != nil {
			fault(": name: %w", err)
		}
		e.name, e.store = tmpl, storeOf(ds)
		t.entries = append(t.entries, e)
	}
	slices.SortFunc(t.entries, byPrecedence)
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return t, errors.Join(faults...)
}

func byPrecedence(a, b entry) int {
	switch {
	case a.exact != b.exact:
		if a.exact {
			return -1
		}
		return 1
	case !a.exact && len(a.key) != len(b.key):
		return len(b.key) - len(a.key)
	}
	return cmp.Compare(a.key, b.key)
}

// Check refuses an entry that would have no effect, and a namespace that names no store. Its error holds no text of a
// namespace, which may be a whole connection string.
func Check(ds Datasource) error {
	switch {
	case !ds.Exact && ds.Namespace == "" && ds.Database == "" && ds.Schema == "" && ds.Name == "" && len(ds.Assets) == 0:
		return errors.New("says nothing: namespace, database, schema or name is needed")
	case ds.Namespace == "" || ds.Exact:
		return nil
	}
	ns := strings.TrimSpace(ds.Namespace)
	low := strings.ToLower(ns)
	if strings.HasPrefix(low, "jdbc:") {
		if _, ok := Connection(ns); !ok {
			return errors.New("namespace is a JDBC string that does not tell its store: write it like postgres://host:5432")
		}
		return nil
	}
	if slices.Contains(bareNamespaces, low) || strings.HasPrefix(low, "arn:aws:glue:") {
		return nil
	}
	scheme, rest, ok := strings.Cut(ns, "://")
	if !ok || !isScheme(scheme) {
		return errors.New("namespace has no scheme: write it like postgres://host:5432")
	}
	if u := parseSQLURL(scheme, dropCredentials(rest)); u.isDSN() && strings.Contains(scheme, "+") {
		return errors.New("namespace is an ODBC data source name, which tells no host: write it like mssql://host:1433")
	}
	return nil
}

// bareNamespaces are one store each.
var bareNamespaces = []string{"bigquery", "pubsub", "file", "dbfs", "hdfs"}

// storeOf takes database and schema off a namespace that is a whole connection string: they belong into the name. The path
// of plain mssql:// is an instance and stays; that of mssql+pyodbc:// is a database.
func storeOf(ds Datasource) Store {
	s := Store{Namespace: Normalise(ds.Namespace), Database: dropOptions(unquote(ds.Database)), Schema: dropOptions(unquote(ds.Schema))}
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(ds.Namespace)), "jdbc:") {
		c, _ := Connection(ds.Namespace)
		return Store{c.Namespace, cmp.Or(s.Database, c.Database), cmp.Or(s.Schema, c.Schema)}
	}
	scheme, authority, rest, ok := splitURL(ds.Namespace)
	known := normaliseScheme(scheme)
	if !ok || !IsSQL(known+"://") || embedded(known) || known == "azurecosmos" {
		return s
	}
	if strings.Trim(rest, "/") == "" && !strings.ContainsAny(authority, "?;") {
		return s
	}
	if server := known == "mssql" || known == "sqlserver"; server && !strings.Contains(scheme, "+") {
		return s
	}
	c, led := Connection(ds.Namespace)
	s.Database, s.Schema = cmp.Or(s.Database, c.Database), cmp.Or(s.Schema, c.Schema)
	if host := dropOptions(authority); host != "" {
		s.Namespace = Normalise(scheme + "://" + host)
	} else if led {
		s.Namespace = c.Namespace
	}
	return s
}

// find is the entry that names a datasource; nil: none.
func (t *Entries) find(datasource string) *entry {
	for i := range t.entries {
		e := &t.entries[i]
		if e.key == datasource {
			return e
		}
		if e.exact {
			continue
		}
		if ok, err := path.Match(e.key, datasource); err == nil && ok {
			return e
		}
	}
	return nil
}

// Merge lets entries written by hand win over derived ones, field by field. A pattern stands for every derived
// datasource that it fits and that has no entry of its own. A schema written by hand is also that of each asset: who
// writes it corrects the project.
func Merge(hand, derived map[string]Datasource) (map[string]Datasource, error) {
	t, err := Compile(hand, "")
	if err != nil {
		return nil, err
	}
	merged := make(map[string]Datasource, len(hand)+len(derived))
	for name, d := range derived {
		if e := t.find(name); e != nil {
			d = overlay(e.store, hand[e.key].Name, d)
		}
		merged[name] = d
	}
	for name, h := range hand {
		if _, ok := derived[name]; !ok {
			merged[name] = h
		}
	}
	return merged, nil
}

func overlay(hand Store, name string, derived Datasource) Datasource {
	if hand.Schema != "" {
		assets := make(map[string]Asset, len(derived.Assets))
		for name, a := range derived.Assets {
			a.Schema = ""
			assets[name] = a
		}
		derived.Assets = assets
	}
	derived.Namespace = cmp.Or(hand.Namespace, derived.Namespace)
	derived.Database = cmp.Or(hand.Database, derived.Database)
	derived.Schema = cmp.Or(hand.Schema, derived.Schema)
	derived.Name = name
	return derived
}
