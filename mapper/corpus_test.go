package mapper

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

// corpusDir has the results with marks, referenceDir the pairs with the events of the reference action.
var corpusDir, referenceDir = corpustest.Train(), corpustest.Reference()

var received = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

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

func corpus(t testing.TB) []indexed {
	t.Helper()
	return corpustest.Index[indexed](t)
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
					if leak := corpustest.Leak(ev.Body); leak != "" {
						t.Errorf("a value left the message: %s", leak)
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
