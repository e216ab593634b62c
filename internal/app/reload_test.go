package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gx-ol/gx-ol/internal/config"
)

// topics is a broker with these topics of one partition.
func topics(t *testing.T, names ...string) (brokers string) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, names...), kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return strings.Join(cluster.ListenAddrs(), ",")
}

// suiteResult is a small validation result.
func suiteResult(suite, datasource string, success bool) string {
	return fmt.Sprintf(`{"success": %t, "results": [], "meta": {"expectation_suite_name": %q, "active_batch_definition": {"datasource_name": %q, "data_asset_name": "orders"}}}`, success, suite, datasource)
}

func publishAll(t *testing.T, client *kgo.Client, value string, headers ...kgo.RecordHeader) {
	t.Helper()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: []byte(value), Headers: headers}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what must come.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("not within half a minute: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func committed(t *testing.T, client *kgo.Client) int64 {
	t.Helper()
	offsets, err := kadm.NewClient(client).FetchOffsets(t.Context(), "g")
	if err != nil {
		return -1
	}
	o, _ := offsets.Lookup("in", 0)
	return o.At
}

// jobs are the events that a backend got: type and job.
type jobs struct {
	mu   sync.Mutex // guards all
	all  []string
	gate chan struct{} // the first request waits for it
	came chan struct{} // is closed by the first request
	once sync.Once
}

func (j *jobs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	var e struct {
		EventType string
		Job       struct{ Name string }
	}
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &e)
	j.once.Do(func() { close(j.came) })
	select {
	case <-j.gate:
	case <-r.Context().Done():
		return
	}
	j.mu.Lock()
	j.all = append(j.all, e.EventType+" "+e.Job.Name)
	j.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

func (j *jobs) seen() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.all)
}

// reloading is a pipeline whose configuration is text that can be replaced.
type reloading struct {
	text  atomic.Pointer[string]
	asked chan os.Signal
	logs  *observer.ObservedLogs
}

// startReloading runs until stop is called.
func startReloading(t *testing.T, brokers, first string) (r *reloading, stop func()) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	r = &reloading{asked: make(chan os.Signal, 1), logs: logs}
	r.text.Store(&first)
	load := func() (*config.Config, error) {
		return config.Parse("gx-ol.yaml", fmt.Appendf(nil, "kafka: {bootstrap.servers: %q}\ntelemetry: {listen: \"127.0.0.1:0\"}\n%s", brokers, *r.text.Load()), nothing)
	}
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, cfg, Process{Version: "test", Getenv: nothing, Log: zap.New(core), Stdout: io.Discard, Reload: &Reload{r.asked, load}})
	}()
	return r, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// reload replaces the text and waits for what the log says of it.
func (r *reloading) reload(t *testing.T, text, says string) observer.LoggedEntry {
	t.Helper()
	before := r.logs.FilterMessageSnippet(says).Len()
	r.text.Store(&text)
	r.asked <- syscall.SIGHUP
	eventually(t, says, func() bool { return r.logs.FilterMessageSnippet(says).Len() > before })
	all := r.logs.FilterMessageSnippet(says).All()
	return all[len(all)-1]
}

