package app

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
)

// bareGateway is what a gateway costs at least: a body, a record, an acknowledgement, 201. It looks at nothing.
func bareGateway(b *testing.B, brokers []string) string {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ProducerLinger(0))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = client.ProduceSync(r.Context(), &kgo.Record{Topic: "openlineage.events", Key: []byte("run:etl/load"), Value: body}).FirstErr()
		}
		if err != nil {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})}
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

// benchEvent is of the size of a usual event: two datasets with a schema, about 3 kB.
func benchEvent() []byte {
	var fields []string
	for i := range 20 {
		fields = append(fields, fmt.Sprintf(`{"name":"column_%d","type":"VARCHAR","description":"what stands there"}`, i))
	}
	set := `{"namespace":"postgres://db:5432","name":"shop.public.orders","facets":{"schema":{"_producer":"https://p","_schemaURL":"https://s","fields":[` + strings.Join(fields, ",") + `]}}}`
	return []byte(strings.Replace(lineageEvent, `"producer"`, `"inputs":[`+set+`],"outputs":[`+set+`],"producer"`, 1))
}

// rate is how many requests a second a server answers 201.
func rate(b *testing.B, client *http.Client, address string, body []byte, requests int) float64 {
	var sent atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range 64 {
		all.Go(func() {
			for sent.Add(1) <= int64(requests) {
				resp, err := client.Post("http://"+address+"/api/v1/lineage", "application/json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusCreated {
					b.Errorf("answered %d", resp.StatusCode)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(requests) / time.Since(began).Seconds()
}

// BenchmarkGatewayBesideABareLoop tells the gateway's requests a second as a part of those of a bare franz-go loop, in turns: median of the rounds.
// One round: go test ./internal/app -run '^$' -bench BesideABareLoop -benchtime 9x
func BenchmarkGatewayBesideABareLoop(b *testing.B) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "openlineage.events", "gx.validation-results"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cluster.Close)
	bare := bareGateway(b, cluster.ListenAddrs())
	cfg, err := config.LoadForGateway("", func(string) (string, bool) { return "", false },
		map[string]string{"brokers": strings.Join(cluster.ListenAddrs(), ","), "listen": "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- Gateway(b.Context(), cfg, Process{Log: zap.NewNop()}, func(a string) { address <- a })
	}()
	b.Cleanup(func() {
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	ours := <-address
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.Cleanup(client.CloseIdleConnections)
	body := benchEvent()
	var ratios, rates []float64
	for b.Loop() {
		theirs := rate(b, client, bare, body, 4000)
		mine := rate(b, client, ours, body, 4000)
		ratios, rates = append(ratios, mine/theirs), append(rates, mine)
	}
	slices.Sort(ratios)
	slices.Sort(rates)
	b.ReportMetric(ratios[len(ratios)/2], "of-bare")
	b.ReportMetric(rates[len(rates)/2], "requests/s")
	b.ReportMetric(float64(len(body)), "bytes/request")
	b.ReportMetric(0, "ns/op")
}
