package mapper

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// dateParts are the names of batch identifiers that splitters by date and regex groups use: they are no row values.
var dateParts = []string{"year", "month", "day", "hour", "minute"}

// joinIdentifiers is year-month-day… of the batch identifiers; with all, every scalar in the order of its names.
func joinIdentifiers(identifiers json.RawMessage, all bool) string {
	var tree map[string]any
	if len(identifiers) == 0 || json.Unmarshal(identifiers, &tree) != nil {
		return ""
	}
	dates := make(map[string]string)
	var others []string
	var walk func(map[string]any)
	walk = func(m map[string]any) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if sub, ok := m[k].(map[string]any); ok {
				walk(sub)
				continue
			}
			text, ok := scalarText(m[k])
			switch {
			case !ok:
			case slices.Contains(dateParts, strings.ToLower(k)) && digits(text):
				dates[strings.ToLower(k)] = text
			default:
				others = append(others, text)
			}
		}
	}
	walk(tree)
	var parts []string
	for _, k := range dateParts {
		if dates[k] != "" {
			parts = append(parts, dates[k])
		}
	}
	if all {
		parts = append(parts, others...)
	}
	return strings.Join(parts, "-")
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
