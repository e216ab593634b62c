package mapper

import (
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

const startEvent = `{"eventType": "START", "eventTime": "2026-01-01T00:00:00Z", "producer": "p", "run": {"runId": "r1"}, "job": {"namespace": "n", "name": "j"},
	"outputs": [{"namespace": "pg", "name": "t"}], "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`

const childEvent = `{"eventType": "COMPLETE", "eventTime": "2026-01-01T00:00:00Z", "producer": "p", "run": {"runId": "r2", "facets": {"parent": {"run": {"runId": "r1"}, "job": {"namespace": "n", "name": "dag"}}}},
	"job": {"namespace": "n", "name": "k"}, "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`

const jobEvent = `{"eventTime": "2026-01-01T00:00:00Z", "producer": "p", "job": {"namespace": "n", "name": "k"}, "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent"}`

// Clients that gather events send arrays of them.
func TestAnArrayOfEventsPassesThroughEventByEvent(t *testing.T) {
	m, err := New(Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		message string
		bodies  []string
		keys    []string
		parts   []string
	}{
		"one":      {startEvent, []string{startEvent}, []string{"run:n/j"}, []string{""}},
		"an array": {"[" + startEvent + ", " + childEvent + "," + jobEvent + "]", []string{startEvent, childEvent, jobEvent}, []string{"run:n/j", "run:n/dag", "job:n/k"}, []string{"[0]", "[1]", "[2]"}},
		"of one":   {"[" + startEvent + "]", []string{startEvent}, []string{"run:n/j"}, []string{""}},
	} {
		msg, err := gx.Decode([]byte(c.message))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		runs, err := m.Map(msg, Input{Received: received})
		if err != nil || len(runs) != len(c.bodies) {
			t.Fatalf("%s: %d runs, %v", name, len(runs), err)
		}
		for i, run := range runs {
			if ev := run.Events[0]; len(run.Events) != 1 || string(ev.Body) != c.bodies[i] || ev.Key != c.keys[i] || run.Part != c.parts[i] || !ev.PassThrough {
				t.Errorf("%s: run %d: %s, key %s, part %q", name, i, ev.Body, ev.Key, run.Part)
			}
		}
		if len(runs[0].Datasets) != 1 || runs[0].Datasets[0].Name != "t" {
			t.Errorf("%s: datasets %v", name, runs[0].Datasets)
		}
	}
	if _, err := gx.Decode([]byte("[" + startEvent + `, {"success": true, "results": []}]`)); err == nil {
		t.Error("a result among events is taken for one")
	}
}

// START and COMPLETE of a run must lie on one partition.
func TestTheKeyOfAMessage(t *testing.T) {
	for message, want := range map[string]string{
		startEvent: "run:n/j",
		childEvent: "run:n/dag",
		jobEvent:   "job:n/k",
		"[" + childEvent + "," + startEvent + "]": "run:n/dag",
		columnsResult:                      "pg.orders",
		`{"success": true, "results": []}`: "",
	} {
		msg, err := gx.Decode([]byte(message))
		if err != nil {
			t.Fatal(err)
		}
		if got := KeyOf(msg); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
