package mapper

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// dateParts are the names of batch identifiers that splitters by date and regex groups use: they are no row values.
var dateParts = []string{"year", "month", "day", "hour", "minute"}

// batchPart is one batch identifier.
type batchPart struct{ name, value string }

// batchParts gives the batch identifiers from the year down to the minute; with all, every other scalar behind them, by name.
func batchParts(identifiers json.RawMessage, all bool) []batchPart {
	var tree map[string]any
	if len(identifiers) == 0 || json.Unmarshal(identifiers, &tree) != nil {
		return nil
	}
	dates := make(map[string]string)
	var others []batchPart
	var walk func(map[string]any)
	walk = func(m map[string]any) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if sub, ok := m[k].(map[string]any); ok {
				walk(sub)
				continue
			}
			text, ok := scalarText(m[k])
			name := strings.ReplaceAll(k, "\x00", "")
			switch {
			case !ok || strings.TrimSpace(name) == "":
			case slices.Contains(dateParts, strings.ToLower(k)) && digits(text):
				dates[strings.ToLower(k)] = text
			default:
				others = append(others, batchPart{name, text})
			}
		}
	}
	walk(tree)
	var parts []batchPart
	for _, k := range dateParts {
		if dates[k] != "" {
			parts = append(parts, batchPart{k, dates[k]})
		}
	}
	if all {
		for _, p := range others {
			if !slices.ContainsFunc(parts, func(have batchPart) bool { return have.name == p.name }) {
				parts = append(parts, p)
			}
		}
	}
	return parts
}

// joinIdentifiers is the values of the batch identifiers, joined by dashes.
func joinIdentifiers(identifiers json.RawMessage, all bool) string {
	var values []string
	for _, p := range batchParts(identifiers, all) {
		values = append(values, p.value)
	}
	return strings.Join(values, "-")
}

func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case float64, bool:
		b, err := json.Marshal(v)
		return string(b), err == nil
	}
	return "", false
}

func digits(s string) bool {
	return s != "" && len(s) <= 4 && strings.Trim(s, "0123456789") == ""
}
