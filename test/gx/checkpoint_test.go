package gx

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/gx-ol/gx-ol/test/marquez"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"

	"github.com/gx-ol/gx-ol/test/process"
)

const (
	jobNamespace = "analytics"
	jobName      = "nightly quality"
	parentRun    = "0190f3a4-7f8f-7b6e-8a52-4a3c5a1f0c11"
)

// outcome is what has to arrive for one dataset of testdata/shop.py.
type outcome struct {
	namespace, name string
	state           string          // as Marquez calls it
	assertions      map[string]bool // "assertion column" to success
}

// outcomes are those of a checkpoint that ran in dir.
func outcomes(dir string) []outcome {
	return []outcome{
		{"sqlite://" + filepath.Join(dir, "shop.db"), "orders", "COMPLETED", map[string]bool{
			"expect_table_row_count_to_equal ":       true,
			"expect_column_values_to_not_be_null id": true,
		}},
		{"file", filepath.Join(dir, "customers.csv"), "FAILED", map[string]bool{
			"expect_column_values_to_not_be_null name":        true,
			"expect_column_values_to_be_between age":          false,
			"expect_column_quantile_values_to_be_between age": true,
		}},
	}
}

func TestACheckpointsLineageArrivesOverKafka(t *testing.T) {
	for _, generation := range generations {
		t.Run(generation, func(t *testing.T) {
			python(t, generation) // or skips, before a broker is started
			servers := kafkatest.Start(t)
			topic := fmt.Sprintf("gx-%s-%d", generation, time.Now().UnixNano())
			newTopic(t, servers, topic)
			dir := t.TempDir()
			backend := marquez.New()
			server := httptest.NewServer(backend)
			t.Cleanup(server.Close)
			startRun(t, `
kafka: {bootstrap.servers: "`+servers+`"}
input: {topics: [`+topic+`], group: `+topic+`}
transport: {type: http, url: "`+server.URL+`"}
datasources:
  shop: {namespace: "sqlite://`+filepath.Join(dir, "shop.db")+`"}
telemetry: {listen: "`+process.FreeAddr(t)+`"}
`)
			said := checkpoint(t, generation, dir, map[string]any{
				"topic": topic, "job_name": jobName, "openlineage_namespace": "${LINEAGE_NAMESPACE}",
				"openlineage_parent_id": "airflow/shop.validate/" + parentRun,
			}, "GX_OL_BOOTSTRAP_SERVERS="+servers, "LINEAGE_NAMESPACE="+jobNamespace)

			if said.Success || said.Results != 2 || len(said.Warnings) != 0 {
				t.Errorf("the checkpoint said %+v, want 2 results that did not pass, and no warning", said)
			}
			if strings.Contains(said.Stored, jobNamespace) {
				t.Error("the stored checkpoint holds the value of a variable")
			}
			checkRecords(t, servers, topic)
			want := outcomes(dir)
			eventually(t, "the end of both runs", func() bool { return len(ended(backend)) >= len(want) })
			checkEvents(t, backend, want)
		})
	}
}

// checkRecords requires one record a validation, keyed by its dataset, with the headers of the parameters.
func checkRecords(t *testing.T, servers, topic string) {
	t.Helper()
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: strings.Split(servers, ","), Topic: topic, MaxWait: 100 * time.Millisecond})
	defer func() { _ = reader.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var keys []string
	for range 2 {
		msg, err := reader.ReadMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, string(msg.Key))
		headers := map[string]string{}
		for _, h := range msg.Headers {
			headers[h.Key] = string(h.Value)
		}
		if len(headers) != 3 || headers["openlineage-job-name"] != jobName || headers["openlineage-job-namespace"] != jobNamespace {
			t.Errorf("headers = %v", headers)
		}
	}
	sort.Strings(keys)
	if got := strings.Join(keys, " "); got != "files.customers shop.orders" {
		t.Errorf("keys = %s", got)
	}
	if lag, err := reader.ReadLag(ctx); err != nil || lag != 0 {
		t.Errorf("%d more records, %v", lag, err)
	}
}

// ended are the runs that have their terminal event, by dataset.
func ended(backend *marquez.Server) map[string]marquez.Run {
	found := map[string]marquez.Run{}
	for _, run := range backend.Runs() {
		if run.EndedAt == "" {
			continue
		}
		for dataset := range run.Inputs {
			found[dataset] = run
		}
	}
	return found
}

