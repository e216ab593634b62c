package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

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
	lagRecords = prometheus.NewDesc("gx_ol_lag",
		"Offsets of a partition that are not settled and committed.", []string{"topic", "partition"}, nil)
	lagRetained = prometheus.NewDesc("gx_ol_retained_offsets",
		"Settled offsets of a partition that the brokers still have: at 0, retention deletes what is not settled.", []string{"topic", "partition"}, nil)
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
	out <- lagRecords
	out <- lagRetained
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
	if m.lags != nil {
		for _, l := range m.lags() {
			partition := strconv.Itoa(int(l.Partition))
			out <- prometheus.MustNewConstMetric(lagRecords, prometheus.GaugeValue, float64(l.Records), l.Topic, partition)
			out <- prometheus.MustNewConstMetric(lagRetained, prometheus.GaugeValue, float64(l.Retained), l.Topic, partition)
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
