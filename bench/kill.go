package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gx-ol/gx-ol/bench/results"
)

// killing is one series of kills.
type killing struct {
	label   string
	n       int      // results in the topic: more than are delivered meanwhile
	kills   int      //
	work    [2]int   // seconds between first event and kill, from and to
	kind    string   // gx-ol's name of the backend
	backend []string // how it behaves
}

// killed counts what comes twice after a kill -9 in mid-work: at most what was in flight, and what was settled in the last second
// and not yet committed. A result has two events, START and the terminal one, and if one is in flight both come again.
func killed(ctx context.Context, e *estate) ([]row, error) {
	series := []killing{
		{"backend takes 20 ms", 60_000, 5, [2]int{2, 4}, "generic", []string{"-delay", "20ms", "-repeats"}},
		{"a Marquez of 20 events/s", 20_000, 3, [2]int{10, 15}, "marquez", []string{"-every", "50ms", "-repeats", "-marquez"}},
	}
	var rows []row
	for _, k := range series {
		if e.set.short {
			k.n, k.kills = k.n/2, 2
		}
		r, err := k.run(ctx, e)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (k killing) run(ctx context.Context, e *estate) (row, error) {
	r := row{what: fmt.Sprintf("kill -9, %s: events sent again against those in flight or settled in the last second", k.label), format: "%.2f", goal: atMost(1, 0)}
	source, err := e.startBroker(ctx, string(results.Small), false)
	if err != nil {
		return r, err
	}
	defer source.stop()
	if _, err := source.fill(ctx, results.Unique(results.Small), k.n); err != nil {
		return r, err
	}
	b, err := e.startBackend(ctx, k.backend...)
	if err != nil {
		return r, err
	}
	defer b.stop()
	g := gxol{from: source.addr, topic: string(results.Small), group: e.name("bench"), to: b.transport(k.kind), bothEvents: true,
		kafka: ", session.timeout.ms: 6000"} // soon after a kill the group goes on
	chance := rand.New(rand.NewPCG(11, 11)) // the same moments each time
	bound := 0
	for i := range k.kills {
		more, err := e.killOnce(ctx, g, b, time.Duration(float64(k.work[0])+chance.Float64()*float64(k.work[1]-k.work[0]))*time.Second)
		if err != nil {
			return r, err
		}
		bound += more
		e.say("kill, %s: kill %d, bound %d", k.label, i+1, more)
	}
	// The last life meets what the last kill left.
	c, err := e.startGxol(ctx, g)
	if err != nil {
		return r, err
	}
	defer c.stop()
	if err := e.untilBusy(ctx, c, b); err != nil {
		return r, err
	}
	if err := pause(ctx, time.Duration(k.work[1])*time.Second); err != nil {
		return r, err
	}
	count, err := b.count(ctx)
	if err != nil {
		return r, err
	}
	r.values = []float64{float64(count.Repeats) / float64(max(bound, 1))}
	e.details = append(e.details, []string{"kill -9, " + k.label, "", "", "", fmt.Sprintf("%d kills, %d events, %d of them again (%.0f a kill), bound %.0f a kill",
		k.kills, count.Events, count.Repeats, float64(count.Repeats)/float64(k.kills), float64(bound)/float64(k.kills))})
	e.say("kill, %s: %d of %d events came again after %d kills", k.label, count.Repeats, count.Events, k.kills)
	return r, nil
}

// killOnce starts gx-ol, lets it work, kills it, and tells how many events may come again.
func (e *estate) killOnce(ctx context.Context, g gxol, b *lineage, work time.Duration) (bound int, err error) {
	c, err := e.startGxol(ctx, g)
	if err != nil {
		return 0, err
	}
	defer c.stop()
	if err := e.untilBusy(ctx, c, b); err != nil {
		return 0, err
	}
	if err := pause(ctx, work); err != nil {
		return 0, err
	}
	count, err := b.count(ctx)
	c.kill()
	return 2*count.InFlight + count.LastSecond, err
}

// untilBusy waits for the first event of a life.
func (e *estate) untilBusy(ctx context.Context, c *child, b *lineage) error {
	before, err := b.count(ctx)
	if err != nil {
		return err
	}
	for began := time.Now(); ; {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		now, err := b.count(ctx)
		switch {
		case err != nil:
			return err
		case now.Events-before.Events > before.InFlight: // not only what the life before left in the backend's queue
			return nil
		case !c.running() || time.Since(began) > time.Minute:
			return fmt.Errorf("gx-ol delivers nothing: %s", lastLine(c.said()))
		}
	}
}
