package mapper

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// A backend that meets U+0000 refuses the whole event: one odd column name must not cost a result.
func TestNoNulLeavesInColumnListsOrParents(t *testing.T) {
	msg, err := gx.Decode([]byte(`{"success":false,"results":[{"success":false,"expectation_config":{
		"type":"expect_compound_columns_to_be_unique","kwargs":{"column_list":["a\u0000b","c\\u0000"]}},"result":{}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Settings{})
	if err != nil {
		t.Fatal(err)
	}
	const id = "0191533c-0a53-7c23-a16e-8b1ac4d8f3a1"
	runs, err := m.Map(msg, Input{Received: received, Parent: ParentRun{ID: "ns/\x00 /" + id}})
	if err != nil {
		t.Fatal(err)
	}
	body := runs[0].Events[1].Body
	if !bytes.Contains(body, []byte(`"column_list":["ab","c\\u0000"]`)) {
		t.Errorf("params: %s", body)
	}
	if bytes.Contains(body, []byte(`"parent"`)) {
		t.Errorf("a parent without a name: %s", body)
	}
}

func TestParentNamesFitWhatBackendsTake(t *testing.T) {
	const id = "0191533c-0a53-7c23-a16e-8b1ac4d8f3a1"
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"none": {"", true}, "plain": {"ns/dag.task/" + id, true}, "slash in name": {"ns/a/b/" + id, true},
		"no run": {"ns/dag", false}, "run is no uuid": {"ns/dag/manual__2024", false}, "blank name": {"ns/ /" + id, false},
		"long": {"ns/" + strings.Repeat("x", 5000) + "/" + id, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, ok := parseParent(ParentRun{ID: c.text}, ParentRun{})
			if ok != c.ok || len(p.job.Namespace)+len(p.job.Name) > maxJobBytes {
				t.Errorf("ok %v, %d bytes", ok, len(p.job.Namespace)+len(p.job.Name))
			}
		})
	}
}

func TestLifecycleFollowsTheSettings(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		severity string
		raised   bool
		want     string
	}{
		"a failure":                    {Settings{}, "critical", false, "[START FAIL]"},
		"a warning":                    {Settings{}, "warning", false, "[START COMPLETE]"},
		"a raised warning":             {Settings{}, "warning", true, "[START FAIL]"},
		"a failure that may not fail":  {Settings{FailedRun: "COMPLETE"}, "", false, "[START COMPLETE]"},
		"the end only":                 {Settings{Lifecycle: "end_only"}, "", false, "[FAIL]"},
		"no severity means it matters": {Settings{}, "", false, "[START FAIL]"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := New(c.settings)
			if err != nil {
				t.Fatal(err)
			}
			no := false
			runs, err := m.Map(oneResult(gx.Expectation{Type: "expect_x", Success: &no, Severity: c.severity, Raised: c.raised}), Input{Received: received})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, ev := range runs[0].Events {
				got = append(got, string(ev.Type))
			}
			if s := fmt.Sprint(got); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
			if runs[0].Minimal == nil || bytes.Contains(runs[0].Minimal().Body, []byte("acets")) {
				t.Error("the minimal event has facets, or is missing")
			}
		})
	}
}

func TestSizeTrimsBeforeItRefuses(t *testing.T) {
	yes := true
	long := gx.Expectation{Type: "expect_x", Success: &yes, Description: strings.Repeat("d", 400)}
	msg := oneResult(long, long, long, long)
	sizes := map[int]string{0: "", 3200: "trimmed", 500: "oversize"}
	for limit, want := range sizes {
		t.Run(want, func(t *testing.T) {
			m, err := New(Settings{MaxEventBytes: limit})
			if err != nil {
				t.Fatal(err)
			}
			runs, err := m.Map(msg, Input{Received: received})
			switch want {
			case "oversize":
				var e *Error
				if !errors.As(err, &e) || e.Code != want {
					t.Errorf("got %v", err)
				}
			case "trimmed":
				if err != nil || len(runs[0].Events[1].Body) > limit || !bytes.Contains(runs[0].Events[1].Body, []byte("gx_ol_trimmed")) {
					t.Errorf("%v, or not trimmed and tagged", err)
				}
			default:
				if err != nil || bytes.Contains(runs[0].Events[1].Body, []byte("gx_ol_trimmed")) {
					t.Errorf("%v, or trimmed without need", err)
				}
			}
		})
	}
}

func TestSettingsFaultsAreToldAllAtOnce(t *testing.T) {
	_, err := New(Settings{JobName: "{{.Nope}}", Datasources: map[string]Datasource{"[": {}, "b": {Name: "{{.Wrong}}"}}})
	for _, want := range []string{"job.name", `"["`, `"b"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestUnmappedErrorBuriesWithItsCode(t *testing.T) {
	m, err := New(Settings{Unmapped: "error"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Map(oneResult(), Input{Received: received})
	var e *Error
	if !errors.As(err, &e) || e.Code != "unmapped_dataset" {
		t.Errorf("got %v", err)
	}
}

func oneResult(results ...gx.Expectation) *gx.Message {
	for i := range results {
		results[i].Result.ObservedCount, results[i].Result.ValueCounts = -1, -1
	}
	return &gx.Message{Shape: gx.ShapeSuite, Validations: []gx.Validation{{Suite: "s", Results: results, ResultCount: len(results),
		Batch: gx.Batch{Datasource: "d", Asset: "a"}}}}
}

// notRaced leaves a test to the run without the race detector: it is long, and has one goroutine.
func notRaced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("run without the race detector, as make unit does too")
	}
}
