package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gx-ol/gx-ol/bench/results"
)

// httpRun is one run against a backend.
type httpRun struct {
	rate, cpu, peak float64 // events a second from the first to the last, µs an event, MB
	bytes           int     // of an event
	failed          string
}

// overHTTP compares with a bare client of as many connections as gx-ol has attempts in flight.
func overHTTP(ctx context.Context, e *estate) ([]row, error) {
	n := 40_000
	if e.set.short {
		n /= 4
	}
	source, err := e.startBroker(ctx, string(results.Small), false)
	if err != nil {
		return nil, err
	}
	defer source.stop()
	if _, err := source.fill(ctx, results.Variants(results.Small), n); err != nil {
		return nil, err
	}
	delays := []string{"0s", "5ms"}
	ours, bare := map[string][]httpRun{}, map[string][]httpRun{}
	for round := range e.set.rounds {
		for _, delay := range delays {
			g, err := e.httpGxol(ctx, source, delay, n, "")
			if err != nil {
				return nil, err
			}
			b, err := e.httpBare(ctx, delay, n, g.bytes)
			if err != nil {
				return nil, err
			}
			e.say("http, %s, round %d: gx-ol %6.0f events/s %4.0f µs, bare %6.0f events/s %4.0f µs %s", delay, round+1, g.rate, g.cpu, b.rate, b.cpu, g.failed)
			ours[delay], bare[delay] = append(ours[delay], g), append(bare[delay], b)
		}
	}
	if e.set.profile != "" {
		rate := median(each(ours["0s"], func(r httpRun) float64 { return r.rate }))
		if err := e.profileHTTP(ctx, source, n, rate); err != nil {
			return nil, err
		}
	}
	var rows []row
	for _, delay := range delays {
		rows = append(rows, httpRows(delay, ours[delay], bare[delay])...)
		e.httpDetail("gx-ol", delay, ours[delay])
		e.httpDetail("bare client", delay, bare[delay])
	}
	return rows, nil
}

func httpRows(delay string, ours, bare []httpRun) []row {
	label, least := "backend answers at once", 0.8
	if delay != "0s" {
		label, least = "backend takes "+delay, 0.9
	}
	speed := row{what: "HTTP, 64 in flight, " + label + ": events/s against a bare client", format: "%.2f", goal: atLeast(least, 0)}
	cpu := row{what: "HTTP, " + label + ": CPU an event against that client", format: "%.2f ×", goal: atMost(1.5, 0)}
	for i := range ours {
		speed.values = append(speed.values, ours[i].rate/bare[i].rate)
		cpu.values = append(cpu.values, ours[i].cpu/bare[i].cpu)
		if ours[i].failed != "" {
			speed.failed, cpu.failed = ours[i].failed, ours[i].failed
		}
	}
	return []row{speed, cpu}
}

// httpGxol lets gx-ol deliver the topic; its CPU is counted from the first event on.
func (e *estate) httpGxol(ctx context.Context, source *kafka, delay string, n int, profiled string) (httpRun, error) {
	var run httpRun
	b, err := e.startBackend(ctx, "-delay", delay)
	if err != nil {
		return run, err
	}
	defer b.stop()
	c, err := e.startGxol(ctx, gxol{from: source.addr, topic: string(results.Small), group: e.name("bench"), to: b.transport("generic"), listen: profiled})
	if err != nil {
		return run, err
	}
	defer c.stop()
	began, before, firstN := time.Now(), 0.0, 0
	for {
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return run, err
		}
		count, err := b.count(ctx)
		if err != nil {
			return run, err
		}
		if before == 0 && count.Events > 0 {
			before, firstN = c.usage().cpu, count.Events
		}
		late := time.Since(began) > patience
		if count.Events < n && c.running() && !late {
			continue
		}
		if count.Events < n {
			run.failed = fmt.Sprintf("gx-ol delivered %d of %d: %s", count.Events, n, lastLine(c.said()))
		}
		cost := c.usage()
		run.rate, run.peak = float64(count.Events-1)/count.Seconds, cost.peak
		run.cpu = (cost.cpu - before) / float64(max(count.Events-firstN, 1)) * 1e6
		run.bytes = int(count.Bytes / int64(max(count.Events, 1)))
		return run, nil
	}
}

func (e *estate) httpBare(ctx context.Context, delay string, n, size int) (httpRun, error) {
	var run httpRun
	b, err := e.startBackend(ctx, "-delay", delay)
	if err != nil {
		return run, err
	}
	defer b.stop()
	c, err := e.start(ctx, nil, "post", "-url", b.url+"/api/v1/lineage", "-n", fmt.Sprint(n), "-size", fmt.Sprint(size))
	if err != nil {
		return run, err
	}
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.kill()
	}
	count, err := b.count(ctx)
	if err == nil && count.Events != n {
		err = fmt.Errorf("the bare client posted %d of %d: %s", count.Events, n, lastLine(c.said()))
	}
	cost := c.usage()
	return httpRun{rate: float64(count.Events-1) / count.Seconds, cpu: cost.cpu / float64(n) * 1e6, peak: cost.peak}, err
}

func (e *estate) httpDetail(name, delay string, runs []httpRun) {
	note := ""
	if runs[0].bytes > 0 {
		note = fmt.Sprintf("%d bytes an event", runs[0].bytes)
	}
	peak := "–" // the bare client ends before it can be asked
	if runs[0].peak > 0 {
		peak = fmt.Sprintf("%.0f", median(each(runs, func(r httpRun) float64 { return r.peak })))
	}
	e.details = append(e.details, []string{"HTTP, backend " + delay + ", " + name, fmt.Sprintf("%.0f", median(each(runs, func(r httpRun) float64 { return r.rate }))),
		fmt.Sprintf("%.1f", median(each(runs, func(r httpRun) float64 { return r.cpu }))), peak, note})
}
