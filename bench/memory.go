package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gx-ol/gx-ol/bench/backend"
	"github.com/gx-ol/gx-ol/bench/results"
)

// largeResults looks at the memory while results of 6.4 MB wait for a backend that takes 2 s an event. What counts is that more of
// them in the topic do not cost more.
func largeResults(ctx context.Context, e *estate) ([]row, error) {
	n, watch := 400, 40*time.Second
	if e.set.short {
		n, watch = 100, 20*time.Second
	}
	r := row{what: fmt.Sprintf("peak memory, %d results of 6.4 MB before a backend that takes 2 s", n), format: "%.0f MB", worst: true, goal: atMost(200, 0)}
	source, err := e.startBroker(ctx, string(results.Big), false)
	if err != nil {
		return nil, err
	}
	defer source.stop()
	e.say("memory: writing %d results of 6.4 MB", n)
	if _, err := source.fill(ctx, results.Variants(results.Big), n); err != nil {
		return nil, err
	}
	slow, err := e.startBackend(ctx, "-delay", "2s")
	if err != nil {
		return nil, err
	}
	defer slow.stop()
	c, err := e.startGxol(ctx, gxol{from: source.addr, topic: string(results.Big), group: e.name("bench"), bothEvents: true, to: slow.transport("generic")})
	if err != nil {
		return nil, err
	}
	defer c.stop()
	began, half := time.Now(), 0.0
	for time.Since(began) < watch {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
		if half == 0 && time.Since(began) > watch/2 {
			half = c.usage().peak
		}
	}
	count, err := slow.count(ctx)
	if err != nil {
		return nil, err
	}
	cost := c.usage()
	switch {
	case !c.running():
		r.failed = "gx-ol ended: " + lastLine(c.said())
	case count.Events == 0:
		r.failed = "no event came"
	}
	r.values = []float64{cost.peak}
	e.details = append(e.details, []string{"6.4 MB results, gx-ol", fmt.Sprintf("%.1f", float64(count.Events)/watch.Seconds()),
		fmt.Sprintf("%.0f", cost.cpu/float64(max(count.Events, 1))*1e6), fmt.Sprintf("%.0f", cost.peak),
		fmt.Sprintf("%.0f MB at half time, %d POSTs at once", half, count.MostAtOnce)})
	e.say("memory: %.0f MB", cost.peak)
	return []row{r}, nil
}

// running backend.
type lineage struct {
	*child
	url string
}

func (e *estate) startBackend(ctx context.Context, args ...string) (*lineage, error) {
	var up backend.Up
	c, err := e.start(ctx, &up, append([]string{"backend"}, args...)...)
	if err != nil {
		return nil, err
	}
	return &lineage{c, up.URL}, nil
}

// transport is gx-ol's configuration for it.
func (l *lineage) transport(kind string) string {
	return fmt.Sprintf("{type: http, url: %q, backend: %s}", l.url, kind)
}

func (l *lineage) count(ctx context.Context) (c backend.Count, err error) {
	return c, ask(ctx, l.url+"/count", &c)
}
