// Package telemetry counts what the pipeline does, and serves it: /metrics for Prometheus, /healthz, /readyz.
package telemetry

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics observes the pipeline. Its labels come from closed sets, but for topics, which configuration bounds.
// docs/metrics.md names every metric.
type Metrics struct {
	registry *prometheus.Registry
	records  *series[prometheus.Counter]
	events   *series[prometheus.Counter]
	buried   *prometheus.CounterVec
	warnings *series[prometheus.Counter]
	lost     *series[prometheus.Counter]
	skipped  *series[prometheus.Counter]
	filtered *series[prometheus.Counter]
	reloads  *series[prometheus.Counter]
	seconds  *series[prometheus.Observer]

	totals struct{ records, events, buried, skipped, filtered, lost atomic.Int64 }
	delays [delayBuckets]atomic.Int64 // attempts by how long they took, for Delays

	mu     sync.Mutex // guards what follows
	holds  func() []Hold
	inHand func() int64
	limits func() map[string]int
	depths func() []Depth
	lags   func() []Lag
}

// Lag is how far a partition's committed offset is behind its end.
type Lag struct {
	Topic     string
	Partition int32
	Records   int64 // offsets that are not settled
	Retained  int64 // offsets that the brokers still have and that are settled: when it is 0, retention deletes what is not settled
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
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.records = m.counter("gx_ol_records_in_total", "Records read from Kafka.", "topic")
	m.events = m.counter("gx_ol_events_delivered_total", "OpenLineage events that the destination acknowledged.", "destination")
	m.warnings = m.counter("gx_ol_warnings_total", "Results mapped with something changed or not known.", "code")
	m.lost = m.counter("gx_ol_records_lost_total", "Offsets that the brokers deleted before they were read.", "topic")
	m.skipped = m.counter("gx_ol_events_skipped_total", "OpenLineage events that the destination answered well and did not store.", "destination")
	m.filtered = m.counter("gx_ol_results_filtered_total", "Validation results that input.filter left out.", "topic")
	m.reloads = m.counter("gx_ol_reloads_total", "Reloads of the configuration that were asked for.", "outcome")
	m.buried = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gx_ol_buried_total", Help: "Records written to the dead letters."},
		[]string{"disposition", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "gx_ol_delivery_seconds",
		Help: "Seconds until the destination acknowledged an attempt.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}, []string{"destination"})
	m.seconds = seriesOf(seconds.WithLabelValues)
	m.registry.MustRegister(m.buried, seconds, (*waits)(m),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, outcome := range []string{"done", "refused"} {
		m.reloads.with(outcome)
	}
	for _, code := range warningCodes() {
		m.warnings.with(code)
	}
	for _, c := range letterCodes() {
		m.buried.WithLabelValues(c.disposition, c.code)
	}
	return m
}

// counter registers a counter with one label.
func (m *Metrics) counter(name, help, label string) *series[prometheus.Counter] {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	m.registry.MustRegister(vec)
	return seriesOf(vec.WithLabelValues)
}

// Topics and Destinations let the counters of those that are known begin at 0: Prometheus sees no increase in a counter that begins with its
// first count.
func (m *Metrics) Topics(names ...string) {
	for _, name := range names {
		m.records.with(name)
		m.lost.with(name)
		m.filtered.with(name)
	}
}

// Destinations is Topics for destinations.
func (m *Metrics) Destinations(names ...string) {
	for _, name := range names {
		m.events.with(name)
		m.skipped.with(name)
		m.seconds.with(name)
	}
}

// RecordsIn counts records read.
func (m *Metrics) RecordsIn(topic string, n int) {
	m.records.with(topic).Add(float64(n))
	m.totals.records.Add(int64(n))
}

// EventsDelivered counts acknowledged events and the time of the attempt.
func (m *Metrics) EventsDelivered(destination string, n int, took time.Duration) {
	m.events.with(destination).Add(float64(n))
	m.totals.events.Add(int64(n))
	m.seconds.with(destination).Observe(took.Seconds())
	m.delays[delayBucket(took)].Add(1)
}

// delayBuckets is how many there are in Delays: up to a millisecond, and each twice as long; the last has no end.
const delayBuckets = 18

func delayBucket(took time.Duration) int {
	i := 0
	for limit := time.Millisecond; took > limit && i < delayBuckets-1; limit *= 2 {
		i++
	}
	return i
}

// Delays are the acknowledged attempts at all destinations by how long they took: up to 1 ms, 2 ms, 4 ms, …, longer.
func (m *Metrics) Delays() []int64 {
	out := make([]int64, delayBuckets)
	for i := range out {
		out[i] = m.delays[i].Load()
	}
	return out
}

// Buried counts a dead letter.
func (m *Metrics) Buried(disposition, code string) {
	m.buried.WithLabelValues(disposition, code).Inc()
	m.totals.buried.Add(1)
}

// Warned counts a result that was mapped with something changed or not known.
func (m *Metrics) Warned(code string) { m.warnings.with(code).Inc() }

// Skipped counts events that the destination answered well and did not store.
func (m *Metrics) Skipped(destination string, n int) {
	m.skipped.with(destination).Add(float64(n))
	m.totals.skipped.Add(int64(n))
}

// Filtered counts results that were left out. A record that is left out by its headers counts as one.
func (m *Metrics) Filtered(topic string, n int) {
	m.filtered.with(topic).Add(float64(n))
	m.totals.filtered.Add(int64(n))
}

// Reloaded counts a reload of the configuration: done or refused.
func (m *Metrics) Reloaded(done bool) {
	outcome := "refused"
	if done {
		outcome = "done"
	}
	m.reloads.with(outcome).Inc()
}

// Lost counts offsets that were deleted before they were read.
func (m *Metrics) Lost(topic string, n int64) {
	m.lost.with(topic).Add(float64(n))
	m.totals.lost.Add(n)
}

// Totals is what was counted since the start, over all labels.
type Totals struct{ Records, Events, Buried, Skipped, Filtered, Lost int64 }

// Totals are the counters' sums.
func (m *Metrics) Totals() Totals {
	t := &m.totals
	return Totals{Records: t.records.Load(), Events: t.events.Load(), Buried: t.buried.Load(), Skipped: t.skipped.Load(), Filtered: t.filtered.Load(), Lost: t.lost.Load()}
}

// Lags takes where to ask how far behind the partitions are.
func (m *Metrics) Lags(ask func() []Lag) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lags = ask
}

// Holds takes where to ask which partitions wait.
func (m *Metrics) Holds(ask func() []Hold) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holds = ask
}

// BytesInHand is how many bytes of records are in hand; -1: nobody knows.
func (m *Metrics) BytesInHand() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inHand == nil {
		return -1
	}
	return m.inHand()
}

// Depths is what the dead-letter topics hold; known: they are counted.
func (m *Metrics) Depths() (all []Depth, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.depths == nil {
		return nil, false
	}
	return m.depths(), true
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
