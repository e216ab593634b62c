package gx

import "strings"

// said is what a batch_spec says in more than one way, or only in V2.
type said struct {
	table, schema, s3, datasource, asset string
	options                              readerOptions
	generated                            bool
}

// batchSpec reads batch_spec, or V2 batch_kwargs, which carry the datasource and the asset too.
func (s *scanner) batchSpec(b *Batch, v2 bool) {
	spec := &b.Spec
	spec.Present = true
	var other said
	s.object(func(k []byte) {
		if !s.specName(spec, &other, k) && !s.specText(spec, &other, k) {
			s.skip()
		}
	})
	if spec.Query == "SQLQuery" { // what 0.13.17 – 0.15.41 wrote instead of the text
		spec.Query = ""
	}
	first(&spec.Table, other.table)
	first(&spec.Schema, other.schema)
	if v2 && other.s3 != "" {
		spec.Path = other.s3
	}
	first(&spec.Path, other.s3)
	other.options.apply(spec)
	if v2 {
		first(&b.Datasource, other.datasource)
		if other.generated && spec.Path == "" && spec.Table == "" && !spec.HasQuery {
			spec.InMemory = true
		}
	}
	first(&b.Asset, other.asset)
}

// specName reads a member whose value comes again and again; false if k is none.
func (s *scanner) specName(spec *BatchSpec, other *said, k []byte) bool {
	switch string(k) {
	case "type":
		spec.Type = s.name()
	case "table_name":
		spec.Table = s.name()
	case "table":
		other.table = s.name()
	case "schema_name":
		spec.SchemaNull = s.next() == 'n'
		spec.Schema = s.name()
	case "schema":
		other.schema = s.name()
	case "query_name":
		spec.QueryName = s.name()
	case "reader_method":
		spec.ReaderMethod = s.name()
	case "database_name":
		spec.Database = s.name()
	case "splitter_method", "partitioner_method":
		spec.SplitterMethod = s.name()
	case "splitter_kwargs", "partitioner_kwargs":
		spec.SplitterColumn = s.columnName()
	case "datasource":
		other.datasource = s.name()
	case "data_asset_name":
		other.asset = s.name()
	default:
		return false
	}
	return true
}

// specText reads a member whose value may be another in each message; false if k is none.
func (s *scanner) specText(spec *BatchSpec, other *said, k []byte) bool {
	switch string(k) {
	case "query":
		spec.HasQuery = s.next() != 'n'
		spec.Query = s.text()
	case "path":
		spec.Path = s.text()
	case "s3":
		other.s3 = s.text()
	case "reader_options":
		other.options = s.readerOptions()
	case "batch_data", "PandasInMemoryDF", "SparkDFRef", "dataset":
		spec.InMemory = s.next() != 'n' && s.next() != 'f'
		s.skip()
	case "ge_batch_id":
		other.generated = true
		s.skip()
	default:
		return false
	}
	return true
}

// first sets *to if it is still empty.
func first(to *string, v string) {
	if *to == "" {
		*to = v
	}
}

type readerOptions struct{ con, file, path, io, table, name, schema, sql string }

func (s *scanner) readerOptions() readerOptions {
	var o readerOptions
	s.object(func(k []byte) {
		switch string(k) {
		case "con":
			o.con = s.text()
		case "filepath_or_buffer":
			o.file = s.text()
		case "path", "path_or_buf", "path_or_buffer":
			o.path = s.text()
		case "io":
			o.io = s.text()
		case "table_name":
			o.table = s.name()
		case "name":
			o.name = s.name()
		case "schema":
			o.schema = s.name()
		case "sql":
			o.sql = s.text()
		default:
			s.skip()
		}
	})
	return o
}

func (o readerOptions) apply(spec *BatchSpec) {
	spec.Connection = o.con
	for _, p := range [...]string{o.file, o.path, o.io} {
		first(&spec.Path, p)
	}
	if !strings.Contains(spec.ReaderMethod, "sql") && !strings.Contains(spec.ReaderMethod, "table") && o.con == "" {
		return
	}
	spec.ReaderTable = o.table
	first(&spec.ReaderTable, o.name)
	spec.ReaderSchema = o.schema
	if o.sql != "" {
		spec.HasQuery = true
		first(&spec.Query, o.sql)
	}
}

func (s *scanner) columnName() string {
	name := ""
	s.object(func(k []byte) {
		if string(k) == "column_name" {
			name = s.name()
		} else {
			s.skip()
		}
	})
	return name
}
