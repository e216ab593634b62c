package naming

import (
	"cmp"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// Source is where the data of one validation result came from. It is resolved once, and names what was validated and each
// table of its query.
type Source struct {
	Datasource, Asset string // as Great Expectations calls them
	Entry             string // the key of the entry that names it; "" none
	Spec              gx.BatchSpec
	store             Store
	entry             *entry
	folder            string
}

// Dataset is a dataset in OpenLineage's naming.
type Dataset struct {
	Namespace, Name string
	File            string // the file that was validated, where the dataset is all files of an asset
	Relative        bool   // a file's path that begins nobody knows where
}

// Resolve finds the datasource, asset and entry of a result, and completes what it says of its data by what is known of
// the asset.
func (t *Entries) Resolve(b *gx.Batch) *Source {
	s := &Source{folder: t.folder, Spec: b.Spec}
	s.Datasource, s.Asset = t.identify(b)
	if s.entry = t.find(s.Datasource); s.entry != nil {
		s.Entry, s.store = s.entry.key, s.entry.store
		if a, ok := s.entry.assets[s.Asset]; ok {
			s.complete(a)
		}
	}
	if s.Spec.Connection != "" {
		c, ok := Connection(s.Spec.Connection)
		if ok {
			s.store.Namespace = c.Namespace
		}
		s.store.Database, s.store.Schema = cmp.Or(c.Database, s.store.Database), cmp.Or(s.store.Schema, c.Schema)
	}
	return s
}

// complete adds to what the result says of its data what is known of its asset.
func (s *Source) complete(a Asset) {
	spec := &s.Spec
	switch {
	case spec.Table != "":
		if spec.Schema == "" && strings.EqualFold(unquote(spec.Table), unquote(a.Table)) {
			spec.Schema = a.Schema
		}
		return
	case spec.HasQuery:
		spec.Query, spec.QueryName = cmp.Or(spec.Query, a.Query), cmp.Or(spec.QueryName, a.QueryName)
		return
	case spec.Path != "", spec.InMemory, spec.Connection != "", spec.ReaderTable != "":
		return
	}
	spec.Table, spec.Schema = a.Table, a.Schema
	spec.HasQuery, spec.Query, spec.QueryName = a.HasQuery, a.Query, a.QueryName
	spec.Path, spec.InMemory = a.Path, a.InMemory
	if a.Path == "" && a.Folder != "" {
		// Which of its files it was is not told: the asset stands for them.
		spec.Path = strings.TrimRight(a.Folder, "/") + "/" + s.Asset
	}
	if a.Namespace != "" {
		s.store = Store{Namespace: Normalise(a.Namespace), Database: a.Database}
	}
}

// Namespace is where the source's tables lie; "" not known.
func (s *Source) Namespace() string { return s.store.Namespace }

// Query is the SQL of a query asset: the result's, else the project's.
func (s *Source) Query() string {
	if !s.Spec.HasQuery {
		return ""
	}
	return s.Spec.Query
}

// Dataset names what was validated; perAsset: an asset of files is one dataset. ok is false where the place is not known.
func (s *Source) Dataset(perAsset bool) (d Dataset, ok bool) {
	table, schema := s.Spec.Table, s.Spec.Schema
	if table == "" {
		table, schema = s.Spec.ReaderTable, cmp.Or(schema, s.Spec.ReaderSchema)
	}
	switch {
	case s.Spec.HasQuery:
		d = s.queryAsset()
	case table != "":
		d = s.table(said(s.store, s.Spec.Database, schema, table))
	case s.Spec.Path != "":
		d = s.file(perAsset)
	case s.Spec.InMemory:
		d.Namespace = "inmemory://"
		d.Name = s.named(tableName{}, "", joinDots(s.Datasource, s.Asset))
	case s.Asset != "" && IsSQL(s.store.Namespace) && !s.Spec.Present:
		// Only the batch id told the asset: a SQL asset is most often called as its table.
		d = s.table(said(s.store, s.Spec.Database, schema, s.Asset))
	case s.Asset != "":
		d.Namespace = s.store.Namespace
		d.Name = s.named(s.store.complete(tableName{}), "", s.Asset)
	}
	return d, d.Namespace != "" && d.Name != ""
}

// TableOfQuery names a table by the parts that a query gives it.
func (s *Source) TableOfQuery(parts []string) Dataset { return s.table(ofParts(parts)) }

// table is the one way in which a table gets its name.
func (s *Source) table(n tableName) Dataset {
	n = s.store.complete(n)
	return Dataset{Namespace: s.store.Namespace, Name: s.named(n, "", s.store.convention(n))}
}

// queryAsset names what a query asset checks. It is no table, so that the store's default schema is none of its: one called
// as a table must not become that table.
func (s *Source) queryAsset() Dataset {
	name := cmp.Or(s.Spec.QueryName, s.Asset)
	if s.store.Namespace == "" || name == "" {
		return Dataset{}
	}
	database := cmp.Or(s.Spec.Database, s.store.Database)
	if embedded(Scheme(s.store.Namespace)) {
		database = ""
	}
	n := tableName{database, s.store.Schema, name}
	return Dataset{Namespace: s.store.Namespace, Name: s.named(n, "", joinDots(database, name))}
}

// file names a file, or all files of its asset.
func (s *Source) file(perAsset bool) Dataset {
	var d Dataset
	d.Namespace, d.Name = File(s.Spec.Path)
	if d.Namespace == "file" && !isAbsolute(d.Name) {
		if d.Relative = s.folder == "" || strings.HasPrefix(d.Name, "~"); !d.Relative {
			_, d.Name = File(strings.TrimRight(s.folder, `/\`) + "/" + d.Name)
		}
	}
	if perAsset && s.Asset != "" {
		d.File = d.Name
		d.Name = d.Name[:strings.LastIndexByte(d.Name, '/')+1] + s.Asset
	}
	switch d.Namespace {
	case "file", "dbfs", "hdfs": // which host is not told
		d.Namespace = cmp.Or(s.store.Namespace, d.Namespace)
	}
	d.Name = s.named(tableName{}, d.Name, d.Name)
	return d
}

// named is the name by the entry's template, else by convention.
func (s *Source) named(n tableName, path, convention string) string {
	return s.entry.named(fields{Database: field(n.database), Schema: field(n.schema), Table: field(n.table), Path: field(path),
		Asset: field(s.Asset), Datasource: field(s.Datasource)}, convention)
}
