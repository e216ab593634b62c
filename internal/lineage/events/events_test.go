package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

func chainLines(t testing.TB) [][]byte {
	t.Helper()
	raw, err := os.ReadFile("../testdata/chain.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
}

// answers are the two questions over all, as JSON.
func answers(t *testing.T, g *lineage.Graph) string {
	t.Helper()
	src := &lineage.Whole{Graph: g}
	consumers, err := lineage.Consumers(t.Context(), src, nil, lineage.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	common, err := lineage.Common(t.Context(), src, lineage.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{consumers, common})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func build(t *testing.T, lines [][]byte) *lineage.Graph {
	t.Helper()
	b, p := NewBuilder(DefaultBound), NewParser()
	for _, line := range lines {
		ev, err := p.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(ev)
	}
	return b.Graph()
}

// Partitions are read side by side, and delivery is at least once.
func TestTheOrderOfEventsAndTheirRepetitionChangeNothing(t *testing.T) {
	lines := chainLines(t)
	want := answers(t, build(t, lines))
	for seed := range int64(20) {
		draw := rand.New(rand.NewSource(seed))
		again := append(bytes.Split(bytes.Join(lines, []byte("\n")), []byte("\n")), lines[:10]...)
		draw.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if got := answers(t, build(t, again)); got != want {
			t.Fatalf("seed %d:\n%s\nwant\n%s", seed, got, want)
		}
	}
}

// event is a run event of a check, or of a job that writes.
func event(kind, at, run, job, in, out string) []byte {
	list := func(s string) string {
		if s == "" {
			return "[]"
		}
		return "[" + s + "]"
	}
	return fmt.Appendf(nil, `{"eventType":%q,"eventTime":"2026-03-01T%sZ","run":{"runId":%q},"job":{"namespace":"n","name":%q},"inputs":%s,"outputs":%s,"producer":"p"}`, kind, at, run, job, list(in), list(out))
}

func checked(name string, success bool) string {
	return fmt.Sprintf(`{"namespace":"n","name":%q,"inputFacets":{"dataQualityAssertions":{"assertions":[{"assertion":"a","success":%v}]}}}`, name, success)
}

func named(name string) string { return fmt.Sprintf(`{"namespace":"n","name":%q}`, name) }

func TestTheLatestRunWithAssertionsCounts(t *testing.T) {
	for name, c := range map[string]struct {
		events [][]byte
		want   lineage.Quality
	}{
		"a later run passes":              {[][]byte{event("FAIL", "10:00:00", "1", "c", checked("d", false), ""), event("COMPLETE", "11:00:00", "2", "c", checked("d", true), "")}, lineage.Passed},
		"an earlier run comes late":       {[][]byte{event("COMPLETE", "11:00:00", "2", "c", checked("d", true), ""), event("FAIL", "10:00:00", "1", "c", checked("d", false), "")}, lineage.Passed},
		"a run under way says nothing":    {[][]byte{event("FAIL", "10:00:00", "1", "c", checked("d", false), ""), event("START", "11:00:00", "2", "c", named("d"), "")}, lineage.Failed},
		"another check failed":            {[][]byte{event("FAIL", "10:00:00", "1", "c", checked("d", false), ""), event("COMPLETE", "11:00:00", "2", "e", checked("d", true), "")}, lineage.Failed},
		"one job checks several datasets": {[][]byte{event("FAIL", "10:00:00", "1", "c", checked("d", false), ""), event("COMPLETE", "11:00:00", "2", "c", checked("e", true), "")}, lineage.Failed},
		"written since":                   {[][]byte{event("COMPLETE", "10:00:00", "1", "c", checked("d", true), ""), event("COMPLETE", "11:00:00", "2", "w", "", named("d"))}, lineage.Stale},
		"written without success":         {[][]byte{event("COMPLETE", "10:00:00", "1", "c", checked("d", true), ""), event("FAIL", "11:00:00", "2", "w", "", named("d"))}, lineage.Passed},
		"assertions came before the end":  {[][]byte{event("RUNNING", "10:00:00", "1", "c", checked("d", false), ""), event("COMPLETE", "10:01:00", "1", "c", "", "")}, lineage.Failed},
		"no success is no failure":        {[][]byte{event("COMPLETE", "10:00:00", "1", "c", `{"namespace":"n","name":"d","inputFacets":{"dataQualityAssertions":{"assertions":[{"assertion":"a"}]}}}`, "")}, lineage.Passed},
		"in facets, as dbt has them":      {[][]byte{event("COMPLETE", "10:00:00", "1", "c", strings.ReplaceAll(checked("d", false), "inputFacets", "facets"), "")}, lineage.Failed},
		"a single check of no assertions": {[][]byte{event("COMPLETE", "10:00:00", "1", "c", named("d"), "")}, lineage.NeverChecked},
	} {
		t.Run(name, func(t *testing.T) {
			src := &lineage.Whole{Graph: build(t, c.events)}
			d := lineage.Dataset{Namespace: "n", Name: "d"}
			answer, err := lineage.Upstream(t.Context(), src, d, lineage.WrittenAll, lineage.Options{Now: time.Now()})
			if err != nil || answer.Datasets[0].Quality != c.want {
				t.Errorf("%v: %+v, want %s", err, answer.Datasets, c.want)
			}
		})
	}
}

func TestWhatAJobReadsIsWhatItsLatestRunRead(t *testing.T) {
	g := build(t, [][]byte{
		event("START", "10:00:00", "1", "j", named("a"), ""), event("COMPLETE", "10:01:00", "1", "j", named("b"), named("out")), // one run: both
		event("START", "11:00:00", "2", "j", named("z"), ""), // under way
		event("START", "10:00:00", "3", "never ended", named("a"), ""),
		[]byte(`{"eventTime":"2026-03-01T10:00:00Z","job":{"namespace":"n","name":"told"},"inputs":[` + named("a") + `],"outputs":[],"schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent"}`),
		[]byte(`{"eventTime":"2026-03-01T10:00:00Z","dataset":` + named("alone") + `}`),
	})
	job := func(name string) lineage.Job { return lineage.Job{Namespace: "n", Name: name} }
	if got := fmt.Sprint(g.Inputs(job("j")), g.Outputs(job("j")), g.Inputs(job("never ended")), g.Inputs(job("told"))); got != "[n a n b] [n out] [] [n a]" {
		t.Error(got)
	}
	if !g.Has(lineage.Dataset{Namespace: "n", Name: "alone"}) {
		t.Error("the dataset of a dataset event is not known")
	}
}

func TestTheBoundIsKeptAndSaid(t *testing.T) {
	b := NewBuilder(Bound{Things: 10, Facts: 3})
	for i := range 100 {
		ev, err := NewParser().Parse(event("FAIL", "10:00:00", fmt.Sprint(i), fmt.Sprint("check", i), checked(fmt.Sprint("d", i), false), ""))
		if err != nil {
			t.Fatal(err)
		}
		b.Add(ev)
	}
	g := b.Graph()
	if len(g.Datasets()) != 3 || len(g.Notes) != 1 || !strings.Contains(g.Notes[0], "97 events were left out: at most 10 jobs and datasets and 3 failed assertions") {
		t.Errorf("%d datasets, %v", len(g.Datasets()), g.Notes)
	}
	again := NewBuilder(Bound{Things: 10, Facts: 3})
	for i := range 100 { // the same check each time: what is replaced is free again
		ev, _ := NewParser().Parse(event("FAIL", "10:00:00", fmt.Sprintf("%03d", i), "check", checked("d", false), ""))
		again.Add(ev)
	}
	if g := again.Graph(); len(g.Notes) != 0 {
		t.Error(g.Notes)
	}
}

func TestFilesOfEveryFormAreRead(t *testing.T) {
	one, two := string(event("COMPLETE", "10:00:00", "1", "a", named("x"), named("y"))), string(event("COMPLETE", "10:00:00", "2", "b", named("y"), named("z")))
	pretty := new(bytes.Buffer)
	if err := json.Indent(pretty, []byte("["+one+","+two+"]"), "", "  "); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, fault string }{
		"lines":                {one + "\n" + two + "\n", ""},
		"blank lines and CRLF": {"\r\n\r\n" + one + "\r\n\r\n" + two, ""},
		"a mark":               {"\xef\xbb\xbf" + one + "\n" + two, ""},
		"an array":             {"[" + one + ",\n" + two + "]", ""},
		"a pretty array":       {pretty.String(), ""},
		"arrays on lines":      {one + "\n[" + two + "]", ""},
		"array, then lines":    {"[" + one + "]\n" + two, ""},
		"one behind another":   {one + two, ""},
		"broken line":          {one + "\n" + two + "\n{\"eventType\": nul}\n", "f:3: not JSON"},
		"broken in an array":   {"[" + one + ",\n\n{]\n", "f:3: not JSON"},
		"cut":                  {one + "\n" + two[:30], "f:2: the text ends inside an event"},
		"cut array":            {"[" + one + ",", "the text ends inside an array"},
		"no event":             {one + "\n" + `{"a": 1}`, "f:2: not an OpenLineage event: it has no job and no dataset"},
		"a result":             {"\n\n" + `{"results": [{"expectation_config": {}}], "success": true}`, "f:3: this is a Great Expectations result, no event: gx-ol map makes events of it"},
		"no time":              {`{"eventTime": "yesterday", "job": {"namespace": "n", "name": "j"}}`, "eventTime is missing or no time"},
		"inputs are no list":   {`{"eventTime": "2026-03-01T10:00:00Z", "job": {"namespace": "n", "name": "j"}, "inputs": {}}`, "inputs is no list"},
		"a number":             {`12`, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder(DefaultBound)
			err := Read(t.Context(), "f", strings.NewReader(c.text), b, nil)
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Fatalf("%v, want %s", err, c.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if g := b.Graph(); len(g.Jobs()) != 2 || len(g.Datasets()) != 3 {
				t.Errorf("%v %v", g.Jobs(), g.Datasets())
			}
		})
	}
}

// reference reads an event as encoding/json does.
type reference struct {
	Inputs []struct {
		Name        string
		InputFacets struct {
			DataQualityAssertions *struct {
				Assertions []struct{ Success *bool }
			}
		} `json:"inputFacets"`
	}
}

func FuzzAnEventIsReadAsJSONIs(f *testing.F) {
	for _, line := range chainLines(f) {
		f.Add(line)
	}
	f.Add([]byte(`{"eventTime":"2026-03-01T10:00:00","eventType":null,"job":{"name":"\ud83d\ude00","namespace":"a"},"run":{"runId":7},"inputs":null,"outputs":[null,1]}`))
	f.Add([]byte(`{"job":{"name":"j","facets":{"jobType":[]}},"eventTime":"2026-03-01T10:00Z","inputs":[{"name":"d","inputFacets":{"dataQualityAssertions":{"assertions":[{"success":"x","expected":1e9,"actual":{}},{}]}}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		ev, err := NewParser().Parse(text)
		if err != nil {
			return
		}
		if !json.Valid(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))) && !loose(text) {
			t.Fatalf("taken, and no JSON: %q", text)
		}
		if interned, err := NewParser().Parse(text); err != nil || !reflect.DeepEqual(interned, ev) {
			t.Fatalf("%v: %+v, want %+v", err, interned, ev)
		}
		b := NewBuilder(Bound{Things: 100, Facts: 100})
		b.Add(ev)
		b.Add(ev)
		g := b.Graph()
		for _, d := range g.Datasets() {
			for _, c := range g.Checks(d) {
				if c.Passed < 0 || len(c.Failed) > mostFailed {
					t.Fatalf("%+v", c)
				}
			}
		}
	})
}

// loose says whether a text may differ from what encoding/json takes without being another event: bytes that are no UTF-8, and control characters.
func loose(text []byte) bool {
	return !bytes.Equal(bytes.ToValidUTF8(text, nil), text) || bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' })
}

func TestAnEventsAssertionsAreCountedAsJSONSays(t *testing.T) {
	for i, line := range chainLines(t) {
		var want reference
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		ev, err := NewParser().Parse(line)
		if err != nil || len(ev.Inputs) != len(want.Inputs) {
			t.Fatalf("line %d: %v", i+1, err)
		}
		for j, in := range want.Inputs {
			facet := in.InputFacets.DataQualityAssertions
			if (facet == nil) != (ev.Inputs[j].Results == nil) {
				t.Fatalf("line %d: %+v", i+1, ev.Inputs[j])
			}
			if facet == nil {
				continue
			}
			failed := 0
			for _, a := range facet.Assertions {
				if a.Success != nil && !*a.Success {
					failed++
				}
			}
			if len(ev.Inputs[j].Results.Failed) != failed {
				t.Errorf("line %d: %+v", i+1, ev.Inputs[j])
			}
		}
	}
}