func (r *reloading) metrics(t *testing.T) string {
	t.Helper()
	at, _ := started(r.logs)["telemetry"].(string)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

// member is who is in the group, and since which generation.
func member(t *testing.T, client *kgo.Client) string {
	t.Helper()
	groups, err := kadm.NewClient(client).DescribeGroups(t.Context(), "g")
	if err != nil || len(groups["g"].Members) != 1 {
		return ""
	}
	return groups["g"].State + " " + groups["g"].Members[0].MemberID
}

// A record in hand settles with the mapping that it was prepared by, the next one is mapped by the new one, and the group sees nothing of it.
func TestAReloadChangesTheMappingOfLaterRecordsOnly(t *testing.T) {
	brokers := topics(t, "in", "in.dlq")
	backend := &jobs{gate: make(chan struct{}), came: make(chan struct{})}
	server := httptest.NewServer(backend)
	defer server.Close()
	yaml := func(job, rest string) string {
		return fmt.Sprintf("input: {topics: [in], group: g}\ntransport: {type: http, url: %q, backend: generic}\njob: {name: %s}\n%s", server.URL, job, rest)
	}
	client := clientOf(t, brokers)
	r, stop := startReloading(t, brokers, yaml("old", ""))
	publishAll(t, client, suiteResult("a", "w", true))
	<-backend.came
	was := member(t, client)
	told := r.reload(t, yaml("new", "datasources: {w: {namespace: \"postgres://h:1\", database: d}}"), "the configuration was reloaded").ContextMap()
	if got := fmt.Sprint(told["changed"]); got != "[job.name datasources.w]" {
		t.Errorf("changed: %s", got)
	}
	publishAll(t, client, suiteResult("b", "w", true))
	close(backend.gate)
	eventually(t, "four events", func() bool { return len(backend.seen()) == 4 })
	if got := slices.Sorted(slices.Values(backend.seen())); !slices.Equal(got, []string{"COMPLETE new", "COMPLETE old", "START new", "START old"}) {
		t.Errorf("%q", got) // their datasets are called otherwise too: they stand in no lane together
	}

	// All or nothing: a fault anywhere leaves the mapping as it was.
	refused := r.reload(t, yaml("newer", "log: {level: lowd}"), "the configuration was not reloaded")
	if err, _ := refused.ContextMap()["error"].(string); !strings.Contains(err, "gx-ol.yaml:6:14: log.level must be one of") {
		t.Errorf("refused: %v", refused.ContextMap())
	}
	r.reload(t, yaml("newer", "great_expectations: /nowhere"), "the configuration was not reloaded")
	// What hangs on connections stays, and is named; the rest is taken.
	kept := r.reload(t, strings.Replace(yaml("newest", "retry: {max: 5s}\ninput.filter.exclude: [{suite: d}]"), "group: g", "group: other", 1), "cannot be reloaded").ContextMap()
	if got := fmt.Sprint(kept["keys"]); got != "[input.group retry.max]" {
		t.Errorf("kept: %s", got)
	}
	publishAll(t, client, suiteResult("c", "w", true))
	publishAll(t, client, suiteResult("d", "w", true)) // left out
	eventually(t, "all are settled", func() bool { return committed(t, client) == 4 })
	if got := backend.seen()[4:]; !slices.Equal(got, []string{"START newest", "COMPLETE newest"}) {
		t.Errorf("%q", got)
	}
	if is := member(t, client); is != was || was == "" {
		t.Errorf("the member is %q, and was %q", is, was)
	}
	for _, line := range []string{`gx_ol_reloads_total{outcome="done"} 2`, `gx_ol_reloads_total{outcome="refused"} 2`, `gx_ol_results_filtered_total{topic="in"} 1`} {
		if text := r.metrics(t); !strings.Contains(text, line) {
			t.Errorf("no %s", line)
		}
	}
	stop()
}

// What is left out is settled without an event and without a dead letter, also inside transactions, and a broken message too if its headers leave it out.
func TestWhatIsLeftOutIsSettledAndCounted(t *testing.T) {
	for _, delivery := range []string{"at_least_once", "exactly_once"} {
		t.Run(delivery, func(t *testing.T) {
			brokers := topics(t, "in", "in.dlq", "out")
			client := clientOf(t, brokers)
			r, stop := startReloading(t, brokers, "input: {topics: [in], group: g, filter: {include: [{datasource: \"ware*\"}, {header: {team: risk}}], exclude: [{success: true}, {header: {kind: ping}}]}}\n"+
				"transport: {type: kafka, topic: out}\nunmapped: error\ndatasources: {warehouse: {namespace: \"postgres://h:1\", database: d}}\ndelivery: "+delivery)
			publishAll(t, client, suiteResult("kept", "warehouse", false))
			publishAll(t, client, suiteResult("passed", "warehouse", true))
			publishAll(t, client, suiteResult("elsewhere", "lake", false)) // not even refused, as unmapped
			publishAll(t, client, "broken", kgo.RecordHeader{Key: "kind", Value: []byte("ping")})
			publishAll(t, client, "["+suiteResult("part", "warehouse", false)+","+suiteResult("other", "lake", false)+"]")
			eventually(t, "all are settled", func() bool { return committed(t, client) >= 5 })
			for _, line := range []string{`gx_ol_results_filtered_total{topic="in"} 4`, `gx_ol_records_in_total{topic="in"} 5`, `gx_ol_events_delivered_total{destination="kafka"} 4`} {
				eventually(t, line, func() bool { return strings.Contains(r.metrics(t), line) })
			}
			stop()
			ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), "in.dlq")
			if o, _ := ends.Lookup("in.dlq", 0); err != nil || o.Offset != 0 {
				t.Errorf("%d dead letters, %v", o.Offset, err)
			}
		})
	}
}
