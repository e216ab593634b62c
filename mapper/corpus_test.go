package mapper

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

const (
	corpusDir = "../../shared/corpus/train"
	specDir   = "../../shared/openlineage-spec"
)

// marks stand in every text cell, set, query and password of the corpus.
var marks = regexp.MustCompile(`ROWVALUE|PARAMVALUE|SECRETPW`)

// humanText is what people wrote about a check or a run, which goes with it by intent; the corpus marks it too.
var humanText = regexp.MustCompile(`"(description|run_name)":"(PARAMVALUE|[^"R]|R[^O])*"`)

// secret may stand nowhere, in human text neither; names are lower-cased on their way.
var secret = regexp.MustCompile(`(?i)ROWVALUE|SECRETPW`)

var received = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// validator checks events against the official schemas, facets included.
type validator struct {
	event  *jsonschema.Schema
	facets map[string]*jsonschema.Schema // by "run.parent", "job.jobType", "dataset.schema", "input.dataQualityMetrics"
}

func newValidator(t testing.TB) *validator {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(specDir, "facets", "*.json"))
	if len(files) == 0 {
		t.Skip("the official schemas are not here")
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	type doc struct {
		ID         string                     `json:"$id"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	load := func(path string) doc {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		var d doc
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(d.ID, parsed); err != nil {
			t.Fatal(err)
		}
		return d
	}
	root := load(filepath.Join(specDir, "OpenLineage.json"))
	docs := make(map[string]doc)
	for _, f := range files {
		docs[filepath.Base(f)] = load(f)
	}
	v := &validator{facets: make(map[string]*jsonschema.Schema)}
	var err error
	if v.event, err = c.Compile(root.ID + "#/$defs/RunEvent"); err != nil {
		t.Fatal(err)
	}
	for base, d := range docs {
		place := "dataset"
		switch {
		case strings.HasSuffix(base, "RunFacet.json"):
			place = "run"
		case strings.HasSuffix(base, "JobFacet.json"):
			place = "job"
		case strings.Contains(base, "InputDatasetFacet"), base == "DataQualityAssertionsDatasetFacet.json", base == "BaseSubsetDatasetFacet.json":
			place = "input"
		}
		for name := range d.Properties {
			s, err := c.Compile(d.ID + "#/properties/" + name)
			if err != nil {
				t.Fatal(err)
			}
			v.facets[place+"."+name] = s
		}
	}
	return v
}

// customFacets are ours or the reference action's; only their base is standard.
var customFacets = map[string]bool{"run.great_expectations_meta": true, "input.greatExpectations_assertions": true}

func (v *validator) check(t *testing.T, body []byte) {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("no JSON: %v\n%s", err, body)
	}
	if err := v.event.Validate(parsed); err != nil {
		t.Errorf("event: %v", err)
	}
	ev := parsed.(map[string]any)
	v.checkFacets(t, "run", ev["run"], "facets")
	v.checkFacets(t, "job", ev["job"], "facets")
	inputs, _ := ev["inputs"].([]any)
	for _, in := range inputs {
		v.checkFacets(t, "dataset", in, "facets")
		v.checkFacets(t, "input", in, "inputFacets")
	}
}

func (v *validator) checkFacets(t *testing.T, place string, of any, key string) {
	t.Helper()
	facets, _ := of.(map[string]any)[key].(map[string]any)
	for name, facet := range facets {
		schema := v.facets[place+"."+name]
		if schema == nil {
			if !customFacets[place+"."+name] {
				t.Errorf("no official schema for %s facet %s", place, name)
			}
			continue
		}
		if err := schema.Validate(facet); err != nil {
			t.Errorf("%s facet %s: %v", place, name, err)
		}
	}
}

// indexed is a line of the corpus index.
type indexed struct {
	File        string `json:"file"`
	Shape       string `json:"shape"`
	Form        string `json:"form"`
	Validations []struct {
		Job     *indexedJob
		Results struct{ Failed, Raised int }
		Dataset struct {
			Namespace, Name string
			DerivableFrom   string `json:"derivable_from"`
		}
		Truth struct {
			RowCount *float64 `json:"row_count"`
			Columns  map[string]struct {
				Nulls    *float64 `json:"null_count"`
				Distinct *float64 `json:"distinct_count"`
				Min, Max any
				Sum      any
			}
		}
	}
}

// indexedJob is what names a validation.
type indexedJob struct {
	Suite        *string         `json:"suite_name"`
	Datasource   *string         `json:"datasource"`
	Asset        *string         `json:"asset"`
	Batch        json.RawMessage `json:"batch_identifiers"`
	RunName      *string         `json:"run_name"`
	RunTime      *string         `json:"run_time"`
	ValidationID *string         `json:"validation_id"`
}

func corpus(t testing.TB) (lines []indexed) {
	t.Helper()
	f, err := os.Open(filepath.Join(corpusDir, "INDEX.ndjson"))
	if err != nil {
		t.Skip("the corpus is not here")
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		var l indexed
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

func mapFile(t testing.TB, m *Mapper, path string) []openlineage.Run {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode(raw)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	runs, err := m.Map(msg, Input{Received: received, Topic: "results"})
	if err != nil {
		t.Fatalf("Map: %v", err)
	}
	return runs
}

// What we emit, as a reader of the standard would take it.
type emitted struct {
	EventType string
	EventTime time.Time
	Run       struct{ RunID string }
	Inputs    []struct {
		Namespace, Name string
		InputFacets     struct {
			Metrics struct {
				RowCount      *float64
				ColumnMetrics map[string]struct {
					NullCount, DistinctCount, Count, Sum, Min, Max *float64
				}
			} `json:"dataQualityMetrics"`
			Assertions struct{ Assertions []struct{ Success bool } } `json:"dataQualityAssertions"`
		}
	}
}

func TestEveryCorpusMessageMapsValidatesAndLeaksNothing(t *testing.T) {
	lines := corpus(t)
	official := newValidator(t)
	m, err := New(Settings{})
	if err != nil {
		t.Fatal(err)
	}
	// Columns of integers near 2^53 and beyond, whose sum overflows pandas' int64: what GX measured is told all the same.
	overflow, overflown := map[string]bool{"big_ref": true, "u64": true}, 0
	for _, line := range lines {
		t.Run(line.File, func(t *testing.T) {
			runs := mapFile(t, m, filepath.Join(corpusDir, line.File))
			again := mapFile(t, m, filepath.Join(corpusDir, line.File))
			if len(runs) != len(line.Validations) {
				t.Fatalf("%d runs, want %d", len(runs), len(line.Validations))
			}
			for i, run := range runs {
				for j, ev := range append(run.Events[:len(run.Events):len(run.Events)], run.Minimal()) {
					official.check(t, ev.Body)
					if secret.Match(ev.Body) {
						t.Error("a password or row value left the message")
					}
					if mark := marks.FindIndex(humanText.ReplaceAll(ev.Body, nil)); mark != nil {
						t.Errorf("a value left the message: %s", humanText.ReplaceAll(ev.Body, nil)[max(0, mark[0]-80):])
					}
					if j < len(run.Events) && !bytes.Equal(ev.Body, again[i].Events[j].Body) {
						t.Error("mapping twice gives different bytes")
					}
				}
				var ev emitted
				if err := json.Unmarshal(run.Events[1].Body, &ev); err != nil {
					t.Fatal(err)
				}
				want := line.Validations[i]
				if raised := want.Results.Raised > 0; raised && line.Shape != "F" && line.Shape != "G" && line.Shape != "H" && ev.EventType != "FAIL" {
					t.Errorf("%s though expectations raised", ev.EventType)
				}
				if len(ev.Inputs) == 0 {
					continue
				}
				in := ev.Inputs[0]
				if want.Dataset.DerivableFrom == "message" && (in.Namespace != want.Dataset.Namespace || in.Name != want.Dataset.Name) {
					t.Errorf("dataset %s %s, want %s %s", in.Namespace, in.Name, want.Dataset.Namespace, want.Dataset.Name)
				}
				metric := func(what string, got, truth *float64) {
					if got != nil && truth != nil && math.Abs(*got-*truth) > 1e-6*math.Abs(*truth) /* single-precision columns */ {
						t.Errorf("%s = %v, in truth %v", what, *got, *truth)
					}
				}
				metric("rowCount", in.InputFacets.Metrics.RowCount, want.Truth.RowCount)
				for name, c := range in.InputFacets.Metrics.ColumnMetrics {
					truth, ok := want.Truth.Columns[name]
					if !ok {
						continue
					}
					metric(name+" nullCount", c.NullCount, truth.Nulls)
					metric(name+" distinctCount", c.DistinctCount, truth.Distinct)
					if truth.Nulls != nil && want.Truth.RowCount != nil {
						filled := *want.Truth.RowCount - *truth.Nulls
						metric(name+" count", c.Count, &filled)
					}
					if truth := asFloat(truth.Sum); overflow[name] && c.Sum != nil && truth != nil && math.Abs(*c.Sum-*truth) > 1e-6*math.Abs(*truth) {
						overflown++
					} else {
						metric(name+" sum", c.Sum, truth)
					}
					metric(name+" min", c.Min, asFloat(truth.Min))
					metric(name+" max", c.Max, asFloat(truth.Max))
				}
			}
		})
	}
	if overflown > 20 {
		t.Errorf("%d sums are wrong, of which 20 are GX's own", overflown)
	}
}

func asFloat(v any) *float64 {
	if f, ok := v.(float64); ok {
		return &f
	}
	return nil
}

func TestAValidationsWireAndStoreFormGiveTheSameBytes(t *testing.T) {
	m, err := New(Settings{})
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, line := range corpus(t) {
		wire, found := strings.CutSuffix(line.File, "suite.wire.json")
		store := filepath.Join(corpusDir, wire+"suite.store.json")
		if _, err := os.Stat(store); !found || err != nil {
			continue
		}
		a, b := mapFile(t, m, filepath.Join(corpusDir, line.File)), mapFile(t, m, store)
		for i := range a[0].Events {
			if got, want := b[0].Events[i].Body, a[0].Events[i].Body; !bytes.Equal(got, want) {
				t.Errorf("%s: its store file gives another event: %s", line.File, difference(got, want))
			}
		}
		compared++
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}
