package gx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

var corpus = corpustest.Train()

type indexLine struct {
	File        string
	Shape       string
	Validations []struct {
		Job *struct {
			Suite      *string `json:"suite_name"`
			Datasource *string
			Asset      *string
			RunName    *string `json:"run_name"`
			RunTime    *string `json:"run_time"`
			Identity   any     `json:"batch_identifiers"`
		}
		Results struct{ Total, Failed, Raised int }
	}
}

func readIndex(t testing.TB) []indexLine {
	t.Helper()
	return corpustest.Index[indexLine](t)
}

func TestEveryMessageOfTheCorpusGivesItsFacts(t *testing.T) {
	for _, l := range readIndex(t) {
		value, err := os.ReadFile(filepath.Join(corpus, l.File))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(value)
		if err != nil {
			t.Errorf("%s: %v", l.File, err)
			continue
		}
		if string(m.Shape) != l.Shape && l.Shape != "K" && l.Shape != "L" {
			t.Errorf("%s: shape %s, want %s", l.File, m.Shape, l.Shape)
		}
		if len(m.Validations) != len(l.Validations) {
			t.Errorf("%s: %d validations, want %d", l.File, len(m.Validations), len(l.Validations))
			continue
		}
		for i := range m.Validations {
			compare(t, l, i, m)
		}
	}
}

func compare(t *testing.T, l indexLine, i int, m *Message) {
	t.Helper()
	v, want := &m.Validations[i], l.Validations[i]
	failed, raised := 0, 0
	for _, e := range v.Results {
		if e.Success != nil && !*e.Success {
			failed++
		}
		if e.Raised {
			raised++
		}
		if e.Type == "" {
			t.Errorf("%s: a result without a type", l.File)
		}
	}
	merged := v.ResultCount - len(v.Results)
	described := m.Shape == ShapeDescribeCheckpoint || m.Shape == ShapeDescribeSuite || m.Shape == ShapeDescribeOne
	wantFailed := want.Results.Failed
	if !strings.HasPrefix(l.File, "1.") { // the index of 0.x counts those that raised apart
		wantFailed += want.Results.Raised
	}
	if v.ResultCount != want.Results.Total || failed+merged != wantFailed {
		t.Errorf("%s %d: %d results, %d failed, %d merged, want %d, %d", l.File, i, v.ResultCount, failed, merged, want.Results.Total, wantFailed)
	}
	if raised+merged != want.Results.Raised && !described { // describe() drops keyed exceptions
		t.Errorf("%s %d: %d raised, want %d", l.File, i, raised, want.Results.Raised)
	}
	if want.Job == nil || m.Shape == ShapeExpectation || described || m.Shape == ShapeAPIAction {
		return
	}
	same := func(name, got string, want *string) {
		if want != nil && got != *want {
			t.Errorf("%s %d: %s %q, want %q", l.File, i, name, got, *want)
		}
	}
	if m.Shape == ShapeArray && v.Suite == "" {
		return // expectation results only: they name nothing
	}
	same("suite", v.Suite, want.Job.Suite)
	same("datasource", v.Batch.Datasource, want.Job.Datasource)
	same("asset", v.Batch.Asset, want.Job.Asset)
	same("run name", v.RunName, want.Job.RunName)
	if want.Job.RunTime != nil && v.RunTime.IsZero() {
		t.Errorf("%s %d: no run time", l.File, i)
	}
	if !v.RunTime.IsZero() && v.LoadTime.IsZero() && v.Batch.DataConnector != "" { // V2 may lack it
		t.Errorf("%s %d: no load time", l.File, i)
	}
}

func TestStoreFileAndWireMessageOfOneResultHashAlike(t *testing.T) {
	wires, _ := filepath.Glob(filepath.Join(corpus, "*", "*", "suite.wire.json"))
	pairs := 0
	for _, wire := range wires {
		store, err := os.ReadFile(filepath.Join(filepath.Dir(wire), "suite.store.json"))
		if err != nil {
			continue
		}
		value, err := os.ReadFile(wire)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Decode(value)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Decode(store)
		if err != nil {
			t.Fatal(err)
		}
		pairs++
		if a.Validations[0].FactsHash() != b.Validations[0].FactsHash() {
			t.Errorf("%s: its store file hashes otherwise", wire)
		}
	}
	if pairs == 0 {
		t.Error("no pair compared")
	}
}
