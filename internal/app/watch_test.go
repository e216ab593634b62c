package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gx-ol/gx-ol/consumer"
)

// runWatched runs a configuration until done says so; scrape asks its telemetry.
func runWatched(t *testing.T, brokers, yaml string, done func(scrape func(path string) string) bool) *observer.ObservedLogs {
	t.Helper()
	cfg := parse(t, brokers, yaml)
	cfg.Telemetry.Listen = "127.0.0.1:0"
	core, logs := observer.New(zapcore.InfoLevel)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, cfg, Process{Version: "test", Getenv: nothing, Log: zap.New(core), Stdout: io.Discard,
			Members: func(c *consumer.Config) { c.Grace = time.Second }})
	}()
	scrape := func(path string) string {
		at, _ := started(logs)["telemetry"].(string)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+path, nil)
		if at == "" || err != nil {
			return ""
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(req)
		if err != nil {
			return ""
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return string(text)
	}
	for !done(scrape) {
		select {
		case err := <-ended:
			t.Fatalf("ended: %v; %v", err, logs.All())
		case <-time.After(50 * time.Millisecond):
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return logs
}

// started are the fields of the line at the start.
func started(logs *observer.ObservedLogs) map[string]any {
	for _, l := range logs.FilterMessage("gx-ol runs").All() {
		return l.ContextMap()
	}
	return nil
}

// With a backend that refuses everything, the log is not silent; and no secret is in it.
func TestRunSaysWhereItDeliversAndWhatItBuries(t *testing.T) {
	brokers, n := estate(t)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusUnprocessableEntity)
	}))
	defer backend.Close()
	logs := runWatched(t, brokers, fmt.Sprintf("transport: {type: http, url: %q, backend: generic, auth: {type: api_key, apiKey: sesame}}", backend.URL), func(scrape func(string) string) bool {
		return strings.Contains(scrape("/metrics"), fmt.Sprintf(`gx_ol_buried_total{code="http_422",disposition="rejected"} %d`, n)) && scrape("/readyz") == "ready\n"
	})
	at := started(logs)
	for field, want := range map[string]string{"to": "[" + backend.URL + "]", "topics": "[in]", "group": "g", "brokers": brokers, "telemetry": "http://127.0.0.1:"} {
		if got := fmt.Sprint(at[field]); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", field, got, want)
		}
	}
	if f := logs.FilterMessageSnippet("record buried").FilterField(zap.String("code", "http_422")); f.Len() != 1 || f.All()[0].Level != zapcore.WarnLevel {
		t.Errorf("buried: %v", f.All())
	}
	last := logs.FilterMessage("the last minute").All()
	if len(last) != 1 || last[0].ContextMap()["buried"] != int64(n) || last[0].ContextMap()["records"] != int64(n) {
		t.Errorf("at the end: %v", last)
	}
	for _, l := range logs.All() {
		if text := fmt.Sprint(l.Message, l.ContextMap()); strings.Contains(text, "sesame") {
			t.Errorf("a secret: %s", text)
		}
		if hint, ok := l.ContextMap()["hint"]; ok && hint == "" {
			t.Errorf("an empty hint: %v", l)
		}
	}
}

func TestAnAddressIsToldWithoutWhatMayBeSecret(t *testing.T) {
	for raw, want := range map[string]string{"http://me:hush@host:5000/api?key=hush#hush": "http://host:5000/api", "http://host:5000": "http://host:5000", "http://a b": "http"} {
		if got := addressOf(raw); got != want {
			t.Errorf("%s: %s", raw, got)
		}
	}
}

// What a backend takes and does not store is counted where an operator can see it.
func TestSkippedEventsAreCounted(t *testing.T) {
	brokers, n := estate(t)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK) // Marquez: 201 is stored, 200 is not
	}))
	defer backend.Close()
	runWatched(t, brokers, fmt.Sprintf("transport: {type: http, url: %q, backend: marquez}", backend.URL), func(scrape func(string) string) bool {
		return strings.Contains(scrape("/metrics"), fmt.Sprintf(`gx_ol_events_skipped_total{destination="http"} %d`, 2*n))
	})
}

// A process whose Kafka is dead, or that may not join its group, is not ready, and says what to do.
func TestReadyzTellsOfTheGroup(t *testing.T) {
	brokers, _ := estate(t)
	runWatched(t, brokers, "transport: {type: console}", func(scrape func(string) string) bool {
		text := scrape("/metrics")
		return scrape("/readyz") == "ready\n" && strings.Contains(text, `gx_ol_lag{partition="0",topic="in"} 0`) && strings.Contains(text, `gx_ol_retained_offsets{partition="0",topic="in"}`) &&
			strings.Contains(text, `gx_ol_records_lost_total{topic="in"} 0`)
	})
}

// A backend that hangs is told seconds after the first attempt, not when the attempt's own timeout is over.
func TestABackendThatHangsIsNotReady(t *testing.T) {
	brokers, _ := estate(t)
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer backend.Close()
	began := time.Now()
	runWatched(t, brokers, fmt.Sprintf("transport: {type: http, url: %q, backend: generic, timeout: 60s}", backend.URL), func(scrape func(string) string) bool {
		return strings.Contains(scrape("/readyz"), "by http since") && strings.Contains(scrape("/metrics"), `reason="overdue"`)
	})
	if took := time.Since(began); took > 45*time.Second {
		t.Errorf("told after %s", took)
	}
}
