package mapper

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

// pair is a result and what the reference action emitted for it.
type pair struct {
	name   string
	ours   []json.RawMessage // terminal events
	theirs []map[string]any
	facts  []facts
	msg    *gx.Message
}

// facts are what was true of the data, computed from it.
type facts struct {
	Dataset struct{ Namespace, Name, File, Table string }
	Truth   struct {
		RowCount *float64 `json:"row_count"`
		Columns  map[string]struct {
			Nulls    *float64 `json:"null_count"`
			Distinct *float64 `json:"distinct_count"`
			Min      any
			Max      any
			Sum      any
		}
	}
}

// referenceProject is what the pairs' great_expectations.yml says of their datasources.
func referenceProject(name string) map[string]Datasource {
	retail := Datasource{Namespace: "postgres://127.0.0.1:5434", Database: "retail"}
	if strings.HasPrefix(name, "1.") {
		retail = Datasource{Namespace: "postgres://127.0.0.1:5435", Database: "retaildb"}
	}
	return map[string]Datasource{"retail_pg": retail, "v2_pg": retail, "retail_sqlite": {Namespace: "sqlite:////data/retail/shop.db"}}
}

func pairDirs(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(referenceDir, "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no pairs in %s: %v", referenceDir, err)
	}
	return dirs
}

func readJSON(t *testing.T, path string, into any) bool {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
	return true
}

// loadPair maps the pair's result as an installation with the action's settings would.
func loadPair(t *testing.T, dir string) pair {
	t.Helper()
	p := pair{name: filepath.Base(dir)}
	var config struct{ Action map[string]string }
	readJSON(t, filepath.Join(dir, "facts.json"), &p.facts)
	readJSON(t, filepath.Join(dir, "action-config.json"), &config)
	if !readJSON(t, filepath.Join(dir, "event.json"), &p.theirs) {
		t.Fatal("no event.json")
	}
	action := config.Action
	if strings.HasPrefix(p.name, "1.") {
		action = map[string]string{"openlineage_namespace": "reference"}
	}
	m, err := New(Settings{Compat: compatReference, Version: "1.0.0", Datasources: referenceProject(p.name),
		JobNamespace: action["openlineage_namespace"], JobName: action["job_name"], JobDescription: action["job_description"],
		SourceCode: SourceCode{URL: action["code_location"]}})
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Received: received}
	if id := action["openlineage_parent_run_id"]; id != "" {
		in.Parent = ParentRun{Namespace: action["openlineage_parent_job_namespace"], Name: action["openlineage_parent_job_name"], RunID: id}
	}
	if id := action["openlineage_root_parent_run_id"]; id != "" {
		in.Root = ParentRun{Namespace: action["openlineage_root_parent_job_namespace"], Name: action["openlineage_root_parent_job_name"], RunID: id}
	}
	file := filepath.Join(dir, "result.wire.json")
	if len(p.theirs) > 1 {
		file = filepath.Join(dir, "checkpoint.wire.json")
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	p.msg = msg
	runs, err := m.Map(msg, in)
	if err != nil || len(runs) != len(p.theirs) {
		t.Fatalf("%d runs for %d events, %v", len(runs), len(p.theirs), err)
	}
	for _, run := range runs {
		p.ours = append(p.ours, run.Events[1].Body)
	}
	return p
}

// leaf is one value of the reference event and what ours has at its place.
type leaf struct {
	path         string // inputs[].inputFacets.dataQuality.columnMetrics.amount.min
	theirs, ours any    // ours is nil where it has nothing
	facts        *facts
	result       *gx.Validation
	ourEvent     map[string]any
	theirEvent   map[string]any
}

// walk visits every leaf of the reference event; an empty object or list is one.
func walk(l leaf, visit func(leaf)) {
	switch theirs := l.theirs.(type) {
	case map[string]any:
		ours, _ := l.ours.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(theirs)) {
			next := l
			next.path, next.theirs, next.ours = strings.TrimPrefix(l.path+"."+k, "."), theirs[k], ours[k]
			walk(next, visit)
		}
		if len(theirs) > 0 {
			return
		}
	case []any:
		ours, _ := l.ours.([]any)
		for i, v := range theirs {
			next := l
			next.path, next.theirs, next.ours = l.path+"[]", v, nil
			if l.path == "inputs" {
				i = 0 // the reference action repeats all for each table of a query
			}
			if i < len(ours) {
				next.ours = ours[i]
			}
			walk(next, visit)
		}
		if len(theirs) > 0 {
			return
		}
	}
	visit(l)
}

// compared says what became of the leaves of a pair.
type compared struct {
	pair          string
	leaves, equal int
	byRule        map[*rule]int
	equalPaths    map[string]bool
	otherPaths    map[string]bool
}