func checkEvents(t *testing.T, backend *marquez.Server, want []outcome) {
	t.Helper()
	runs := ended(backend)
	if len(runs) != len(want) || len(backend.Runs()) != len(want) {
		t.Errorf("%d runs for %d datasets, want %d", len(backend.Runs()), len(runs), len(want))
	}
	for _, w := range want {
		run, ok := runs[w.namespace+" "+w.name]
		if !ok {
			t.Errorf("no run of %s %s; there are %v", w.namespace, w.name, keysOf(runs))
			continue
		}
		if run.State != w.state || run.JobNamespace != jobNamespace || run.Job != jobName {
			t.Errorf("%s: run of job %s %s is %s, want %s", w.name, run.JobNamespace, run.Job, run.State, w.state)
		}
		parent, _ := run.Facets["parent"].(map[string]any)
		if got, _ := parent["run"].(map[string]any); got["runId"] != parentRun {
			t.Errorf("%s: parent = %v", w.name, parent)
		}
	}
	got := assertions(t, backend)
	for _, w := range want {
		if fmt.Sprint(got[w.name]) != fmt.Sprint(w.assertions) {
			t.Errorf("%s: assertions = %v, want %v", w.name, got[w.name], w.assertions)
		}
	}
}

// assertions are those of all events, by the dataset's name.
func assertions(t *testing.T, backend *marquez.Server) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	for _, body := range backend.Events() {
		var event struct {
			Inputs []struct {
				Name        string
				InputFacets struct {
					DataQualityAssertions struct {
						Assertions []struct {
							Assertion, Column string
							Success           bool
						}
					}
				}
			}
		}
		if err := json.Unmarshal(body, &event); err != nil {
			t.Fatal(err)
		}
		for _, in := range event.Inputs {
			for _, a := range in.InputFacets.DataQualityAssertions.Assertions {
				if found[in.Name] == nil {
					found[in.Name] = map[string]bool{}
				}
				found[in.Name][a.Assertion+" "+a.Column] = a.Success
			}
		}
		if strings.Contains(string(body), "ROWVALUE") {
			t.Error("a row value in an event")
		}
	}
	return found
}

func TestTheCheckpointRunsWhenTheBrokerIsDown(t *testing.T) {
	for _, generation := range generations {
		t.Run(generation, func(t *testing.T) {
			python(t, generation)
			address := process.FreeAddr(t)
			said := checkpoint(t, generation, t.TempDir(), map[string]any{
				"topic": "gx.validation-results", "timeout": 2, "kafka": map[string]any{"bootstrap.servers": address, "sasl.password": "${PASSWORD}"},
			}, "PASSWORD=SECRETPW-7x")
			if said.Results != 2 {
				t.Errorf("%d results, want 2: the checkpoint must go on", said.Results)
			}
			// 0.18 runs its actions once for each validation, 1.x once for all.
			runs, each := 1, "2 of 2 "
			if generation == "gx0" {
				runs, each = 2, "1 of 1 "
			}
			if len(said.Warnings) != runs {
				t.Errorf("%d warnings, want %d", len(said.Warnings), runs)
			}
			for _, text := range said.Warnings {
				if !strings.HasPrefix(text, each) || !strings.Contains(text, "topic gx.validation-results of "+address) || !strings.Contains(text, "refused") {
					t.Errorf("warning: %s", text)
				}
				if strings.Contains(text, "ROWVALUE") || strings.Contains(text, "SECRETPW") {
					t.Errorf("a secret or a row value in the warning: %s", text)
				}
			}
		})
	}
}

func TestACheckpointsResultsArePosted(t *testing.T) {
	for _, generation := range generations {
		t.Run(generation, func(t *testing.T) {
			python(t, generation)
			var mu sync.Mutex // guards got
			var got []string
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var result struct{ Success bool }
				body, err := io.ReadAll(r.Body)
				if err == nil {
					err = json.Unmarshal(body, &result)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, fmt.Sprint(result.Success, err, r.Header.Get("openlineage-job-name"), r.Header.Get("Authorization")))
			}))
			t.Cleanup(server.Close)
			said := checkpoint(t, generation, t.TempDir(), map[string]any{"http_url": server.URL, "http_token": "${TOKEN}", "job_name": "j"}, "TOKEN=tk")
			mu.Lock()
			defer mu.Unlock()
			if want := fmt.Sprint([]string{"true <nil>jBearer tk", "false <nil>jBearer tk"}); fmt.Sprint(got) != want || len(said.Warnings) != 0 {
				t.Errorf("posted %v and warned %v, want %s", got, said.Warnings, want)
			}
		})
	}
}

// newTopic creates a topic of one partition and waits until it has its leader.
func newTopic(t *testing.T, servers, topic string) {
	t.Helper()
	tr := &kafka.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	c := &kafka.Client{Addr: kafka.TCP(strings.Split(servers, ",")...), Transport: tr, Timeout: 30 * time.Second}
	answer, err := c.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: topic, NumPartitions: 1, ReplicationFactor: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Errors[topic]; err != nil {
		t.Fatal(err)
	}
	eventually(t, "the leader of "+topic, func() bool {
		got, err := c.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(0)}}})
		return err == nil && len(got.Topics[topic]) == 1 && got.Topics[topic][0].Error == nil
	})
}

func keysOf(runs map[string]marquez.Run) []string {
	var keys []string
	for k := range runs {
		keys = append(keys, k)
	}
	return keys
}
