package gxproject

import (
	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/mapper/naming"
)

// fluent reads one entry of fluent_datasources (GX 0.16 and later).
func (r *reader) fluent(key string, n *yaml.Node) naming.Datasource {
	typ := scalar(r.get(n, "type"))
	var ds naming.Datasource
	if con := r.get(n, "connection_string"); con != nil {
		ds, _ = r.connect(con, key+".connection_string", typ)
	}
	base := r.folder(n, key)
	if ds.Namespace == "" {
		ds.Namespace = store(base)
	}
	for _, p := range r.named(r.get(n, "assets")) {
		if ds.Assets == nil {
			ds.Assets = make(map[string]naming.Asset)
		}
		ds.Assets[p.key] = r.fluentAsset(key+".assets."+p.key, n, p.value, base)
	}
	return ds
}

func (r *reader) fluentAsset(key string, datasource, n *yaml.Node, base string) naming.Asset {
	var a naming.Asset
	switch scalar(r.get(n, "type")) {
	case "table":
		a.Table, a.Schema = scalar(r.get(n, "table_name")), scalar(r.get(n, "schema_name"))
		return a
	case "query":
		return naming.Asset{HasQuery: true, Query: scalar(r.get(n, "query")), QueryName: scalar(r.get(n, "query_name"))}
	case "dataframe":
		return naming.Asset{InMemory: true}
	}
	if con := r.get(n, "con"); con != nil {
		return r.readerAsset(key, n, con)
	}
	for _, name := range []string{"filepath_or_buffer", "path", "io", "path_or_buf", "path_or_buffer"} {
		if v := r.get(n, name); v != nil {
			if s, ok := r.text(v, key+"."+name); ok {
				a.Path = cleanPath(s)
			}
			return a
		}
	}
	folder := base
	if scalar(r.get(datasource, "bucket")) != "" || scalar(r.get(datasource, "bucket_or_name")) != "" || r.get(datasource, "azure_options") != nil {
		folder = r.bucketFolder(key, datasource, n, base)
	}
	if dir := r.get(n, "data_directory"); dir != nil {
		if s, ok := r.text(dir, key+".data_directory"); ok {
			a.Path = joinPath(folder, s)
		}
		return a
	}
	if file := literal(scalar(r.get(n, "batching_regex"))); file != "" && folder != "" {
		a.Path = cleanPath(joinPath(folder, file))
		return a
	}
	a.Folder = cleanPath(folder)
	return a
}

// bucketFolder adds the asset's own prefix to its datasource's bucket; for Azure the container is the asset's too.
func (r *reader) bucketFolder(key string, datasource, n *yaml.Node, base string) string {
	prefix := ""
	for _, name := range []string{"s3_prefix", "gcs_prefix", "abs_name_starts_with"} {
		if v := r.get(n, name); v != nil {
			prefix, _ = r.text(v, key+"."+name)
		}
	}
	if account := r.get(datasource, "azure_options", "account_url"); account != nil {
		both := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Value: "azure_options"}, r.get(datasource, "azure_options"),
			{Kind: yaml.ScalarNode, Value: "container"}, {Kind: yaml.ScalarNode, Value: scalar(r.get(n, "abs_container"))},
		}}
		base = r.folder(both, key)
	}
	if prefix == "" {
		return base
	}
	return joinPath(base, prefix)
}

// readerAsset is a pandas asset that reads a table over a connection of its own.
func (r *reader) readerAsset(key string, n, con *yaml.Node) naming.Asset {
	elsewhere, ok := r.connect(con, key+".con", "")
	if !ok {
		return naming.Asset{}
	}
	a := naming.Asset{Namespace: elsewhere.Namespace, Database: elsewhere.Database}
	if sql := scalar(r.get(n, "sql")); sql != "" {
		a.HasQuery, a.Query = true, sql
		return a
	}
	a.Table = scalar(r.get(n, "table_name"))
	a.Schema = firstOf(scalar(r.get(n, "schema")), elsewhere.Schema)
	return a
}
