// Package bench compares gx-ol, in one run and on one machine, with what it could reach at best. It gives ratios: figures of
// two machines, or of two hours on one, can't be compared.
package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/samples"
	"github.com/gx-ol/gx-ol/mapper"
	olhttp "github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

const (
	inFlight = 64
	records  = 40_000 // results of one partition; two events each
	keys     = 500
	topic    = "results"
)

// slow answers every POST after 5 ms, as a gateway does that writes to a disk somewhere, and counts them.
type slow struct {
	taken atomic.Int64
	goal  int64
	done  chan struct{}
}

func newSlow(goal int64) *slow { return &slow{goal: goal, done: make(chan struct{})} }

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	time.Sleep(5 * time.Millisecond)
	w.WriteHeader(http.StatusCreated)
	if s.taken.Add(1) == s.goal {
		close(s.done)
	}
}

// BenchmarkOnePartition delivers one partition to a backend that takes 5 ms an event, at most 64 at once, and reports the share
// (ratio) of the events a second of a bare client that sends the same number of the same events with 64 goroutines. One at a
// time it would be 200 events a second.
func BenchmarkOnePartition(b *testing.B) {
	value, body := sample(b)
	servers, stop := broker(b, value)
	defer stop()
	var ours, bare time.Duration
	for i := range b.N {
		bare += bareClient(b, body)
		ours += gxol(b, servers, fmt.Sprint("bench-", i))
	}
	events := float64(2 * records * b.N)
	b.ReportMetric(events/bare.Seconds(), "bare-events/s")
	b.ReportMetric(events/ours.Seconds(), "gx-ol-events/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(0, "ns/op")
}

// sample is the smallest result of those bundled, and its terminal event.
func sample(b *testing.B) (value, body []byte) {
	b.Helper()
	all, err := samples.All()
	if err != nil {
		b.Fatal(err)
	}
	m := newMapper(b)
	for _, s := range all {
		msg, err := gx.Decode(s.Value)
		if err != nil {
			b.Fatal(err)
		}
		runs, err := m.Map(msg, mapper.Input{Received: time.Unix(1, 0)})
		if err != nil {
			b.Fatal(err)
		}
		if len(runs) == 1 && len(runs[0].Events) == 2 && (value == nil || len(s.Value) < len(value)) {
			value, body = s.Value, runs[0].Events[1].Body
		}
	}
	if value == nil {
		b.Fatal("no sample makes a START and a terminal event")
	}
	return value, body
}

func newMapper(b *testing.B) *mapper.Mapper {
	b.Helper()
	m, err := mapper.New(mapper.Settings{Version: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// broker holds one partition of records.
func broker(b *testing.B, value []byte) (servers string, stop func()) {
	b.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic, topic+".dlq"))
	if err != nil {
		b.Fatal(err)
	}
	servers = cluster.ListenAddrs()[0]
	w := &kafka.Writer{Addr: kafka.TCP(servers), Topic: topic, RequiredAcks: kafka.RequireAll, BatchSize: 1000, BatchTimeout: 5 * time.Millisecond, BatchBytes: 900_000}
	msgs := make([]kafka.Message, records)
	for i := range msgs {
		msgs[i] = kafka.Message{Key: fmt.Appendf(nil, "shop.table_%03d", i%keys), Value: value}
	}
	if err := w.WriteMessages(b.Context(), msgs...); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return servers, cluster.Close
}

// bareClient sends as many events as gxol does, and does nothing else.
func bareClient(b *testing.B, body []byte) time.Duration {
	b.Helper()
	backend := newSlow(2 * records)
	server := httptest.NewServer(backend)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	defer client.CloseIdleConnections()
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for next.Add(1) <= 2*records {
				res, err := client.Post(server.URL, "application/json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// gxol reads the partition as a group of its own, decodes, maps and delivers: the product, without its process.
func gxol(b *testing.B, servers, group string) time.Duration {
	b.Helper()
	backend := newSlow(2 * records)
	server := httptest.NewServer(backend)
	defer server.Close()
	to, err := olhttp.New(olhttp.Config{URL: server.URL, Backend: olhttp.Generic})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	p := pipeline.New(pipeline.Config{Mapper: newMapper(b), DeadLetters: none{}, MaxInFlight: inFlight,
		To: []pipeline.Destination{{Name: "slow", To: to, Adaptive: true}}})
	began := time.Now()
	c, err := consumer.New(consumer.Config{Client: []kgo.Opt{kgo.SeedBrokers(servers)}, Topics: []string{topic}, Group: group}, p)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	select {
	case <-backend.done:
	case <-time.After(2 * time.Minute):
		b.Fatalf("%d of %d events after two minutes", backend.taken.Load(), backend.goal)
	}
	took := time.Since(began)
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	return took
}

// none has no graves: nothing is buried here.
type none struct{}

func (none) Bury(context.Context, *kgo.Record, deadletter.Letter) error {
	return fmt.Errorf("a letter, although every record is right")
}
