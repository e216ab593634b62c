package filter

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

func source(v *gx.Validation) (datasource, asset string) { return v.Batch.Datasource, v.Batch.Asset }

// three is a checkpoint's message: its results by suite, datasource, asset and success.
func three() *gx.Message {
	yes, no := true, false
	return &gx.Message{Shape: gx.ShapeCheckpoint, Validations: []gx.Validation{
		{Suite: "orders.daily", Checkpoint: "nightly", Success: &yes, Batch: gx.Batch{Datasource: "warehouse_eu", Asset: "orders"}},
		{Suite: "orders.hourly", Checkpoint: "nightly", Success: &no, Batch: gx.Batch{Datasource: "warehouse_us", Asset: "orders"}},
		{Suite: "people", Checkpoint: "nightly", Batch: gx.Batch{Datasource: "lake", Asset: "tmp_people"}},
	}}
}

var (
	yes, no = true, false
	record  = &kgo.Record{Topic: "gx.results", Headers: []kgo.RecordHeader{{Key: "team", Value: []byte("finance")}, {Key: "team", Value: []byte("risk")}}}
)

// Each result is chosen by itself; all that a rule says must fit, any rule is enough, and exclude wins.
func TestEachResultIsChosenByItself(t *testing.T) {
	for name, c := range map[string]struct {
		include, exclude []Rule
		kept             string // suites; none: the record is not even read
	}{
		"include a glob":           {[]Rule{{Suite: "orders.*"}}, nil, "orders.daily orders.hourly"},
		"all that a rule says":     {[]Rule{{Suite: "orders.*", Datasource: "*_us"}}, nil, "orders.hourly"},
		"any rule":                 {[]Rule{{Suite: "people"}, {Datasource: "*_eu"}}, nil, "orders.daily people"},
		"exclude":                  {nil, []Rule{{Asset: "tmp_*"}}, "orders.daily orders.hourly"},
		"exclude wins":             {[]Rule{{Checkpoint: "night*"}}, []Rule{{Success: &no}}, "orders.daily people"},
		"failed ones":              {[]Rule{{Success: &no}}, nil, "orders.hourly"},
		"passed ones":              {[]Rule{{Success: &yes}}, nil, "orders.daily"},
		"any header of the name":   {[]Rule{{Header: map[string]string{"team": "ris?"}}}, nil, "orders.daily orders.hourly people"},
		"header and result":        {nil, []Rule{{Header: map[string]string{"team": "finance"}, Suite: "people"}}, "orders.daily orders.hourly"},
		"another header":           {nil, []Rule{{Header: map[string]string{"team": "hr"}, Suite: "people"}}, "orders.daily orders.hourly people"},
		"topic":                    {[]Rule{{Topic: "gx.*", Suite: "people"}}, nil, "people"},
		"nothing is left":          {[]Rule{{Suite: "nobody"}}, nil, ""},
		"the record is not read":   {nil, []Rule{{Header: map[string]string{"team": "finance"}}}, "none"},
		"no rule fits the record":  {[]Rule{{Topic: "other", Suite: "people"}, {Header: map[string]string{"x": "*"}}}, nil, "none"},
		"a result has no such one": {[]Rule{{Datasource: "?*", Asset: "lost"}}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := New(Settings{c.include, c.exclude}, source)
			if err != nil {
				t.Fatal(err)
			}
			if takes := f.Takes(record); takes == (c.kept == "none") {
				t.Fatalf("the record is taken: %v", takes)
			} else if !takes {
				return
			}
			msg := three()
			left := f.Choose(msg, record)
			var kept []string
			for _, v := range msg.Validations {
				kept = append(kept, v.Suite)
			}
			if got := strings.Join(kept, " "); got != c.kept || left != 3-len(kept) || msg.Empty() != (c.kept == "") {
				t.Errorf("%q and %d left out, want %q", got, left, c.kept)
			}
			if whole := msg.Shape == gx.ShapeCheckpoint; whole != (left == 0) {
				t.Errorf("%d left out, and the message still claims to be the whole checkpoint: %v", left, whole)
			}
		})
	}
}

// An OpenLineage event has no suite that a rule could fit: it is taken where nothing, or its record, is asked for.
func TestEventsAreChosenByTheirRecord(t *testing.T) {
	for _, c := range []struct {
		s    Settings
		left int
	}{
		{Settings{Exclude: []Rule{{Suite: "*"}}}, 0},
		{Settings{Include: []Rule{{Suite: "*"}}}, 2},
		{Settings{Include: []Rule{{Suite: "*"}, {Topic: "gx.*"}}}, 0},
	} {
		f, err := New(c.s, source)
		if err != nil {
			t.Fatal(err)
		}
		msg := &gx.Message{Shape: gx.ShapeEvent, Events: []gx.Passed{{Event: []byte("{}")}, {Event: []byte("{}")}}}
		if left := f.Choose(msg, record); left != c.left || msg.Empty() != (left > 0) {
			t.Errorf("%+v: %d left out", c.s, left)
		}
	}
}

// A list of expectation results says nothing of the whole.
func TestSuccessIsThatOfTheExpectationsWhereTheResultDoesNotSayIt(t *testing.T) {
	for name, c := range map[string]struct {
		results      []gx.Expectation
		passed, fail int // left out by success: true, by success: false
	}{
		"all passed": {[]gx.Expectation{{Success: &yes}, {}}, 1, 0},
		"one failed": {[]gx.Expectation{{Success: &yes}, {Success: &no}}, 0, 1},
		"one raised": {[]gx.Expectation{{Success: &yes}, {Raised: true}}, 0, 1},
		"none":       {nil, 0, 0},
	} {
		for success, want := range map[*bool]int{&yes: c.passed, &no: c.fail} {
			f, err := New(Settings{Exclude: []Rule{{Success: success}}}, source)
			if err != nil {
				t.Fatal(err)
			}
			if left := f.Choose(&gx.Message{Validations: []gx.Validation{{Results: c.results}}}, record); left != want {
				t.Errorf("%s, success: %v: %d left out, want %d", name, *success, left, want)
			}
		}
	}
}

func TestNoRuleIsNoFilter(t *testing.T) {
	f, err := New(Settings{}, source)
	if f != nil || err != nil || !f.Takes(record) || f.Choose(three(), record) != 0 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := New(Settings{Exclude: []Rule{{Header: map[string]string{"a": "["}}}}, source); err == nil {
		t.Error("a glob that is none is taken")
	}
}
