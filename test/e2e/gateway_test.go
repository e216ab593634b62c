package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/process"
)

// posters send events to a gateway, each those of one job, one after the other, as a client does that waits for each answer.
type posters struct {
	url   string
	taken atomic.Int64 // events that were answered 201
	said  sync.Map     // status → count of answers
	all   sync.WaitGroup
}

const (
	postersAtOnce = 8
	eventsEach    = 150
)

func lineageOf(poster, i int) string {
	return fmt.Sprintf(`{"eventType":"RUNNING","eventTime":"2026-01-01T00:00:00Z","run":{"runId":"00000000-0000-7000-8000-%06d%06d"},"job":{"namespace":"etl","name":"job-%d"},"producer":"https://example.com"}`, poster, i, poster)
}

// start posts until every event is answered 201: whatever else is said, or not, the same event is sent again.
func (p *posters) start(t *testing.T) {
	for poster := range postersAtOnce {
		p.all.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := 0; i < eventsEach && t.Context().Err() == nil; {
				status := p.post(client, lineageOf(poster, i))
				n, _ := p.said.LoadOrStore(status, new(atomic.Int64))
				n.(*atomic.Int64).Add(1) //nolint:forcetypeassert // it holds nothing else
				if status == http.StatusCreated {
					p.taken.Add(1)
					i++
					continue
				}
				time.Sleep(20 * time.Millisecond) // as Retry-After asks, but sooner
			}
		})
	}
}

func (p *posters) post(client *http.Client, body string) int {
	resp, err := client.Post(p.url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func (p *posters) answers() map[int]int64 {
	out := map[int]int64{}
	p.said.Range(func(k, v any) bool {
		out[k.(int)] = v.(*atomic.Int64).Load() //nolint:forcetypeassert // it holds nothing else
		return true
	})
	return out
}

// check reads the topic with another client: every event is there, and the events of a job first came in the order in which they were sent.
func (p *posters) check(t *testing.T, servers, topic string) {
	t.Helper()
	reader := readTopic(t, servers, topic)
	eventually(t, "the last record", func() bool { return reader.more(t) >= postersAtOnce*eventsEach })
	next := map[string]int{}
	records := 0
	for _, part := range reader.got {
		for _, m := range part {
			records++
			key := string(m.Key)
			var poster int
			if _, err := fmt.Sscanf(key, "run:etl/job-%d", &poster); err != nil {
				t.Fatalf("key %q", key)
			}
			switch string(m.Value) {
			case lineageOf(poster, next[key]):
				next[key]++
			case lineageOf(poster, max(0, next[key]-1)): // written, but its answer did not arrive: it was sent again
			default:
				t.Fatalf("after %d events of %s comes %s", next[key], key, m.Value)
			}
		}
	}
	for poster := range postersAtOnce {
		if key := fmt.Sprintf("run:etl/job-%d", poster); next[key] != eventsEach {
			t.Errorf("%d events of %s, %d were answered 201", next[key], key, eventsEach)
		}
	}
	t.Logf("%d records for %d events; answers %v", records, postersAtOnce*eventsEach, p.answers())
}

func startGateway(t *testing.T, servers, topic, listen string) *running {
	t.Helper()
	p := start(t, "gateway", "--brokers", servers, "--events-topic", topic, "--results-topic", "off", "--listen", listen)
	eventually(t, "the gateway", func() bool { return ready(listen) || ended(p) })
	return p
}

func ended(p *running) bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func ready(address string) bool {
	resp, err := http.Get("http://" + address + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode == http.StatusOK
}

func TestWhatAKilledGatewayAnswered201IsThere(t *testing.T) {
	servers := needKafka(t)
	topic, listen := name("events"), process.FreeAddr(t)
	newTopic(t, servers, topic)
	g := startGateway(t, servers, topic, listen)
	p := &posters{url: "http://" + listen + "/api/v1/lineage"}
	p.start(t)
	for kill := range int64(3) {
		eventually(t, "a quarter of the events", func() bool { return p.taken.Load() > (kill+1)*postersAtOnce*eventsEach/4 })
		g.kill()
		g = startGateway(t, servers, topic, listen)
	}
	p.all.Wait()
	g.stop(t)
	p.check(t, servers, topic)
	if p.answers()[0] == 0 {
		t.Error("no request met a killed gateway: this showed nothing")
	}
}

func TestWhatAGatewayAnswered201OutlivesItsBroker(t *testing.T) {
	needKafka(t) // or skips
	cluster, err := kafkatest.NewCluster(1)
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	servers := cluster.Servers()
	topic, listen := name("events"), process.FreeAddr(t)
	newTopic(t, servers, topic)
	g := startGateway(t, servers, topic, listen)
	p := &posters{url: "http://" + listen + "/api/v1/lineage"}
	p.start(t)
	eventually(t, "a third of the events", func() bool { return p.taken.Load() > postersAtOnce*eventsEach/3 })
	cluster.Kill(0)
	eventually(t, "503 and not ready", func() bool { return p.answers()[http.StatusServiceUnavailable] > 0 && !ready(listen) })
	if err := cluster.Up(0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ready again", func() bool { return ready(listen) })
	p.all.Wait()
	g.stop(t)
	p.check(t, servers, topic)
}

// A client's events and a checkpoint's result go through the gateway, Kafka and the pipeline to the backend.
func TestFromAnHTTPClientThroughKafkaToTheBackend(t *testing.T) {
	servers := needKafka(t)
	events, outcomes, listen := name("events"), name("results"), process.FreeAddr(t)
	for _, topic := range []string{events, outcomes} {
		newTopic(t, servers, topic)
	}
	b := startBackend(t)
	g := start(t, "gateway", "--brokers", servers, "--events-topic", events, "--results-topic", outcomes, "--listen", listen)
	eventually(t, "the gateway", func() bool { return ready(listen) })
	pipeline := startRun(t, "--brokers", servers, "--topic", events+","+outcomes, "--group", name("group"), "--to", b.url)
	p := &posters{}
	for path, body := range map[string]string{"/api/v1/lineage": lineageOf(1, 1), "/api/v1/lineage/batch": "[" + lineageOf(2, 1) + "," + lineageOf(2, 2) + "]",
		"/v1/results": string(result(1))} {
		p.url = "http://" + listen + path
		if status := p.post(http.DefaultClient, body); status != http.StatusCreated && status != http.StatusNoContent {
			t.Fatalf("%s: %d", path, status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "three events and those of a result", func() bool { return b.events() >= 3+2 })
	var key []kafka.Message
	reader := readTopic(t, servers, outcomes)
	reader.more(t)
	for _, part := range reader.got {
		key = append(key, part...)
	}
	if len(key) != 1 || string(key[0].Key) != "shop."+asset(1) {
		t.Errorf("records of results: %v", key)
	}
	g.stop(t)
	pipeline.stop(t)
}
