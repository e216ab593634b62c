package mapper

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// dateParts are the names of batch identifiers that splitters by date and regex groups use: they are no row values.
var dateParts = [...]string{"year", "month", "day", "hour", "minute"}

// batchPart is one batch identifier.
type batchPart struct{ name, value string }

// batch is the batch identifiers that may be told, and their values joined by dashes.
type batch struct {
	parts  []batchPart
	joined string
}

func newBatch(identifiers json.RawMessage, all bool) batch {
	parts := batchParts(identifiers, all)
	return batch{parts, joinValues(parts)}
}

// batchParts gives the batch identifiers from the year down to the minute; with all, every other scalar behind them, by name.
// The identifiers are canonical: their keys are sorted.
func batchParts(identifiers json.RawMessage, all bool) []batchPart {
	var dates [len(dateParts)]string
	var others []batchPart
	var walk func(key, value []byte)
	walk = func(key, value []byte) {
		if value[0] == '{' {
			eachMember(value, walk)
			return
		}
		k := jsonText(key)
		name := strings.ReplaceAll(k, "\x00", "")
		date := slices.IndexFunc(dateParts[:], func(part string) bool { return strings.EqualFold(part, k) })
		if date < 0 && !all || strings.TrimSpace(name) == "" {
			return
		}
		switch text, ok := scalarText(value); {
		case !ok:
		case date >= 0 && digits(text):
			dates[date] = text
		case all:
			others = append(others, batchPart{name, text})
		}
	}
	eachMember(identifiers, walk)
	var parts []batchPart
	seen := map[string]bool{}
	for i, k := range dateParts {
		if dates[i] != "" {
			parts = append(parts, batchPart{k, dates[i]})
			seen[k] = true
		}
	}
	for _, p := range others {
		if !seen[p.name] {
			seen[p.name] = true
			parts = append(parts, p)
		}
	}
	return parts
}

// otherBatch reports whether meta names another batch than every result's batch_id does: which of the two was validated nobody can tell.
func otherBatch(b *gx.Batch) bool {
	if b.Datasource == "" || b.Asset == "" || b.BatchID == "" || !otherID(b, b.BatchID) {
		return false
	}
	for _, id := range b.OtherIDs {
		if !otherID(b, id) {
			return false
		}
	}
	return true
}

// otherID reports whether a batch id, as fluent datasources write it (datasource-asset-option_value…), is of another batch than
// meta's. The 32 digits of the older ones tell nothing.
func otherID(b *gx.Batch, id string) bool {
	if naming.IsDigest(id) {
		return false
	}
	rest, ok := strings.CutPrefix(id, b.Datasource+"-"+b.Asset)
	if !ok || rest != "" && rest[0] != '-' {
		return true
	}
	if rest == "" {
		return false
	}
	other := false
	eachMember(b.Identifiers, func(key, value []byte) {
		text, ok := scalarText(value)
		option := "-" + jsonText(key) + "_"
		if ok && strings.Contains(rest, option) && !strings.Contains(rest+"-", option+text+"-") {
			other = true
		}
	})
	return other
}

// joinIdentifiers is the values of the batch identifiers, joined by dashes.
func joinIdentifiers(identifiers json.RawMessage, all bool) string {
	return joinValues(batchParts(identifiers, all))
}

func joinValues(parts []batchPart) string {
	var values []string
	for _, p := range parts {
		values = append(values, p.value)
	}
	return strings.Join(values, "-")
}

// scalarText is a text, a number or a boolean as text, as encoding/json writes it.
func scalarText(raw []byte) (string, bool) {
	switch {
	case raw[0] == '"':
		return jsonText(raw), true
	case isBoolean(raw):
		return string(raw), true
	}
	f, ok := number(raw)
	if !ok {
		return "", false
	}
	b, err := json.Marshal(f)
	return string(b), err == nil
}

// jsonText is a JSON string's text.
func jsonText(raw []byte) (s string) {
	if text := plainText(raw); text != nil {
		return string(text)
	}
	if json.Unmarshal(raw, &s) != nil { // one with escapes, which is rare
		return ""
	}
	return s
}

func digits(s string) bool {
	return s != "" && len(s) <= 4 && strings.Trim(s, "0123456789") == ""
}
