package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-ol/gx-ol/bench/results"
)

// withPage is what the page costs the pipeline while somebody looks: a browser follows the changes, and asks for the place Now once a second.
func withPage(ctx context.Context, e *estate) ([]row, error) {
	r := relays{kind: results.Medium, n: 100_000, label: "page"}
	if e.set.short {
		r.n /= 4
	}
	w, closing, err := e.newRelayWork(ctx, r)
	if err != nil {
		return nil, err
	}
	defer closing()
	cpu := row{what: "medium: CPU a message while the page is watched, against none", format: "%.3f ×", goal: atMost(1.02, 0)}
	speed := row{what: "medium: msgs/s while the page is watched, against none", format: "%.3f ×", goal: atLeast(0.98, 0)}
	var rates []float64
	for round := range e.set.rounds {
		var with, without relayRun
		for _, watched := range []bool{false, true, true, false} { // what drifts evenly falls out
			run, err := w.page(ctx, watched)
			if err != nil {
				return nil, err
			}
			name, sum := "no page", &without
			if watched {
				name, sum = "page watched", &with
			}
			e.say("page, round %d: %-14s %7.0f msgs/s %6.2f µs %4.0f MB %s", round+1, name, run.rate, run.cpu, run.peak, run.failed)
			sum.rate, sum.cpu, rates = sum.rate+run.rate, sum.cpu+run.cpu, append(rates, run.rate)
			if run.failed != "" {
				cpu.failed, speed.failed = run.failed, run.failed
			}
		}
		cpu.values, speed.values = append(cpu.values, with.cpu/without.cpu), append(speed.values, with.rate/without.rate)
	}
	if e.set.profile != "" {
		if err := w.profilePage(ctx, median(rates)); err != nil {
			return nil, err
		}
	}
	return []row{cpu, speed}, nil
}

// page lets gx-ol relay the topic with a page that is watched, or with none.
func (w *relayWork) page(ctx context.Context, watched bool) (relayRun, error) {
	at, err := freeAddr(ctx)
	if err != nil {
		return relayRun{}, err
	}
	return w.pageAt(ctx, at, watched)
}

// profilePage leaves profiles of a run without a page and of one with it, to be compared: go tool pprof -diff_base.
func (w *relayWork) profilePage(ctx context.Context, rate float64) error {
	for i, name := range []string{"page-none", "page-watched"} {
		err := w.e.profiled(ctx, name, float64(w.n)/max(rate, 1), func(at string) error {
			_, err := w.pageAt(ctx, at, i == 1)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *relayWork) pageAt(ctx context.Context, at string, watched bool) (relayRun, error) {
	v := &visitor{at: "http://" + at}
	run, err := w.measure(ctx, "gx-ol", func() (*child, error) {
		c, err := w.startGxol(ctx, w.e.name("bench"), at, watched)
		if err == nil && watched {
			v.come(ctx)
		}
		return c, err
	})
	v.leave()
	if watched && run.failed == "" && (v.pushes.Load() == 0 || v.pages.Load() == 0) {
		run.failed = fmt.Sprintf("the page was not watched: %d pushes and %d pages came", v.pushes.Load(), v.pages.Load())
	}
	return run, err
}

// visitor is a browser that has the page open.
type visitor struct {
	at            string
	pushes, pages atomic.Int64
	leaves        context.CancelFunc // nil: it never came
	all           sync.WaitGroup
}

func (v *visitor) come(ctx context.Context) {
	ctx, v.leaves = context.WithCancel(ctx)
	v.all.Go(func() {
		for ctx.Err() == nil {
			v.follow(ctx)
			_ = pause(ctx, 50*time.Millisecond) // it is not up yet
		}
	})
	v.all.Go(func() {
		for ctx.Err() == nil {
			if fetch(ctx, v.at+"/now", io.Discard) == nil {
				v.pages.Add(1)
			}
			_ = pause(ctx, time.Second)
		}
	})
}

// follow counts the pushes until they end.
func (v *visitor) follow(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.at+"/changes", http.NoBody)
	if err != nil {
		return
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer func() { _ = res.Body.Close() }()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data:") {
			v.pushes.Add(1)
		}
	}
}

func (v *visitor) leave() {
	if v.leaves != nil {
		v.leaves()
	}
	v.all.Wait()
}
