package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/gx-ol/gx-ol/bench/results"
)

// relayWork is a topic that the contenders take turns to relay.
type relayWork struct {
	e            *estate
	n            int
	size         int64 // bytes of the topic
	topic        string
	source, sink *kafka
}

// newRelayWork writes the topic, and starts where it is relayed to. Close ends both brokers.
func (e *estate) newRelayWork(ctx context.Context, r relays) (w *relayWork, closing func(), err error) {
	topic := string(r.kind)
	source, err := e.startBroker(ctx, topic, false)
	if err != nil {
		return nil, nil, err
	}
	e.say("%s: writing %d results", r.label, r.n)
	size, err := source.fill(ctx, results.Variants(r.kind), r.n)
	if err != nil {
		source.stop()
		return nil, nil, err
	}
	sink, err := e.startBroker(ctx, relayed, true)
	if err != nil {
		source.stop()
		return nil, nil, err
	}
	return &relayWork{e: e, n: r.n, size: size, topic: topic, source: source, sink: sink}, func() { sink.stop(); source.stop() }, nil
}

// start starts a contender as a group of its own.
func (w *relayWork) start(ctx context.Context, name, profiled string) (*child, error) {
	group := w.e.name("bench")
	role := map[string]string{"bare copy": "copy", "written by hand": "handwritten"}[name]
	if role != "" {
		return w.e.start(ctx, nil, role, "-from", w.source.addr, "-topic", w.topic, "-group", group, "-to", w.sink.addr, "-out", relayed, "-n", fmt.Sprint(w.n))
	}
	return w.startGxol(ctx, group, cmp.Or(profiled, "127.0.0.1:0"), true) // with metrics and the page, as by default
}

func (w *relayWork) startGxol(ctx context.Context, group, listen string, page bool) (*child, error) {
	return w.e.startGxol(ctx, gxol{from: w.source.addr, topic: w.topic, group: group, listen: listen, page: page,
		to: fmt.Sprintf("{type: kafka, topic: %s, config: {bootstrap.servers: %q, compression.type: lz4}}", relayed, w.sink.addr)})
}

// once lets one contender relay the topic.
func (w *relayWork) once(ctx context.Context, name, profiled string) (relayRun, error) {
	return w.measure(ctx, name, func() (*child, error) { return w.start(ctx, name, profiled) })
}

// measure lets whoever is started relay the topic.
func (w *relayWork) measure(ctx context.Context, name string, start func() (*child, error)) (relayRun, error) {
	var run relayRun
	base, err := w.sink.end(ctx, relayed)
	if err != nil {
		return run, err
	}
	before, err := w.source.traffic(ctx)
	if err != nil {
		return run, err
	}
	broker := w.source.usage()
	c, err := start()
	if err != nil {
		return run, err
	}
	defer c.stop()
	began, first, firstN, n := time.Now(), time.Time{}, 0, 0
	for n < w.n {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return run, err
		}
		end, err := w.sink.end(ctx, relayed)
		if err != nil {
			return run, err
		}
		n = end - base
		if n > 0 && first.IsZero() {
			first, firstN = time.Now(), n
		}
		if !c.running() || time.Since(began) > patience {
			run.failed = fmt.Sprintf("%s relayed %d of %d in %s: %s", name, n, w.n, time.Since(began).Round(time.Second), lastLine(c.said()))
			break
		}
	}
	took := time.Since(first)
	cost := c.usage()
	if !first.IsZero() {
		run.rate = float64(n-firstN) / took.Seconds()
	}
	run.cpu, run.peak = cost.cpu/float64(max(n, 1))*1e6, cost.peak
	run.broker = w.source.usage().cpu - broker.cpu
	after, err := w.source.traffic(ctx)
	run.fetched = float64(after.Sent-before.Sent) / float64(w.size)
	return run, err
}
