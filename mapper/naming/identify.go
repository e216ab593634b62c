package naming

import (
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// identify tells the GX datasource and asset, from a fluent batch id where nothing else names them.
func (t *Entries) identify(b *gx.Batch) (datasource, asset string) {
	datasource, asset = b.Datasource, b.Asset
	if datasource == "" && asset != "" {
		datasource = t.soleOwner(asset)
	}
	id := b.BatchID
	if (datasource != "" && asset != "") || id == "" || IsDigest(id) {
		return datasource, asset
	}
	if datasource == "" {
		cut := t.cutDatasource(id)
		if cut <= 0 {
			return "", asset
		}
		datasource = id[:cut]
	}
	rest, ok := strings.CutPrefix(id, datasource+"-")
	if !ok || asset != "" {
		return datasource, asset
	}
	if known := t.find(datasource).cutAsset(rest); known != "" {
		return datasource, known
	}
	return datasource, stripOptions(rest)
}

// maxKey is longer than anybody calls a datasource: a batch id is not searched beyond it.
const maxKey = 4 << 10

// cutDatasource is where a batch id's datasource ends: a known one with a known asset, else the longest known one that
// a dash follows, else the first dash.
func (t *Entries) cutDatasource(id string) int {
	longest := -1
	for i := min(len(id), maxKey) - 1; i > 0; i-- {
		if id[i] != '-' {
			continue
		}
		for j := range t.entries {
			if t.entries[j].key != id[:i] {
				continue
			}
			if t.entries[j].cutAsset(id[i+1:]) != "" {
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
func (e *entry) cutAsset(rest string) string {
	best := ""
	if e == nil {
		return best
	}
	for name := range e.assets {
		if tail, ok := strings.CutPrefix(rest, name); ok && len(name) > len(best) && (tail == "" || tail[0] == '-') {
			best = name
		}
	}
	return best
}

// soleOwner is the one known datasource that has the asset; with two of them nobody can tell.
func (t *Entries) soleOwner(asset string) string {
	owner := ""
	for i := range t.entries {
		if _, ok := t.entries[i].assets[asset]; !ok {
			continue
		}
		if owner != "" {
			return ""
		}
		owner = t.entries[i].key
	}
	return owner
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

// IsDigest reports whether a batch id is the 32 digits of block-style assets, which tell nothing.
func IsDigest(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
