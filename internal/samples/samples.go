// Package samples bundles a few real validation results, of several GX releases, for `gx-ol dev` to publish.
package samples

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"

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

// Event is an OpenLineage event, as another integration would post it.
const Event = `{"eventType": "COMPLETE", "eventTime": "2026-01-01T00:00:00Z", "producer": "https://github.com/gx-ol/gx-ol",
 "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent", "run": {"runId": "01890a5d-ac96-774b-bcce-b302099a8057"},
 "job": {"namespace": "default", "name": "load_orders"}, "inputs": [], "outputs": [{"namespace": "postgres://db:5432", "name": "shop.public.orders"}]}
`

// Broken is a result that was cut short: it becomes a dead letter.
const Broken = `{"success": true, "meta": {`

// WriteTo writes everything into a folder: each sample under its name, event.json and broken.json.
func WriteTo(folder string) error {
	all, err := All()
	if err != nil {
		return err
	}
	files := map[string][]byte{"event.json": []byte(Event), "broken.json": []byte(Broken)}
	for _, s := range all {
		files[s.Name] = s.Value
	}
	for name, value := range files {
		if err := os.WriteFile(filepath.Join(folder, name), value, 0o600); err != nil {
			return err
		}
	}
	return nil
}