func comparePair(t *testing.T, p pair) compared {
	t.Helper()
	c := compared{pair: p.name, byRule: map[*rule]int{}, equalPaths: map[string]bool{}, otherPaths: map[string]bool{}}
	for i := range p.theirs {
		root := leaf{theirs: p.theirs[i], result: &p.msg.Validations[i], theirEvent: p.theirs[i]}
		if err := json.Unmarshal(p.ours[i], &root.ourEvent); err != nil {
			t.Fatal(err)
		}
		root.ours = root.ourEvent
		if len(p.facts) > 0 {
			root.facts = &p.facts[min(i, len(p.facts)-1)]
		}
		walk(root, func(l leaf) {
			c.leaves++
			if reflect.DeepEqual(l.theirs, l.ours) {
				c.equal++
				c.equalPaths[general(l.path)] = true
				return
			}
			c.otherPaths[general(l.path)] = true
			for j := range rules {
				if r := &rules[j]; r.matches(l.path) && r.holds(l) {
					c.byRule[r]++
					return
				}
			}
			t.Errorf("%s: theirs %v, ours %v, and no rule says why", l.path, l.theirs, l.ours)
		})
	}
	return c
}

// general replaces what differs from table to table in a path.
func general(path string) string {
	before, after, ok := strings.Cut(path, ".columnMetrics.")
	if !ok {
		return path
	}
	_, metric, _ := strings.Cut(after, ".")
	if strings.HasPrefix(metric, "quantiles.") {
		metric = "quantiles.<p>"
	}
	return before + ".columnMetrics.<column>." + metric
}

// What the reference action tells of a result is in ours, or a rule that is checked says why not. The rules are the table
// of docs/reference-action.md, which -update writes anew.
func TestNothingOfTheReferenceEventIsLostWithoutAReason(t *testing.T) {
	var results []compared
	used := map[*rule]int{}
	for _, dir := range pairDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			c := comparePair(t, loadPair(t, dir))
			results = append(results, c)
			for r, n := range c.byRule {
				used[r] += n
			}
		})
	}
	for i := range rules {
		if used[&rules[i]] == 0 {
			t.Errorf("no pair needs the rule for %s (%s)", rules[i].name, rules[i].paths[0])
		}
	}
	checkReferenceDoc(t, results, used)
}

func TestReferenceFacetsAreValidAndLeakNothing(t *testing.T) {
	official := newValidator(t)
	official.facets["input.dataQuality"] = official.facets["input.dataQualityMetrics"]
	for _, dir := range pairDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			for _, body := range loadPair(t, dir).ours {
				official.check(t, body)
			}
		})
	}
	m, err := New(Settings{Compat: compatReference})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range corpus(t) {
		t.Run(line.File, func(t *testing.T) {
			for _, run := range mapFile(t, m, filepath.Join(corpusDir, line.File)) {
				body := run.Events[1].Body
				official.check(t, body)
				if leak := corpustest.Leak(body); leak != "" {
					t.Errorf("a value left the message: %s", leak)
				}
			}
		})
	}
}

func TestReferenceFacetsComeOnlyWhenAskedAndGoFirst(t *testing.T) {
	raw, err := os.ReadFile("../internal/samples/results/orders-numeric-0.18.22.json")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	body := func(s Settings) string {
		m, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		runs, err := m.Map(msg, Input{Received: received})
		if err != nil {
			t.Fatal(err)
		}
		return string(runs[0].Events[1].Body)
	}
	whole := body(Settings{Compat: compatReference})
	small := body(Settings{Compat: compatReference, MaxEventBytes: len(whole) - 1})
	for _, key := range []string{`"dataQuality":`, `"greatExpectations_assertions":`, `"expectation_suite_meta":`, `"openlineage_client_version"`} {
		for what, c := range map[string]struct {
			body string
			want bool
		}{"asked": {whole, true}, "not asked": {body(Settings{}), false}, "too large": {small, false}} {
			if strings.Contains(c.body, key) != c.want {
				t.Errorf("%s in an event %s: %v", key, what, !c.want)
			}
		}
	}
	if !strings.Contains(small, `"params":`) || !strings.Contains(small, "gx_ol_trimmed") {
		t.Error("params went before the reference facets, or the tag is missing")
	}
}

func TestBatchIdentifiersAreDatesOrOptedIn(t *testing.T) {
	const given = `{"Year":"2024","month":1,"currency":"EUR","year_note":"2024","nested":{"day":"02","id":7},"list":[1],"big":9007199254740993}`
	for values, want := range map[string]string{
		"":    `{"Year":"2024","month":1,"nested":{"day":"02"}}`,
		"all": `{"Year":"2024","big":9007199254740993,"currency":"EUR","month":1,"nested":{"day":"02","id":7},"year_note":"2024"}`,
	} {
		m, err := New(Settings{Compat: compatReference, BatchValues: values})
		if err != nil {
			t.Fatal(err)
		}
		runs, err := m.Map(&gx.Message{Validations: []gx.Validation{{Batch: gx.Batch{
			Datasource: "d", DataConnector: "c", Asset: "a", Identifiers: json.RawMessage(given)}}}}, Input{Received: received})
		if err != nil {
			t.Fatal(err)
		}
		if body := string(runs[0].Events[1].Body); !strings.Contains(body, fmt.Sprintf(`"batch_identifiers":%s}`, want)) {
			t.Errorf("batch_values %q: %s", values, body)
		}
	}
}
