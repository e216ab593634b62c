// Package telemetry counts what the pipeline does, and serves it: /metrics for Prometheus, /healthz, /readyz.
package telemetry

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics observes the pipeline. Its labels come from closed sets, but for topics, which configuration bounds.
// docs/metrics.md names every metric.
type Metrics struct {
	registry *prometheus.Registry
	records  *prometheus.CounterVec
	events   *prometheus.CounterVec
	buried   *prometheus.CounterVec
	warnings *prometheus.CounterVec
	lost     *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	mu     sync.Mutex // guards what follows
	holds  func() []Hold
	inHand func() int64
	limits func() map[string]int
	depths func() []Depth
}

// Depth is what a dead-letter topic holds that is not settled.
type Depth struct {
	Topic  string
	Causes []Cause
	Oldest time.Time // when the oldest was given up; zero if there is none
}

// Cause is how many letters share a disposition and a code.
type Cause struct {
	Disposition, Code string
	Letters           int
}

// Hold is a partition that waits for a destination, the code of the error that it waits for to end, and since when.
type Hold struct {
	Topic       string
	Partition   int32
	Destination string
	Code        string
	Since       time.Time
}

// New registers the metrics with a registry of their own.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_records_in_total",
			Help: "Records read from Kafka."}, []string{"topic"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_events_delivered_total",
			Help: "OpenLineage events that the destination acknowledged."}, []string{"destination"}),
		buried: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_buried_total",
			Help: "Records written to the dead letters."}, []string{"disposition", "code"}),
		warnings: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_warnings_total",
			Help: "Results mapped with something changed or not known."}, []string{"code"}),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_records_lost_total",
			Help: "Offsets that the brokers deleted before they were read."}, []string{"topic"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "gx_ol_delivery_seconds",
			Help: "Seconds until the destination acknowledged an attempt.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}, []string{"destination"}),
	}
	m.registry.MustRegister(m.records, m.events, m.buried, m.warnings, m.lost, m.seconds, (*waits)(m),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// RecordsIn counts records read.
func (m *Metrics) RecordsIn(topic string, n int) { m.records.WithLabelValues(topic).Add(float64(n)) }

// EventsDelivered counts acknowledged events and the time of the attempt.
func (m *Metrics) EventsDelivered(destination string, n int, took time.Duration) {
	m.events.WithLabelValues(destination).Add(float64(n))
	m.seconds.WithLabelValues(destination).Observe(took.Seconds())
}

// Buried counts a dead letter.
func (m *Metrics) Buried(disposition, code string) { m.buried.WithLabelValues(disposition, code).Inc() }

// Warned counts a result that was mapped with something changed or not known.
func (m *Metrics) Warned(code string) { m.warnings.WithLabelValues(code).Inc() }

// Lost counts offsets that were deleted before they were read.
func (m *Metrics) Lost(topic string, n int64) { m.lost.WithLabelValues(topic).Add(float64(n)) }

// Holds takes where to ask which partitions wait.
func (m *Metrics) Holds(ask func() []Hold) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holds = ask
}

// InHand takes where to ask how many bytes of records are in hand.
func (m *Metrics) InHand(ask func() int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inHand = ask
}

// Limits takes where to ask how many attempts at once each destination gets.
func (m *Metrics) Limits(ask func() map[string]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limits = ask
}

// DeadLetters takes where to ask how many letters are not settled.
func (m *Metrics) DeadLetters(ask func() []Depth) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.depths = ask
}

// waits collects what is true only at the moment of the question.
type waits Metrics

var (
	heldPartitions = prometheus.NewDesc("gx_ol_held_partitions",
		"Partitions that wait for a destination or the dead letters.", nil, nil)
	heldLongest = prometheus.NewDesc("gx_ol_held_seconds",
		"Seconds that the longest held partition has waited.", nil, nil)
	heldEach = prometheus.NewDesc("gx_ol_partition_held_seconds",
		"Seconds that a partition has waited for a destination, and the code of the error.", []string{"topic", "partition", "destination", "reason"}, nil)
	inHandBytes = prometheus.NewDesc("gx_ol_in_hand_bytes",
		"Bytes of records in hand: fetched, waiting and in flight.", nil, nil)
	inFlightLimit = prometheus.NewDesc("gx_ol_in_flight_limit",
		"Attempts at once that the destination gets now.", []string{"destination"}, nil)
	deadLetters = prometheus.NewDesc("gx_ol_dead_letters",
		"Dead letters that are not settled.", []string{"topic", "disposition", "code"}, nil)
	oldestLetter = prometheus.NewDesc("gx_ol_dead_letters_oldest_seconds",
		"Seconds since the oldest dead letter that is not settled was given up; 0 if there is none.", []string{"topic"}, nil)
)

// Describe names the metrics.
func (c *waits) Describe(out chan<- *prometheus.Desc) {
	out <- heldPartitions
	out <- heldLongest
	out <- heldEach
	out <- inFlightLimit
	out <- inHandBytes
	out <- deadLetters
	out <- oldestLetter
}

// Collect tells the present.
func (c *waits) Collect(out chan<- prometheus.Metric) {
	m := (*Metrics)(c)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.collectHolds(out)
	if m.inHand != nil {
		out <- prometheus.MustNewConstMetric(inHandBytes, prometheus.GaugeValue, float64(m.inHand()))
	}
	if m.limits != nil {
		for destination, n := range m.limits() {
			out <- prometheus.MustNewConstMetric(inFlightLimit, prometheus.GaugeValue, float64(n), destination)
		}
	}
	if m.depths == nil {
		return
	}
	for _, d := range m.depths() {
		age := 0.0
		if !d.Oldest.IsZero() {
			age = max(0, time.Since(d.Oldest).Seconds())
		}
		out <- prometheus.MustNewConstMetric(oldestLetter, prometheus.GaugeValue, age, d.Topic)
		for _, c := range d.Causes {
			out <- prometheus.MustNewConstMetric(deadLetters, prometheus.GaugeValue, float64(c.Letters), d.Topic, c.Disposition, c.Code)
		}
	}
}

// collectHolds tells which partitions wait. The caller holds mu.
func (m *Metrics) collectHolds(out chan<- prometheus.Metric) {
	var holds []Hold
	if m.holds != nil {
		holds = m.holds()
	}
	partitions := make(map[[2]string]bool)
	longest := 0.0
	for _, h := range holds {
		seconds, partition := time.Since(h.Since).Seconds(), strconv.Itoa(int(h.Partition))
		partitions[[2]string{h.Topic, partition}] = true
		longest = max(longest, seconds)
		out <- prometheus.MustNewConstMetric(heldEach, prometheus.GaugeValue, seconds, h.Topic, partition, h.Destination, h.Code)
	}
	out <- prometheus.MustNewConstMetric(heldPartitions, prometheus.GaugeValue, float64(len(partitions)))
	out <- prometheus.MustNewConstMetric(heldLongest, prometheus.GaugeValue, longest)
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
