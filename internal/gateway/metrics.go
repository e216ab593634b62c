package gateway

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The endpoints, as metrics call them.
const (
	endpointLineage = "lineage"
	endpointBatch   = "batch"
	endpointResults = "results"
)

// metrics counts what the gateway does. Every label is of a closed set; docs/metrics.md names each metric.
type metrics struct {
	requests *prometheus.CounterVec
	records  *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	handler  http.Handler
}

func newMetrics(inFlight func() float64) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_gateway_requests_total",
			Help: "Requests that were answered."}, []string{"endpoint", "code"}),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_gateway_records_total",
			Help: "Records that the brokers answered for while their request waited."}, []string{"kind", "acknowledged"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "gx_ol_gateway_seconds",
			Help: "Seconds from the head of a request to its answer.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}, []string{"endpoint"}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.records, m.seconds,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gx_ol_gateway_in_flight_bytes",
			Help: "Bytes of bodies that are read or wait for the brokers."}, inFlight),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, e := range []string{endpointLineage, endpointBatch, endpointResults} {
		m.seconds.WithLabelValues(e)
		for _, c := range codes() {
			m.requests.WithLabelValues(e, c)
		}
	}
	for _, k := range []string{"events", "results"} {
		m.records.WithLabelValues(k, "true")
		m.records.WithLabelValues(k, "false")
	}
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

func (m *metrics) answered(endpoint, code string, took time.Duration) {
	m.requests.WithLabelValues(endpoint, code).Inc()
	m.seconds.WithLabelValues(endpoint).Observe(took.Seconds())
}

func (m *metrics) wrote(kind string, err error) {
	acknowledged := "true"
	if err != nil {
		acknowledged = "false"
	}
	m.records.WithLabelValues(kind, acknowledged).Inc()
}
