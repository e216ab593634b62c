package mapper

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// The golden events are those of every bundled sample too; the official schemas are asked where they are present.
func TestEveryGoldenEventIsValidByOurSchemaAndTheOfficialOnes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.ndjson"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden events: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			official := newValidator(t)
			for line := range bytes.Lines(raw) {
				official.check(t, line)
			}
		})
	}
}

func TestEveryCorpusEventIsValidByOurSchema(t *testing.T) {
	for name, s := range map[string]Settings{
		"default":           {},
		"compat: reference": {Compat: compatReference},
		"all that is opted in": {AssertionsIn: []string{"inputFacets", "facets"}, BatchValues: "all", FileDatasets: "asset",
			RowValues: RowValues{ExceptionText: true, Params: true, Queries: true}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			events := 0
			for _, line := range corpus(t) {
				for _, run := range mapFile(t, m, filepath.Join(corpusDir, line.File)) {
					for _, ev := range append(run.Events[:len(run.Events):len(run.Events)], run.Minimal()) {
						if err := openlineage.Validate(ev.Body); err != nil {
							t.Errorf("%s %s: %v", line.File, run.Part, err)
						}
						events++
					}
				}
			}
			t.Logf("%d events", events)
		})
	}
}
