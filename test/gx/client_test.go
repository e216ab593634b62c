package gx

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corpustest "github.com/gx-ol/gx-ol/test/corpus"
	"github.com/gx-ol/gx-ol/test/process"
)

// read is what testdata/read_events.py says.
type read struct {
	Events   int
	Facets   map[string]int
	Problems []string
}

// readBack lets OpenLineage's client read events, one a line.
func readBack(t *testing.T, events []byte, customFacets ...string) (r read) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python(t, "client"), append([]string{filepath.Join("testdata", "read_events.py")}, customFacets...)...)
	cmd.Env = append(process.CleanEnv(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin = bytes.NewReader(events)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the client: %v\n%s", err, process.Tail(said.String()))
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// mapped is what the built gx-ol makes of the corpus and of the bundled samples.
func mapped(t *testing.T, config string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gx-ol.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(corpustest.Env, filepath.Join("test", "corpus", "testdata")) // the whole has no other facets, and is seven times as long
	args := []string{"map", "--config", path, "--received", "2026-01-01T00:00:00Z"}
	for _, l := range corpustest.Index[struct{ File string }](t) {
		args = append(args, filepath.Join(corpustest.Train(), l.File))
	}
	samples, err := filepath.Glob("../../internal/samples/results/*.json")
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), binary, append(args, samples...)...)
	cmd.Env = process.CleanEnv()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gx-ol map: %v\n%s", err, process.Tail(said.String()))
	}
	return out
}

// OpenLineage's client has a class for each facet of the standard; its generator reads the same schemas as consumers do.
func TestOpenLineagesOwnClientReadsEveryEventBack(t *testing.T) {
	python(t, "client") // or skips
	for name, c := range map[string]struct {
		config string
		custom []string
	}{
		"defaults": {"", []string{"great_expectations_meta"}},
		"compat: reference": {"compat: reference\n",
			[]string{"great_expectations_meta", "greatExpectations_assertions", "dataQuality"}},
		// Not assertions_in: [facets], which puts an input facet where the standard has none, for consumers that look there.
		"values opted in": {"row_values: {exception_text: true, params: true, queries: true}\nschema_facet: on\nsymlinks: on\n", []string{"great_expectations_meta"}},
	} {
		t.Run(name, func(t *testing.T) {
			events := mapped(t, c.config)
			r := readBack(t, events, c.custom...)
			t.Logf("%d events, facets %v", r.Events, r.Facets)
			if r.Events != bytes.Count(events, []byte("\n")) || r.Events < 200 {
				t.Errorf("%d events read of %d", r.Events, bytes.Count(events, []byte("\n")))
			}
			for _, p := range r.Problems {
				t.Error(p)
			}
			for _, facet := range strings.Fields("processing_engine jobType test errorMessage dataQualityAssertions dataQualityMetrics inputStatistics schema sql subset") {
				if facet == "schema" && name == "defaults" {
					continue // off unless it is asked for
				}
				if r.Facets[facet] == 0 {
					t.Errorf("no event has the facet %s: %v", facet, slices.Sorted(maps.Keys(r.Facets)))
				}
			}
		})
	}
}

// A reader that takes everything would keep the test above green.
func TestTheClientRefusesWhatItDoesNotKnow(t *testing.T) {
	python(t, "client") // or skips
	events := mapped(t, "")
	terminal := slices.Collect(bytes.Lines(events))[1]
	for name, c := range map[string]struct{ from, to, want string }{
		"a member of no class":      {`"openlineageAdapterVersion":`, `"adapterVersion":`, "knows no adapterVersion"},
		"a facet of no class":       {`/ProcessingEngineRunFacet"`, `/EngineRunFacet"`, "has no RunFacet"},
		"a facet at a wrong place":  {`#/$defs/JobTypeJobFacet"`, `#/$defs/TestRunFacet"`, "has no JobFacet"},
		"text in place of a number": {`"success":`, `"success":"x","was":`, ""},
		"a run that is no UUID":     {`"runId":"`, `"runId":"x`, "refuses it"},
		"an event of no type":       {`"eventType":"`, `"eventType":"NO`, "NO"},
		"a time that is none":       {`"eventTime":"`, `"eventTime":"x`, "refuses it"},
	} {
		t.Run(name, func(t *testing.T) {
			spoiled := bytes.Replace(terminal, []byte(c.from), []byte(c.to), 1)
			if bytes.Equal(spoiled, terminal) {
				t.Fatalf("nothing to spoil: %s", terminal)
			}
			if r := readBack(t, spoiled, "great_expectations_meta"); len(r.Problems) != 1 || !strings.Contains(r.Problems[0], c.want) {
				t.Errorf("%q, want %q", r.Problems, c.want)
			}
		})
	}
}
