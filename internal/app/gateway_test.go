package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/samples"
)

const lineageEvent = `{"eventType":"START","eventTime":"2026-01-01T00:00:00Z","run":{"runId":"0190f3a4-7f8f-7b6e-8a52-4a3c5a1f0c11"},"job":{"namespace":"etl","name":"load"},"producer":"https://example.com"}`

// running is a gateway in this process.
type runningGateway struct {
	address string
	log     *observer.ObservedLogs
	stop    func() error
}

func startGateway(t *testing.T, cluster *kfake.Cluster, yaml string) *runningGateway {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gx-ol.yaml")
	text := fmt.Sprintf("kafka: {bootstrap.servers: %q}\ngateway:\n  listen: 127.0.0.1:0\n%s", strings.Join(cluster.ListenAddrs(), ","), yaml)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadForGateway(path, func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	core, log := observer.New(zap.InfoLevel)
	ctx, cancel := context.WithCancel(t.Context())
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- Gateway(ctx, cfg, Process{Log: zap.New(core)}, func(a string) { address <- a })
	}()
	g := &runningGateway{log: log}
	var once bool
	g.stop = func() error {
		if once {
			return nil
		}
		once = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() { _ = g.stop() })
	select {
	case g.address = <-address:
	case err := <-ended:
		once = true
		cancel()
		t.Fatal(err)
	}
	return g
}

func gatewayCluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "openlineage.events", "gx.validation-results"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func postTo(t *testing.T, address, path, body string) (int, string) {
	t.Helper()
	resp, err := http.Post("http://"+address+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, _ := io.ReadAll(resp.Body)
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode, string(said)
}

func consumed(t *testing.T, cluster *kfake.Cluster, topic string, n int) (recs []*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for len(recs) < n {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		recs = append(recs, fetches.Records()...)
	}
	return recs
}

func TestAGatewayWritesWhatItAnswers201(t *testing.T) {
	cluster := gatewayCluster(t)
	g := startGateway(t, cluster, "")
	for i := range 20 {
		if code, said := postTo(t, g.address, "/api/v1/lineage", strings.Replace(lineageEvent, "4a3c5a1f0c11", fmt.Sprintf("%012d", i), 1)); code != 201 {
			t.Fatalf("%d %s", code, said)
		}
	}
	for i, rec := range consumed(t, cluster, "openlineage.events", 20) {
		if string(rec.Key) != "run:etl/load" || !strings.Contains(string(rec.Value), fmt.Sprintf("%012d", i)) {
			t.Errorf("record %d: %s %s", i, rec.Key, rec.Value)
		}
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+g.address+"/api/v1/lineage", strings.NewReader(lineageEvent))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example.com"
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("asked by another name: %d", resp.StatusCode)
	}
	if err := g.stop(); err != nil {
		t.Error(err)
	}
}

// A request that was taken before the stop gets its answer, and its record is there.
func TestAStopFinishesWhatWasTaken(t *testing.T) {
	cluster := gatewayCluster(t)
	g := startGateway(t, cluster, "")
	asked, goOn := make(chan struct{}), make(chan struct{})
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.SleepControl(func() {
			close(asked)
			<-goOn
		})
		return nil, nil, false
	})
	status := make(chan int)
	go func() {
		resp, err := http.Post("http://"+g.address+"/api/v1/lineage", "application/json", strings.NewReader(lineageEvent))
		if err != nil {
			status <- 0
			return
		}
		_ = resp.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		status <- resp.StatusCode
	}()
	<-asked
	stopped := make(chan error)
	go func() { stopped <- g.stop() }()
	for { // no more is taken
		conn, err := net.DialTimeout("tcp", g.address, time.Second)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	close(goOn)
	if code := <-status; code != 201 {
		t.Errorf("answered %d", code)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	consumed(t, cluster, "openlineage.events", 1)
}

func TestAMissingTopicIsTold(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "gx.validation-results"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, "kafka: {bootstrap.servers: %q}\n", strings.Join(cluster.ListenAddrs(), ",")), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadForGateway(path, func(string) (string, bool) { return "", false }, map[string]string{"listen": "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	err = Gateway(t.Context(), cfg, Process{Log: zap.NewNop()}, nil)
	if err == nil || !strings.Contains(err.Error(), `"openlineage.events" does not exist`) || !strings.Contains(err.Error(), "off") {
		t.Errorf("%v", err)
	}
}

// The commands of docs/gateway.md do what the page says.
func TestTheCommandsOfThePageWork(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	page, err := os.ReadFile("../../docs/gateway.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	event := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(page)
	if event == nil {
		t.Fatal("the page has no event")
	}
	all, err := samples.All()
	if err != nil {
		t.Fatal(err)
	}
	result := all[0].Value
	for name, text := range map[string][]byte{"event.json": event[1], "result.json": result} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cluster := gatewayCluster(t)
	g := startGateway(t, cluster, "")
	ran := 0
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "curl ") && !strings.HasPrefix(line, "gzip ") {
			continue
		}
		ran++
		cmd := exec.Command("bash", "-o", "pipefail", "-c", strings.ReplaceAll(line, "localhost:5050", g.address))
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s%v %s", line, err, out)
		}
	}
	if ran < 4 {
		t.Errorf("%d commands", ran)
	}
	if n := len(consumed(t, cluster, "openlineage.events", 2)); n != 2 {
		t.Errorf("%d events", n)
	}
	rec := consumed(t, cluster, "gx.validation-results", 1)[0]
	if len(rec.Headers) != 1 || string(rec.Headers[0].Value) != "finance" || len(rec.Key) == 0 {
		t.Errorf("record %s %v", rec.Key, rec.Headers)
	}
}

// Whoever does not send what was announced is cut, and holds no room.
func TestASlowClientIsCut(t *testing.T) {
	g := startGateway(t, gatewayCluster(t), "  read_timeout: 50ms\n")
	for _, sent := range []string{"POST /api/v1/lineage HTTP/1.1\r\nHost: ", "POST /api/v1/lineage HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"} {
		conn, err := net.Dial("tcp", g.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(conn) // it ends when the gateway ends the connection
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(sent, "Content-Length") && !strings.Contains(string(said), "slow_client") {
			t.Errorf("answered %q", said)
		}
		_ = conn.Close()
	}
}
