// Package samples bundles a few real validation results, of several GX releases, for `gx-ol dev` to publish.
package samples

import (
	"embed"
	"fmt"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

//go:embed results/*.json
var results embed.FS

// Sample is one result, ready to be published.
type Sample struct {
	Name  string
	Key   string // <datasource>.<asset>
	Value []byte
}

// All gives every sample, in the order of their names.
func All() ([]Sample, error) {
	entries, err := results.ReadDir("results")
	if err != nil {
		return nil, err
	}
	out := make([]Sample, 0, len(entries))
	for _, e := range entries {
		value, err := results.ReadFile("results/" + e.Name())
		if err != nil {
			return nil, err
		}
		msg, err := gx.Decode(value)
		if err != nil {
			return nil, fmt.Errorf("sample %s: %w", e.Name(), err)
		}
		out = append(out, Sample{Name: e.Name(), Key: msg.Key(), Value: value})
	}
	return out, nil
}
