package gxproject

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/mapper/naming"
)

// block reads one entry of datasources: block-style with data connectors (0.13 – 0.17), SimpleSqlalchemyDatasource, and
// the datasources of the V2 API with their batch kwargs generators.
func (r *reader) block(key string, n *yaml.Node) naming.Datasource {
	var ds naming.Datasource
	engine := r.get(n, "execution_engine")
	for _, place := range []struct {
		in   *yaml.Node
		path string
	}{{engine, key + ".execution_engine"}, {n, key}} {
		for _, name := range []string{"connection_string", "url", "credentials"} {
			if con := r.get(place.in, name); con != nil && ds.Namespace == "" {
				ds, _ = r.connect(con, place.path+"."+name, "")
			}
		}
	}
	assets := make(map[string]naming.Asset)
	stores := make(map[string]bool)
	for _, section := range []string{"data_connectors", "batch_kwargs_generators", "generators"} {
		for _, c := range r.named(r.get(n, section)) {
			where := key + "." + section + "." + c.key
			base := r.folder(c.value, where)
			if base != "" {
				stores[store(base)] = true
			} else if glue := r.glueCatalog(c.value, where); glue != "" {
				stores[glue] = true
			}
			r.connectorAssets(where, c.value, base, assets)
		}
	}
	r.simpleTables(n, assets)
	if ds.Namespace == "" && len(stores) == 1 {
		for s := range stores {
			ds.Namespace = s
		}
	}
	if len(assets) > 0 {
		ds.Assets = assets
	}
	return ds
}

// connectorAssets are the assets that a connector or a V2 generator lists by name.
func (r *reader) connectorAssets(key string, connector *yaml.Node, base string, assets map[string]naming.Asset) {
	sql := strings.Contains(scalar(r.get(connector, "class_name")), "Sql") || strings.HasPrefix(scalar(r.get(connector, "class_name")), "Table")
	for _, p := range r.named(r.get(connector, "assets")) {
		a := naming.Asset{Table: firstOf(scalar(r.get(p.value, "table_name")), scalar(r.get(p.value, "table"))),
			Schema: firstOf(scalar(r.get(p.value, "schema_name")), scalar(r.get(p.value, "schema")))}
		switch {
		case sql || a.Table != "":
			a.Table = firstOf(a.Table, p.key)
		case strings.Contains(scalar(r.get(connector, "class_name")), "Runtime"):
			// its data is handed over with each batch
		default:
			a.Folder = cleanPath(r.assetFolder(key+".assets."+p.key, connector, p.value, base))
		}
		assets[r.fullName(p.key, a.Schema, p.value)] = a
	}
	for _, p := range r.named(r.get(connector, "queries")) {
		assets[p.key] = naming.Asset{HasQuery: true, Query: scalar(p.value)}
	}
}

// glueCatalog names the Glue data catalog that a connector reads, where both its account and region are written down.
func (r *reader) glueCatalog(connector *yaml.Node, key string) string {
	account, region := r.get(connector, "catalog_id"), r.get(connector, "boto3_options", "region_name")
	if account == nil || region == nil {
		return ""
	}
	id, okID := r.text(account, key+".catalog_id")
	where, okWhere := r.text(region, key+".boto3_options.region_name")
	if !okID || !okWhere || id == "" || where == "" {
		return ""
	}
	return "arn:aws:glue:" + where + ":" + id
}

// fullName is what an asset of a SQL connector is called in results.
func (r *reader) fullName(name, schema string, asset *yaml.Node) string {
	if schema != "" && scalar(r.get(asset, "include_schema_name")) == "true" {
		name = schema + "." + name
	}
	return scalar(r.get(asset, "data_asset_name_prefix")) + name + scalar(r.get(asset, "data_asset_name_suffix"))
}

// assetFolder is the asset's own folder, below its connector's.
func (r *reader) assetFolder(key string, connector, asset *yaml.Node, base string) string {
	if own := r.get(asset, "base_directory"); own != nil {
		s, ok := r.text(own, key+".base_directory")
		if !ok {
			return ""
		}
		if abs := r.absolute(s); abs == s || base == "" {
			return abs
		}
		return joinPath(base, s)
	}
	if prefix := r.get(asset, "prefix"); prefix != nil && r.get(connector, "base_directory") == nil && store(base) != "" {
		if s, ok := r.text(prefix, key+".prefix"); ok {
			return joinPath(store(base), s)
		}
	}
	return base
}

// simpleTables are the tables of a SimpleSqlalchemyDatasource; each partitioner makes one asset of a table.
func (r *reader) simpleTables(n *yaml.Node, assets map[string]naming.Asset) {
	for _, t := range r.pairs(r.get(n, "tables")) {
		schema, table := "", t.key
		if i := strings.LastIndexByte(t.key, '.'); i >= 0 {
			schema, table = t.key[:i], t.key[i+1:]
		}
		for _, section := range []string{"partitioners", "splitters"} {
			for _, p := range r.pairs(r.get(t.value, section)) {
				assets[r.fullName(table, schema, p.value)] = naming.Asset{Table: table, Schema: schema}
			}
		}
	}
}
