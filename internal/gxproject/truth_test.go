package gxproject

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

var corpusDir = corpustest.Train()

// unnamed is called derivable by the index though it holds nothing but a random ge_batch_id: V2 without a context.
const unnamed = "0.13.49/30-v2/suite.wire.json"

// wider is a pair whose pattern took a file more than its facts were meant for: its result names that file.
const wider = "0.15.34-csv-single"

// indexed is a line of the corpus index.
type indexed struct {
	File        string `json:"file"`
	Project     string `json:"project"`
	Validations []struct {
		Dataset struct {
			Namespace, Name string
			DerivableFrom   string `json:"derivable_from"`
		}
	}
}

// With its project every result of the corpus that says enough is named by the truth, which was written down when the
// data was made and not derived from the project.
func TestTheProjectNamesEveryDatasetOfTheCorpus(t *testing.T) {
	mappers := make(map[string]*mapper.Mapper)
	right := make(map[string]int)
	for _, line := range corpustest.Index[indexed](t) {
		if line.Project == "" {
			continue
		}
		m := mappers[line.Project]
		if m == nil {
			m = projectMapper(t, filepath.Join(corpusDir, line.Project))
			mappers[line.Project] = m
		}
		for i, got := range datasets(t, m, filepath.Join(corpusDir, line.File)) {
			want := line.Validations[i].Dataset
			switch {
			case line.File == unnamed:
			case want.DerivableFrom != "project" && want.DerivableFrom != "message":
			case got != [2]string{want.Namespace, want.Name}:
				t.Errorf("%s: named %v, want %s %s", line.File, got, want.Namespace, want.Name)
			default:
				right[want.DerivableFrom]++
			}
		}
	}
	if right["project"] == 0 || right["message"] == 0 {
		t.Errorf("compared nothing: %v", right)
	}
	t.Logf("right: %v", right)
}

// The pairs of the reference action are the only ones of the V2 API with a database.
func TestTheProjectNamesEveryReferencePair(t *testing.T) {
	facts, err := filepath.Glob(filepath.Join(corpustest.Reference(), "*", "facts.json"))
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, file := range facts {
		var truth []struct {
			Dataset *struct{ Namespace, Name, File, Table string }
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &truth); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(file)
		for i, got := range datasets(t, projectMapper(t, dir), filepath.Join(dir, "result.wire.json")) {
			d := truth[i].Dataset
			if d == nil || d.Namespace == "" && d.File == "" {
				continue // in memory, or a query
			}
			want := [2]string{d.Namespace, d.Name}
			if d.File != "" {
				want = [2]string{"sqlite://" + d.File, d.Table}
			}
			if filepath.Base(dir) == wider {
				continue
			}
			if got != want {
				t.Errorf("%s: named %v, want %v", dir, got, want)
			}
			right++
		}
	}
	if right < 10 {
		t.Errorf("compared %d pairs only", right)
	}
}

// datasets are namespace and name of the first input of every validation in a file.
func datasets(t *testing.T, m *mapper.Mapper, file string) [][2]string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode(raw)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	runs, err := m.Map(msg, mapper.Input{Received: time.Unix(1764000000, 0)})
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	named := make([][2]string, len(runs))
	for i, run := range runs {
		var ev struct {
			Inputs []struct{ Namespace, Name string }
		}
		body := run.Events[len(run.Events)-1].Body
		if err := json.Unmarshal(body, &ev); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(bytes.ToUpper(body), []byte("SECRETPW")) {
			t.Errorf("%s: a password left", file)
		}
		if len(ev.Inputs) > 0 {
			named[i] = [2]string{ev.Inputs[0].Namespace, ev.Inputs[0].Name}
		}
	}
	return named
}

func projectMapper(t *testing.T, path string) *mapper.Mapper {
	t.Helper()
	p, err := Read(path, testOptions(nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) > 0 {
		t.Errorf("%s: %v", path, p.Warnings)
	}
	m, err := mapper.New(mapper.Settings{Datasources: p.Datasources, ProjectFolder: p.Folder})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
