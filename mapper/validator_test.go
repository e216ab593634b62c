package mapper

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

// validator checks events against our schema, and against the official ones, facets included, where they are here.
type validator struct {
	event  *jsonschema.Schema            // nil: the official schemas are not here
	facets map[string]*jsonschema.Schema // by "run.parent", "job.jobType", "dataset.schema", "input.dataQualityMetrics"
}

// saysOnce keeps a run of all tests from saying it once a test.
var saysOnce sync.Once

func newValidator(t testing.TB) *validator {
	t.Helper()
	spec := corpustest.Spec()
	if spec == "" {
		saysOnce.Do(func() {
			t.Logf("events are checked against our schema only: no official schemas here; %s names the folder of OpenLineage.json and facets/", corpustest.SpecEnv)
		})
		return &validator{facets: make(map[string]*jsonschema.Schema)}
	}
	files, err := filepath.Glob(filepath.Join(spec, "facets", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no facets in %s: %v", spec, err)
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
	root := load(filepath.Join(spec, "OpenLineage.json"))
	docs := make(map[string]doc)
	for _, f := range files {
		docs[filepath.Base(f)] = load(f)
	}
	v := &validator{facets: make(map[string]*jsonschema.Schema)}
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
	ours := openlineage.Validate
	if !bytes.Contains(body, []byte(`"producer":"https://github.com/gx-ol/`)) {
		ours = openlineage.ValidatePassedThrough
	}
	if err := ours(body); err != nil {
		t.Errorf("our schema: %v", err)
	}
	if v.event == nil {
		return
	}
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
