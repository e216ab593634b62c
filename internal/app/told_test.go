package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/seen"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// through is what becomes of an event of others.
func through(t testing.TB, kind, jobFacets, inputs string) []openlineage.Run {
	t.Helper()
	msg, err := gx.Decode(fmt.Appendf(nil, `{"eventType": %q, "eventTime": "2026-03-01T01:00:00Z", "producer": "https://example.com/other", "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
		"run": {"runId": "0190f3a0-0000-7000-8000-000000000001"}, "job": {"namespace": "etl", "name": "load", "facets": {%s}}, "inputs": [%s], "outputs": [{"namespace": "ns", "name": "made"}]}`, kind, jobFacets, inputs))
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapper.New(mapper.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	runs, err := m.Map(msg, mapper.Input{})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// An event of others that passes through is a result if it checked something, and then tells as much as one of ours; what jobs did besides is no result.
func TestOnlyEventsThatCheckSomethingAreResults(t *testing.T) {
	checked := func(name, severity string, success ...bool) string {
		text := ""
		for i, ok := range success {
			if i > 0 {
				text += ", "
			}
			text += fmt.Sprintf(`{"assertion": "a", "success": %v, "severity": %q}`, ok, severity)
		}
		return fmt.Sprintf(`{"namespace": "ns", "name": %q, "inputFacets": {"dataQualityAssertions": {"assertions": [%s]}}}`, name, text)
	}
	const plain, checks = `{"namespace": "ns", "name": "read"}`, `"jobType": {"processingType": "BATCH", "integration": "GREAT_EXPECTATIONS", "jobType": "TEST"}`
	for name, c := range map[string]struct {
		kind, facets, inputs string
		want                 string // outcome, passed, failed, datasets
	}{
		"a job that moves data":           {"COMPLETE", "", plain, ""},
		"one that failed":                 {"FAIL", "", plain, ""},
		"one that begins to check":        {"START", checks, checked("d", "error", true), ""},
		"all hold":                        {"COMPLETE", checks, checked("d", "error", true, true), "passed 2 0 [{ns d}]"},
		"one does not":                    {"COMPLETE", "", checked("d", "error", true, false), "failed 1 1 [{ns d}]"},
		"one that only warns does not":    {"COMPLETE", "", checked("d", "warn", true, false), "warned 1 1 [{ns d}]"},
		"all hold, and the run failed":    {"FAIL", "", checked("d", "error", true), "failed 1 0 [{ns d}]"},
		"a check that could not be made":  {"FAIL", checks, plain, "failed 0 0 [{ns read}]"},
		"two datasets, and one unchecked": {"COMPLETE", checks, checked("d", "error", true) + "," + checked("e", "error", false) + "," + plain, "failed 1 1 [{ns d} {ns e}]"},
	} {
		m := seen.New(1 << 20)
		told{m, newSeenLineage()}.settled(seen.Place{Topic: "t"}, through(t, c.kind, c.facets, c.inputs), false)
		got := ""
		if all, _ := m.Latest(func(*seen.Run) bool { return true }, 0, 2); len(all) > 0 {
			r := all[0]
			got = fmt.Sprintln(r.Outcome, r.Passed, r.Failed, r.Datasets)[:len(fmt.Sprintln(r.Outcome, r.Passed, r.Failed, r.Datasets))-1]
			if !r.Ended.Equal(time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)) || r.Rows != -1 || r.Job != "load" || r.Took() != 0 {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The runs belong to the pipeline: who is told of them changes nothing.
func TestWhatIsToldStaysAsItIs(t *testing.T) {
	runs := through(t, "COMPLETE", "", `{"namespace": "ns", "name": "d", "inputFacets": {"dataQualityAssertions": {"assertions": [{"assertion": "a", "success": true}]}}}`)
	if got := briefed(runs); got[0].Brief == nil || runs[0].Brief != nil || len(runs[0].Datasets) != 2 {
		t.Errorf("%+v, %+v", got, runs)
	}
}

// BenchmarkTold is what the page costs a record, beside its brief, which BenchmarkMap of the mapper measures.
func BenchmarkTold(b *testing.B) {
	m, err := mapper.New(mapper.Settings{Brief: true})
	if err != nil {
		b.Fatal(err)
	}
	var results [][]openlineage.Run
	for i := range 200 {
		msg, err := gx.Decode(fmt.Appendf(nil, `{"success": true, "suite_name": "s", "meta": {"active_batch_definition": {"datasource_name": "d", "data_asset_name": "table_%d"}}, "results": [
			{"success": true, "expectation_config": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}, "result": {"element_count": 50, "unexpected_count": 4}}]}`, i))
		if err != nil {
			b.Fatal(err)
		}
		runs, err := m.Map(msg, mapper.Input{Received: time.Unix(1_700_000_000, 0)})
		if err != nil {
			b.Fatal(err)
		}
		results = append(results, runs)
	}
	none := newSeenLineage()
	none.end()
	for name, c := range map[string]struct {
		runs    [][]openlineage.Run
		lineage *seenLineage
	}{
		"result":                        {results, none},
		"result, lineage remembered":    {results, newSeenLineage()},
		"event of another job":          {[][]openlineage.Run{through(b, "COMPLETE", "", `{"namespace": "ns", "name": "read"}`)}, none},
		"event of others with a result": {[][]openlineage.Run{through(b, "COMPLETE", "", `{"namespace": "ns", "name": "d", "inputFacets": {"dataQualityAssertions": {"assertions": [{"assertion": "a", "success": true}]}}}`)}, none},
	} {
		b.Run(name, func(b *testing.B) {
			t := told{seen.New(usualSeen), c.lineage}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				t.settled(seen.Place{Topic: "topic", Offset: int64(i)}, c.runs[i%len(c.runs)], false)
			}
		})
	}
}
