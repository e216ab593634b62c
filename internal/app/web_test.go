package app

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/seen"
	"github.com/gx-ol/gx-ol/internal/web"
)

// quick are paces for who waits.
var quick = paces{reading: 50 * time.Millisecond, asking: 100 * time.Millisecond}

// freePort is an address that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// waitFor asks for a page until it holds all of want.
func waitFor(t *testing.T, url string, want ...string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	deadline := time.Now().Add(2 * time.Minute)
	body, missing := "", ""
	for time.Now().Before(deadline) {
		resp, err := client.Get(url)
		if err == nil {
			text, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			body, missing = string(text), ""
			for _, w := range want {
				if !strings.Contains(body, w) {
					missing = w
				}
			}
			if missing == "" {
				return body
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s: no %q in\n%s", url, missing, body)
	return ""
}

func TestRunServesThePageBesideItsMetrics(t *testing.T) {
	t.Parallel() // the group is asked for its lag every five seconds
	for name, transport := range map[string]string{"at least once": "transport: {type: console}", "exactly once": "transport: {type: kafka, topic: out}\ndelivery: exactly_once"} {
		t.Run(name, func(t *testing.T) { t.Parallel(); servesThePage(t, transport) })
	}
}

func servesThePage(t *testing.T, transport string) {
	t.Helper()
	brokers, _ := estate(t)
	cfg := parse(t, brokers, transport)
	cfg.Telemetry = config.Telemetry{Listen: freePort(t), DeadLetters: true}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := Run(ctx, cfg, Process{Getenv: nothing, Log: zap.NewNop(), Stdout: io.Discard, Version: "test", paces: quick}); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	at := "http://" + cfg.Telemetry.Listen
	waitFor(t, at+"/datasets", "1 – 5 of 5", "/data/retail1x/files/shipments.csv")
	waitFor(t, at+"/now", "6 since the start", "Dead letters", "in[0]", "Datasets failed")
	waitFor(t, at+"/results?outcome=passed", "three_validations_1_suite.retail_pg.main", "6/6")
	waitFor(t, at+"/metrics", "gx_ol_records_in_total")
	waitFor(t, at+"/healthz", "ok")
	results := waitFor(t, at+"/results?dataset=shipments", "/results/in/")
	_, path, _ := strings.Cut(results, `href="/results/in/`)
	path, _, _ = strings.Cut(path, `"`)
	one := waitFor(t, at+"/results/in/"+path, "expect_column_values_to_not_be_null", "72 of 800", "FAIL as JSON", "/meta/batch_spec")
	if strings.Contains(one, "ROWVALUE") {
		t.Error("a row value is shown")
	}
	cancel()
	running.Wait()
}

func TestThePageCanBeLeftOut(t *testing.T) {
	cfg := parse(t, "127.0.0.1:1", "web: {page: false}")
	if cfg.Telemetry.Listen = "127.0.0.1:0"; newPage(cfg, Process{}, 0).maker() != nil {
		t.Error("there is a page")
	}
}

// served runs gx-ol web's engine until the test ends, and gives its address.
func servedWeb(t *testing.T, cfg *config.Config) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	at := make(chan string, 1)
	var running sync.WaitGroup
	running.Go(func() {
		if err := RunWeb(ctx, cfg, time.Hour, Process{Getenv: nothing, Log: zap.NewNop(), Version: "test", paces: quick}, func(address string) { at <- address }); err != nil {
			t.Error(err)
			at <- ""
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return "http://" + <-at
}

// The page of a deployment is there without a pipeline: it reads by itself, follows, and commits nothing.
func TestWebReadsByItselfAndFollows(t *testing.T) {
	brokers, _ := estate(t)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"namespaces": []}`) }))
	defer backend.Close()
	cfg := parse(t, brokers, "transport: {type: http, url: \""+backend.URL+"\"}\nweb: {listen: \"127.0.0.1:0\"}")
	cfg.Kafka["fetch.max.wait.ms"] = "3600000" // nothing else waits until what is followed comes
	at := servedWeb(t, cfg)
	waitFor(t, at+"/datasets", "1 – 5 of 5")
	waitFor(t, at+"/now", "6 since the start", "Kafka at "+brokers, "the group has committed no offset", "backend "+backend.URL)
	waitFor(t, at+"/readyz", "ready")
	results := waitFor(t, at+"/results?dataset=shipments", "/results/in/")
	_, path, _ := strings.Cut(results, `href="/results/in/`)
	path, _, _ = strings.Cut(path, `"`)
	waitFor(t, at+"/results/in/"+path, "72 of 800", "map --explain")

	// What comes later is seen too, and the group is another's: with it there is a lag.
	writer := clientOf(t, brokers)
	again, _ := os.ReadFile("../samples/results/table-1.9.3.json")
	if err := writer.ProduceSync(t.Context(), recordOf("in", again)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, at+"/now", "7 since the start")
	commit(t, brokers, "g", "in", 0, 1)
	waitFor(t, at+"/now", "in[0]", "Lag")
}

func TestWebSaysWhoIsAwayAndServesAllTheSame(t *testing.T) {
	cfg := parse(t, "127.0.0.1:1", "transport: {type: http, url: \"http://127.0.0.1:1\"}\nweb: {listen: \"127.0.0.1:0\"}")
	at := servedWeb(t, cfg)
	waitFor(t, at+"/now", "A source is away", "Away: Kafka at 127.0.0.1:1", "Away: backend http://127.0.0.1:1")
	waitFor(t, at+"/datasets", "No dataset yet")
	waitFor(t, at+"/readyz", "127.0.0.1:1")
}

func TestOnlyTopicsOfTheInputAreRead(t *testing.T) {
	brokers, _ := estate(t)
	r := &recordReader{cfg: parse(t, brokers, ""), client: clientOf(t, brokers)}
	for topic, want := range map[string]error{"out": web.ErrNoInput, "in.dlq": web.ErrNoInput, "__consumer_offsets": web.ErrNoInput} {
		if _, err := r.Read(t.Context(), seen.Place{Topic: topic}); err != want { //nolint:errorlint // exactly this one
			t.Errorf("%s: %v", topic, err)
		}
	}
	if _, err := r.Read(t.Context(), seen.Place{Topic: "in", Partition: 0, Offset: 999}); err != web.ErrGone { //nolint:errorlint // exactly this one
		t.Error(err)
	}
	r.cfg.Input.Topics = []string{"^.*"}
	for topic, want := range map[string]bool{"in": true, "in.dlq": false, "in.dlq.ledger": false, "__consumer_offsets": false} {
		if inputs(r.cfg)(topic) != want {
			t.Errorf("%s: %v", topic, !want)
		}
	}
}

func TestTheBackendsOwnPages(t *testing.T) {
	for yaml, want := range map[string]string{
		"transport: {url: \"http://localhost:5000\"}":                                                 "http://localhost:3000/lineage/dataset/a:%2F%2Fb/c%2Fd",
		"transport: {url: \"http://localhost:5000\", backend: datahub}":                               "",
		"transport: {url: \"http://marquez:5000\"}":                                                   "",
		"transport: {url: \"http://localhost:5000\"}\nweb: {backend_url: \"off\"}":                    "",
		"transport: {url: \"http://x\"}\nweb: {backend_url: \"https://u:secret@marquez.example/x/\"}": "https://marquez.example/x/lineage/dataset/a:%2F%2Fb/c%2Fd",
		"transport: {type: console}":                                                                  "",
		"transport: {type: console}\nweb: {backend_url: \"javascript:alert(1)\"}":                     "",
	} {
		got := ""
		if l := linksOf(parse(t, "b", yaml)); l != nil {
			got = l.Dataset("a://b", "c/d")
		}
		if got != want {
			t.Errorf("%s: %q", yaml, got)
		}
	}
}

func TestATokenThatIsNoneIsToldAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := parse(t, "b", "web: {token_file: \""+path+"\"}")
	cfg.Telemetry.Listen = "127.0.0.1:0"
	_, err := newPage(cfg, Process{Log: zap.NewNop()}, 0).maker()(true)
	if err == nil || !strings.Contains(err.Error(), "shorter than") {
		t.Error(err)
	}
}
