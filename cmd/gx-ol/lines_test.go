package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lockedText can be read while a run still writes it; its log and its command do at the same time.
type lockedText struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Who reads a console or a file reads from top to bottom: START and end of a run stand together, with no line of another between them,
// however many partitions and keys are worked on side by side, and whatever other destinations there are.
func TestARunsLinesStandTogetherInAConsoleAndAFile(t *testing.T) {
	const partitions, keys, records = 6, 30, 300
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
	}))
	defer backend.Close()
	for name, transport := range map[string]string{
		"console": "{type: console}",
		"file":    "{type: file, log_file_path: FILE}",
		"composite": "{type: composite, transports: {screen: {type: console}, archive: {type: file, log_file_path: FILE}, " +
			"backend: {type: http, backend: generic, url: URL}}}",
	} {
		t.Run(name, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "results", "results.dlq"),
				kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			publishRuns(t, cluster.ListenAddrs(), records, keys)
			file := filepath.Join(t.TempDir(), "events.ndjson")
			transport = strings.NewReplacer("FILE", strconv.Quote(file), "URL", strconv.Quote(backend.URL)).Replace(transport)
			config := filepath.Join(t.TempDir(), "gx-ol.yaml")
			text := fmt.Sprintf("kafka: {bootstrap.servers: %q}\ninput: {topics: [results], group: lines}\ntelemetry: {listen: off}\ntransport: %s\n",
				strings.Join(cluster.ListenAddrs(), ","), transport)
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			written := map[string]func() []byte{}
			out := &lockedText{}
			if name != "file" {
				written["console"] = func() []byte { return []byte(out.String()) }
			}
			if name != "console" {
				written["file"] = func() []byte {
					b, _ := os.ReadFile(file) // it may not be there yet
					return b
				}
			}
			runUntil(t, config, out, func() bool {
				for _, lines := range written {
					if bytes.Count(lines(), []byte("\n")) < 2*records {
						return false
					}
				}
				return true
			})
			for where, lines := range written {
				standTogether(t, where, lines(), records)
			}
		})
	}
}

// publishRuns writes results of many keys to all partitions.
func publishRuns(t *testing.T, brokers []string, records, keys int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	raw, err := os.ReadFile("../../internal/samples/results/table-1.9.3.json")
	if err != nil {
		t.Fatal(err)
	}
	var result map[string]any
	if err := json.Unmarshal(raw, &result); err != nil {
		t.Fatal(err)
	}
	batch := result["meta"].(map[string]any)["active_batch_definition"].(map[string]any)
	for i := range records {
		result["suite_name"] = fmt.Sprintf("suite_%03d", i)
		batch["data_asset_name"] = fmt.Sprintf("asset_%02d", i%keys)
		value, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		rec := &kgo.Record{Topic: "results", Key: fmt.Appendf(nil, "shop.asset_%02d", i%keys), Value: value}
		if err := client.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// runUntil runs gx-ol until done, and requires that it then ends well.
func runUntil(t *testing.T, config string, stdout io.Writer, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for ctx.Err() == nil && !done() {
			time.Sleep(20 * time.Millisecond)
		}
		cancel()
	})
	var errs bytes.Buffer
	a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: stdout, stderr: &errs}
	if code := run(ctx, []string{"run", "--config", config}, a); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
}

// standTogether requires that each START is followed by the end of its run, in the next line.
func standTogether(t *testing.T, where string, text []byte, records int) {
	t.Helper()
	apart, open := 0, ""
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for n, line := range lines {
		var ev struct {
			EventType string
			Run       struct{ RunID string }
		}
		if err := json.Unmarshal(line, &ev); err != nil {
			t.Fatalf("%s, line %d: %v", where, n+1, err)
		}
		switch {
		case open == "" && ev.EventType == "START":
			open = ev.Run.RunID
			continue
		case open != ev.Run.RunID || ev.EventType == "START":
			apart++
		}
		open = ""
	}
	if len(lines) != 2*records {
		t.Errorf("%s: %d lines, want %d", where, len(lines), 2*records)
	}
	if apart > 0 {
		t.Errorf("%s: %d times a line of another run stands between", where, apart)
	}
}
