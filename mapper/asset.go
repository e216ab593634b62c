package mapper

import (
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// MergeDatasources lets entries written by hand win over derived ones, field by field. A pattern stands for every
// derived datasource that it fits and that has no entry of its own. A schema written by hand is also that of each asset:
// who writes it corrects the project.
func MergeDatasources(hand, derived map[string]Datasource) (map[string]Datasource, error) {
	tables, err := compileTables(hand)
	if err != nil {
		return nil, err
	}
	merged := make(map[string]Datasource, len(hand)+len(derived))
	for name, d := range derived {
		if t := findTable(tables, name); t != nil {
			d = overlay(t.ds, d)
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

func overlay(hand, derived Datasource) Datasource {
	if hand.Schema != "" {
		assets := make(map[string]Asset, len(derived.Assets))
		for name, a := range derived.Assets {
			a.Schema = ""
			assets[name] = a
		}
		derived.Assets = assets
	}
	derived.Namespace = orElse(hand.Namespace, derived.Namespace)
	derived.Database = orElse(hand.Database, derived.Database)
	derived.Schema = orElse(hand.Schema, derived.Schema)
	derived.Name = hand.Name
	return derived
}

// completed adds to what a result says of its data what is known of its asset.
func completed(spec gx.BatchSpec, entry *table, asset string) (*gx.BatchSpec, *table) {
	if entry == nil {
		return &spec, nil
	}
	a, ok := entry.ds.Assets[asset]
	if !ok {
		return &spec, entry
	}
	switch {
	case spec.Table != "":
		if spec.Schema == "" && strings.EqualFold(unquote(spec.Table), unquote(a.Table)) {
			spec.Schema = a.Schema
		}
		return &spec, entry
	case spec.HasQuery:
		spec.Query, spec.QueryName = orElse(spec.Query, a.Query), orElse(spec.QueryName, a.QueryName)
		return &spec, entry
	case spec.Path != "", spec.InMemory, spec.Connection != "", spec.ReaderTable != "":
		return &spec, entry
	}
	spec.Table, spec.Schema = a.Table, a.Schema
	spec.HasQuery, spec.Query, spec.QueryName = a.HasQuery, a.Query, a.QueryName
	spec.Path, spec.InMemory = a.Path, a.InMemory
	if a.Path == "" && a.Folder != "" {
		// Which of its files it was is not told: the asset stands for them.
		spec.Path = strings.TrimRight(a.Folder, "/") + "/" + asset
	}
	if a.Namespace != "" {
		elsewhere := *entry
		elsewhere.ds.Namespace, elsewhere.ds.Database, elsewhere.ds.Schema = a.Namespace, a.Database, ""
		return &spec, &elsewhere
	}
	return &spec, entry
}

// identify tells the GX datasource and asset, from a fluent batch id where nothing else names them.
func identify(tables []table, v *gx.Validation) (datasource, asset string) {
	datasource, asset = v.Batch.Datasource, v.Batch.Asset
	if datasource == "" && asset != "" {
		datasource = soleOwner(tables, asset)
	}
	id := v.Batch.BatchID
	if (datasource != "" && asset != "") || id == "" || isDigest(id) {
		return datasource, asset
	}
	if datasource == "" {
		cut := cutDatasource(tables, id)
		if cut <= 0 {
			return "", asset
		}
		datasource = id[:cut]
	}
	rest, ok := strings.CutPrefix(id, datasource+"-")
	if !ok || asset != "" {
		return datasource, asset
	}
	if known := cutAsset(findTable(tables, datasource), rest); known != "" {
		return datasource, known
	}
	return datasource, stripOptions(rest)
}

// cutDatasource is where a batch id's datasource ends: a known one with a known asset, else the longest known one that
// a dash follows, else the first dash.
func cutDatasource(tables []table, id string) int {
	longest := -1
	for i := len(id) - 1; i > 0; i-- {
		if id[i] != '-' {
			continue
		}
		for j := range tables {
			if tables[j].glob != id[:i] {
				continue
			}
			if cutAsset(&tables[j], id[i+1:]) != "" {
				return i
			}
			longest = max(longest, i)
		}
	}
	if longest > 0 {
		return longest
	}
	return strings.IndexByte(id, '-')
}

// cutAsset is the longest known asset that rest is, or begins with before a dash.
func cutAsset(t *table, rest string) string {
	best := ""
	if t == nil {
		return best
	}
	for name := range t.ds.Assets {
		if tail, ok := strings.CutPrefix(rest, name); ok && len(name) > len(best) && (tail == "" || tail[0] == '-') {
			best = name
		}
	}
	return best
}

// soleOwner is the one known datasource that has the asset; with two of them nobody can tell.
func soleOwner(tables []table, asset string) string {
	owner := ""
	for i := range tables {
		if _, ok := tables[i].ds.Assets[asset]; !ok {
			continue
		}
		if owner != "" {
			return ""
		}
		owner = tables[i].glob
	}
	return owner
}
