package gx

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/marquez"
	"github.com/gx-ol/gx-ol/test/process"
)

const token = "0123456789abcdef-of-the-client"

// startGateway runs `gx-ol gateway` until the end of the test, and gives its address.
func startGateway(t *testing.T, args ...string) string {
	t.Helper()
	address := process.FreeAddr(t)
	start(t, append([]string{"gateway", "--listen", address}, args...)...)
	eventually(t, "the gateway", func() bool {
		resp, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return address
}

// readKeys reads n records of a topic.
func readKeys(t *testing.T, servers, topic string, n int) (keys []string) {
	t.Helper()
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: strings.Split(servers, ","), Topic: topic, MaxWait: 100 * time.Millisecond})
	defer func() { _ = reader.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range n {
		msg, err := reader.ReadMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, string(msg.Key))
	}
	if lag, err := reader.ReadLag(ctx); err != nil || lag != 0 {
		t.Errorf("%d more records, %v", lag, err)
	}
	return keys
}

func TestOpenLineagesOwnClientPostsThroughTheGateway(t *testing.T) {
	interpreter := python(t, "client") // or skips
	servers := kafkatest.Start(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, compression := range []string{"none", "gzip"} {
		t.Run(compression, func(t *testing.T) {
			topic := fmt.Sprintf("gateway-%s-%d", compression, time.Now().UnixNano())
			newTopic(t, servers, topic)
			address := startGateway(t, "--brokers", servers, "--events-topic", topic, "--results-topic", "off", "--token-file", file)
			cmd := exec.CommandContext(t.Context(), interpreter, filepath.Join("testdata", "post_events.py"), "http://"+address, token, compression)
			cmd.Env = append(process.CleanEnv(), "PYTHONDONTWRITEBYTECODE=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("the client: %v\n%s", err, process.Tail(string(out)))
			}
			want := []string{"run:airflow/nightly", "run:airflow/nightly", "job:etl/load", "dataset:postgres://db:5432/shop.public.orders"}
			if keys := readKeys(t, servers, topic, len(want)); !slices.Equal(keys, want) {
				t.Errorf("keys %q, want %q", keys, want)
			}
		})
	}
}

// The action that Great Expectations 0.15.48 – 0.18 has of its own posts to the gateway, and the pipeline maps what it sent.
func TestGreatExpectationsOwnActionPostsToTheGateway(t *testing.T) {
	interpreter := python(t, "gx0") // or skips
	servers := kafkatest.Start(t)
	topic := fmt.Sprintf("gateway-api-%d", time.Now().UnixNano())
	newTopic(t, servers, topic)
	address := startGateway(t, "--brokers", servers, "--events-topic", "off", "--results-topic", topic)
	backend := marquez.New()
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	startRun(t, `
kafka: {bootstrap.servers: "`+servers+`"}
input: {topics: [`+topic+`], group: `+topic+`}
transport: {type: http, url: "`+server.URL+`"}
telemetry: {listen: "`+process.FreeAddr(t)+`"}
`)
	cmd := exec.CommandContext(t.Context(), interpreter, filepath.Join("testdata", "gx0_api.py"), t.TempDir(), `{"url": "http://`+address+`/v1/results"}`)
	cmd.Env = append(process.CleanEnv(), "GX_ANALYTICS_ENABLED=false", "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the checkpoint: %v\n%s", err, process.Tail(string(out)))
	}
	if keys := readKeys(t, servers, topic, 1); !strings.Contains(keys[0], "customers") {
		t.Errorf("key %q", keys[0])
	}
	eventually(t, "the end of the run", func() bool { return len(ended(backend)) == 1 })
	for dataset, run := range ended(backend) {
		if run.State != "FAILED" || !strings.Contains(dataset, "customers") {
			t.Errorf("%s is %s", dataset, run.State)
		}
	}
}
