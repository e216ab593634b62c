package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

const datasets = 50

// result is a suite result as Great Expectations 1.x writes it. Every third one fails; no two are the same validation.
func result(i int) []byte {
	at := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
	ok := i%3 != 0
	return fmt.Appendf(nil, `{"success": %[1]t, "results": [{"success": true, "expectation_config": {"type": "expect_table_row_count_to_be_between",`+
		` "kwargs": {"batch_id": "shop-%[2]s", "min_value": 1, "max_value": 1000000}, "meta": {}, "severity": "critical"}, "result": {"observed_value": %[3]d},`+
		` "meta": {}, "exception_info": {"raised_exception": false, "exception_traceback": null, "exception_message": null}},`+
		` {"success": %[1]t, "expectation_config": {"type": "expect_column_values_to_not_be_null", "kwargs": {"batch_id": "shop-%[2]s", "column": "id"}, "meta": {},`+
		` "severity": "critical"}, "result": {"element_count": 100, "unexpected_count": %[4]d, "unexpected_percent": %[4]d.0, "partial_unexpected_list": []}, "meta": {},`+
		` "exception_info": {"raised_exception": false, "exception_traceback": null, "exception_message": null}}], "suite_name": "nightly",`+
		` "suite_parameters": {}, "statistics": {"evaluated_expectations": 2, "successful_expectations": %[5]d, "unsuccessful_expectations": %[4]d,`+
		` "success_percent": %[6]d.0}, "meta": {"great_expectations_version": "1.9.3", "batch_spec": {"type": "table", "data_asset_name": "%[2]s",`+
		` "table_name": "%[2]s", "schema_name": "public"}, "batch_markers": {"ge_load_time": "%[7]s"}, "active_batch_definition": {"datasource_name": "shop",`+
		` "data_connector_name": "fluent", "data_asset_name": "%[2]s", "batch_identifiers": {}}, "validation_id": "a42f9137-b7af-421d-bfa5-%012[8]x",`+
		` "checkpoint_id": "306d5d66-0f5d-493a-8a43-15f5252f5e3c", "run_id": {"run_name": "run-%06[8]d", "run_time": "%[9]s"}, "validation_time": "%[9]s"}, "id": null}`,
		ok, asset(i), 1000+i, one(!ok), 1+one(ok), 50*(1+one(ok)), at.Format("20060102T150405.000000Z"), i, at.Format("2006-01-02T15:04:05.000000+00:00"))
}

func asset(i int) string { return fmt.Sprintf("table_%02d", i%datasets) }

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// results are n messages, keyed as every publisher keys them: <datasource>.<asset>.
func results(n int) []kafka.Message {
	msgs := make([]kafka.Message, n)
	for i := range msgs {
		msgs[i] = kafka.Message{Key: []byte("shop." + asset(i)), Value: result(i)}
	}
	return msgs
}

// event is what these tests look at in an OpenLineage event.
type event struct {
	EventType string
	Run       struct{ RunID string }
	Job       struct{ Namespace, Name string }
}

func parse(body []byte) (event, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return e, fmt.Errorf("no event: %w: %.200s", err, body)
	}
	return e, nil
}

func decode(t *testing.T, body []byte) event {
	t.Helper()
	e, err := parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// derived asks `gx-ol map` for the run id of every result: another process, another form (one file with an array of
// results), another time of reception. Run ids that are derived from the result alone must come out the same.
func derived(t *testing.T, n int) []string {
	t.Helper()
	const together = 500 // a message has a bound of validation results
	args := []string{"map", "--received", "2026-11-01T00:00:00Z"}
	dir := t.TempDir()
	for i := 0; i < n; i += together {
		var list bytes.Buffer
		for j := i; j < min(i+together, n); j++ {
			list.WriteByte("[,"[min(j-i, 1)])
			list.Write(result(j))
		}
		list.WriteByte(']')
		path := filepath.Join(dir, fmt.Sprintf("%06d.json", i))
		if err := os.WriteFile(path, list.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	lines := bytes.Split(bytes.TrimSpace(output(t, args...)), []byte("\n"))
	if len(lines) != 2*n {
		t.Fatalf("gx-ol map gives %d events for %d results, want %d", len(lines), n, 2*n)
	}
	ids := make([]string, n)
	for i := range ids {
		first, last := decode(t, lines[2*i]), decode(t, lines[2*i+1])
		if first.EventType != "START" || first.Run.RunID != last.Run.RunID {
			t.Fatalf("result %d: %s of run %s, then %s of run %s", i, first.EventType, first.Run.RunID, last.EventType, last.Run.RunID)
		}
		ids[i] = first.Run.RunID
	}
	return ids
}

// journal judges deliveries in the order in which a destination took them.
type journal struct {
	perJob map[string][]string // job → run ids in the order of their first delivery
	count  map[string]int      // <run id> <event type> → deliveries
	faults []string            // at most a few
	events int
}

func newJournal() *journal {
	return &journal{perJob: map[string][]string{}, count: map[string]int{}}
}

func (j *journal) add(e event) {
	j.events++
	run := e.Run.RunID
	terminal := e.EventType != "START"
	if terminal && j.count[run+" START"] == 0 {
		j.fault("%s of run %s came before its START", e.EventType, run)
	}
	if !terminal && j.count[run+" START"] == 0 {
		j.perJob[e.Job.Name] = append(j.perJob[e.Job.Name], run)
	}
	j.count[run+" "+e.EventType]++
}

func (j *journal) fault(format string, args ...any) {
	if len(j.faults) < 5 {
		j.faults = append(j.faults, fmt.Sprintf(format, args...))
	}
}

// complete reports whether every run of ids has its START and its terminal event.
func (j *journal) complete(ids []string) bool {
	for i, id := range ids {
		if j.count[id+" START"] == 0 || j.count[id+" "+terminalOf(i)] == 0 {
			return false
		}
	}
	return true
}

func terminalOf(i int) string {
	if i%3 == 0 {
		return "FAIL"
	}
	return "COMPLETE"
}

// check fails the test for each fault that verdict finds.
func (j *journal) check(t *testing.T, ids []string, once bool) {
	t.Helper()
	for _, f := range j.verdict(ids, once) {
		t.Error(f)
	}
}

// verdict requires that all of ids came, nothing else did, and each dataset's runs came in its order; once says
// whether an event may come only once. ids[i] is the run id of result i.
func (j *journal) verdict(ids []string, once bool) []string {
	known := map[string]bool{}
	want := map[string][]string{} // by asset
	for i, id := range ids {
		if known[id] {
			j.fault("two results have run id %s", id)
		}
		known[id] = true
		want[asset(i)] = append(want[asset(i)], id)
	}
	for what, n := range j.count {
		if id, _, _ := strings.Cut(what, " "); !known[id] {
			j.fault("run %s is of no result", id)
		}
		if once && n != 1 {
			j.fault("%s came %d times", what, n)
		}
	}
	if !j.complete(ids) {
		j.fault("not every result has its START and its terminal event")
	}
	if len(j.perJob) != len(want) {
		j.fault("%d jobs, want %d", len(j.perJob), len(want))
	}
	for job, got := range j.perJob {
		a := job[strings.LastIndexByte(job, '.')+1:]
		if strings.Join(got, " ") != strings.Join(want[a], " ") {
			j.fault("job %s: its runs did not come in the order of their results (%d came, %d expected)", job, len(got), len(want[a]))
		}
	}
	return j.faults
}
