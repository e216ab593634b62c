// Package telemetry counts what the pipeline does, and serves it: /metrics for Prometheus, /healthz, /readyz.
package telemetry

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics observes the pipeline. Its labels come from closed sets, but for topics, which configuration bounds.
// docs/metrics.md names every metric.
type Metrics struct {
	registry  *prometheus.Registry
	records   *prometheus.CounterVec
	events    prometheus.Counter
	buried    *prometheus.CounterVec
	warnings  *prometheus.CounterVec
	seconds   prometheus.Histogram
	heldParts prometheus.GaugeFunc

	mu   sync.Mutex // guards held
	held map[string]time.Time
}

// New registers the metrics with a registry of their own.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_records_in_total",
			Help: "Records read from Kafka."}, []string{"topic"}),
		events: prometheus.NewCounter(prometheus.CounterOpts{Name: "gx_ol_events_delivered_total",
			Help: "OpenLineage events that the destination acknowledged."}),
		buried: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_buried_total",
			Help: "Records written to the dead letters."}, []string{"disposition", "code"}),
		warnings: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_warnings_total",
			Help: "Results mapped with something changed or not known."}, []string{"code"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "gx_ol_delivery_seconds",
			Help: "Seconds until the destination acknowledged an attempt.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}),
		held: make(map[string]time.Time),
	}
	m.heldParts = prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gx_ol_held_partitions",
		Help: "Partitions that wait for the destination or the dead letters."}, func() float64 { n, _ := m.holds(); return float64(n) })
	heldSeconds := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gx_ol_held_seconds",
		Help: "Seconds that the longest held partition has waited."}, func() float64 { _, s := m.holds(); return s })
	m.registry.MustRegister(m.records, m.events, m.buried, m.warnings, m.seconds, m.heldParts, heldSeconds,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// RecordsIn counts records read.
func (m *Metrics) RecordsIn(topic string, n int) { m.records.WithLabelValues(topic).Add(float64(n)) }

// EventsDelivered counts acknowledged events and the time of the attempt.
func (m *Metrics) EventsDelivered(n int, took time.Duration) {
	m.events.Add(float64(n))
	m.seconds.Observe(took.Seconds())
}

// Buried counts a dead letter.
func (m *Metrics) Buried(disposition, code string) { m.buried.WithLabelValues(disposition, code).Inc() }

// Warned counts a result that was mapped with something changed or not known.
func (m *Metrics) Warned(code string) { m.warnings.WithLabelValues(code).Inc() }

// Held takes that a partition waits, or with an empty reason that it goes on.
func (m *Metrics) Held(topic string, partition int32, reason string) {
	key := fmt.Sprintf("%s[%d]", topic, partition)
	m.mu.Lock()
	defer m.mu.Unlock()
	if reason == "" {
		delete(m.held, key)
		return
	}
	if _, ok := m.held[key]; !ok {
		m.held[key] = time.Now()
	}
}

// holds is how many partitions wait, and the seconds of the longest.
func (m *Metrics) holds() (n int, seconds float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, since := range m.held {
		seconds = max(seconds, time.Since(since).Seconds())
	}
	return len(m.held), seconds
}

// Handler serves /metrics, /healthz (the process lives) and /readyz (503 with the reasons while ready gives an error).
func (m *Metrics) Handler(ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}
