package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gx-ol/gx-ol/bench/results"
)

const (
	relayed  = "events" // the topic that is written
	patience = 5 * time.Minute
)

// relayed is one run from Kafka to Kafka.
type relayRun struct {
	rate    float64 // messages a second, from the first that arrived to the last
	cpu     float64 // µs a message, start included
	peak    float64 // MB
	fetched float64 // bytes that the broker sent, times those of the topic
	broker  float64 // CPU seconds of the broker that was read from
	failed  string
}

// relays is what one size of results is measured with.
type relays struct {
	kind                     results.Kind
	n                        int
	label                    string
	speed, cpu, hand, memory goal
}

func relayMedium(ctx context.Context, e *estate) ([]row, error) {
	return relay(ctx, e, relays{results.Medium, 60_000, "medium", atLeast(0.6, 0.9), atMost(2.2, 1.5), atLeast(4, 0), atMost(160, 0)})
}

func relaySmall(ctx context.Context, e *estate) ([]row, error) {
	return relay(ctx, e, relays{results.Small, 400_000, "small", atLeast(0.5, 0.75), atMost(2.8, 1.8), atLeast(4, 0), goal{}})
}

func relay(ctx context.Context, e *estate, r relays) ([]row, error) {
	if e.set.short {
		r.n /= 4
	}
	w, closing, err := e.newRelayWork(ctx, r)
	if err != nil {
		return nil, err
	}
	defer closing()
	runs := map[string][]relayRun{}
	for round := range e.set.rounds {
		for _, name := range relayNames() {
			run, err := w.once(ctx, name, "")
			if err != nil {
				return nil, err
			}
			e.say("%s, round %d: %-20s %7.0f msgs/s %6.1f µs %4.0f MB %s", r.label, round+1, name, run.rate, run.cpu, run.peak, run.failed)
			runs[name] = append(runs[name], run)
		}
	}
	if e.set.profile != "" {
		if err := w.profile(ctx, median(each(runs["gx-ol"], func(r relayRun) float64 { return r.rate }))); err != nil {
			return nil, err
		}
	}
	for _, name := range relayNames() {
		e.relayDetail(r.label, name, runs[name])
	}
	return relayRows(r, runs), nil
}

// relayNames are the contenders in their order within a round; gx-ol is between what it is compared with.
func relayNames() []string { return []string{"bare copy", "gx-ol", "written by hand"} }

func relayRows(r relays, runs map[string][]relayRun) []row {
	bare, ours, hand := runs["bare copy"], runs["gx-ol"], runs["written by hand"]
	ratios := func(of func(bare, ours, hand relayRun) float64) (values []float64) {
		for i := range ours {
			values = append(values, of(bare[i], ours[i], hand[i]))
		}
		return values
	}
	failed := ""
	for i := range ours {
		for _, run := range []relayRun{bare[i], ours[i], hand[i]} {
			if run.failed != "" {
				failed = run.failed
			}
		}
	}
	rows := []row{
		{what: "Kafka → Kafka, " + r.label + ": msgs/s against a bare copy", format: "%.2f", goal: r.speed,
			values: ratios(func(bare, ours, _ relayRun) float64 { return ours.rate / bare.rate })},
		{what: r.label + ": CPU a message against that copy", format: "%.2f ×", goal: r.cpu,
			values: ratios(func(bare, ours, _ relayRun) float64 { return ours.cpu / bare.cpu })},
		{what: r.label + ": CPU a message, times less than kafka-go + encoding/json", format: "%.1f", goal: r.hand,
			values: ratios(func(_, ours, hand relayRun) float64 { return hand.cpu / ours.cpu })},
		{what: r.label + ": peak memory, backlog", format: "%.0f MB", goal: r.memory, worst: true,
			values: ratios(func(_, ours, _ relayRun) float64 { return ours.peak })},
		{what: r.label + ": bytes fetched against bytes of the topic", format: "%.3f", goal: atMost(1.05, 0), worst: true,
			values: ratios(func(_, ours, _ relayRun) float64 { return ours.fetched })},
		{what: r.label + ": the broker's CPU against what the copy costs it", format: "%.2f ×",
			values: ratios(func(bare, ours, _ relayRun) float64 { return ours.broker / bare.broker })},
	}
	for i := range rows {
		rows[i].failed = failed
	}
	return rows
}

func each[T any](of []T, value func(T) float64) (values []float64) {
	for _, v := range of {
		values = append(values, value(v))
	}
	return values
}

func (e *estate) relayDetail(label, name string, runs []relayRun) {
	m := func(value func(relayRun) float64) float64 { return median(each(runs, value)) }
	e.details = append(e.details, []string{label + ", " + name,
		fmt.Sprintf("%.0f", m(func(r relayRun) float64 { return r.rate })), fmt.Sprintf("%.1f", m(func(r relayRun) float64 { return r.cpu })),
		fmt.Sprintf("%.0f", m(func(r relayRun) float64 { return r.peak })),
		fmt.Sprintf("fetched %.3f of the topic, %.1f s of the broker's CPU", m(func(r relayRun) float64 { return r.fetched }), m(func(r relayRun) float64 { return r.broker }))})
}
