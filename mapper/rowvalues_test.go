package mapper

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// everySetting is each choice that is no opt-in for row values, and all of them together.
func everySetting() map[string]Settings {
	one := map[string]Settings{
		"defaults":      {},
		"assertions in": {AssertionsIn: []string{"inputFacets", "facets"}},
		"assets":        {FileDatasets: "asset"},
		"end only":      {Lifecycle: "end_only", FailedRun: "COMPLETE"},
		"job template":  {JobName: "{{.Checkpoint}} {{.Suite}} {{.Datasource}} {{.Asset}} {{.Batch}} {{.Topic}}"},
		"checkpoints":   {CheckpointRun: true},
		"unmapped":      {Unmapped: "error"},
		"query tables":  {QueryAssertions: "tables", Datasources: map[string]Datasource{"*": {Namespace: "postgres://db.example.com", Database: "shop"}}},
		"small":         {MaxEventBytes: 4 << 10},
		"datasources":   {Datasources: map[string]Datasource{"*": {Namespace: "postgresql://etl:SECRETPW-7x@db.example.com/shop", Name: "{{.Database}}.{{.Schema}}.{{.Table}}.{{.Asset}}.{{.Path}}"}}},
	}
	all := Settings{AssertionsIn: []string{"facets"}, FileDatasets: "asset", JobName: one["job template"].JobName, CheckpointRun: true, Datasources: one["datasources"].Datasources}
	one["all"] = all
	return one
}

// No row value, no member of a set, no text of a query and no password leaves in an event or an error, whatever is set but
// row_values and batch_values, which name what they let out. What people wrote about a check or a run goes with it by intent.
func TestNoRowValueLeavesAtAnySetting(t *testing.T) {
	lines := corpus(t)
	for name, s := range everySetting() {
		m, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, line := range lines {
				raw, err := os.ReadFile(filepath.Join(corpusDir, line.File))
				if err != nil {
					t.Fatal(err)
				}
				msg, err := gx.Decode(raw)
				if err != nil {
					t.Fatal(err)
				}
				runs, err := m.Map(msg, Input{Received: received, Topic: "results"})
				if err != nil && marks.MatchString(err.Error()) {
					t.Errorf("%s: %v", line.File, err)
				}
				for _, run := range runs {
					for _, ev := range append(run.Events, run.Minimal()) {
						if secret.Match(ev.Body) || marks.Match(humanText.ReplaceAll(ev.Body, nil)) || marks.MatchString(ev.Key) {
							t.Errorf("%s: a marked value left: %s", line.File, marks.Find(ev.Body))
						}
					}
				}
			}
		})
	}
}

// A broken message is quoted nowhere either.
func TestNoRowValueLeavesInAnErrorAboutABrokenMessage(t *testing.T) {
	for _, line := range corpus(t) {
		raw, err := os.ReadFile(filepath.Join(corpusDir, line.File))
		if err != nil {
			t.Fatal(err)
		}
		for part := range 16 {
			at := len(raw) * part / 16
			for _, broken := range [][]byte{raw[:at], append(append(append([]byte(nil), raw[:at]...), '\x01'), raw[at:]...)} {
				if _, err := gx.Decode(broken); err != nil && marks.MatchString(err.Error()) {
					t.Fatalf("%s cut at %d: %v", line.File, at, err)
				}
			}
		}
	}
}
