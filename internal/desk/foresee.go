package desk

import (
	"context"
	"time"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/internal/replay"
)

// Foresight is what an order would do: a dry run.
type Foresight struct {
	Letters     int
	Nothing     string // why there is none
	Stats       dlq.Stats
	Quarantined int           // would go to quarantine, since they were replayed too often
	Foreign     int           // would stay: their source topics are none whose letters these may be
	Unclear     int           // would stay: what became of them is not known
	Before      ranges.Extent // what was looked at
	Asked       int           // letters that the backend was asked about
	Stale       []Stale       // those of which it has a later result
	Silent      string        // why it was not asked
	Building    bool          // the letters are still being read: not all are counted
}

// Stale is a letter of which a backend has a later result.
type Stale struct {
	Letter  dlq.Position
	Warning string
}

// mostAsked is about how many letters a dry run asks a backend: each costs it a request or two.
const mostAsked = 50

// Foresee says what an order would do, and changes nothing. With ask a backend that can tell is asked whether it has later results of the first letters.
func (d *Desk) Foresee(ctx context.Context, o Order, ask bool) (*Foresight, error) {
	t, err := d.cfg.Open(ctx, o.Topic)
	if err != nil {
		return nil, err
	}
	f := &Foresight{}
	plan := o.Options.Plan(o.Filter)
	var first []*dlq.Letter
	err = d.Look(ctx, o.Topic, func(ix *dlq.Index, s dlq.LiveState, _ error) {
		f.Building, f.Before = !s.Known, ix.Extent
		letters := plan.Letters(ix)
		f.Letters, f.Stats = len(letters), dlq.Histogram(letters, time.Now())
		if len(letters) == 0 {
			f.Nothing = dlq.Nothing(ix, o.Filter)
		}
		for _, l := range letters {
			switch {
			case l.State == dlq.Unclear || l.Batch != nil || l.Unreadable() != "":
				f.Unclear++
			case plan.Quarantines(l):
				f.Quarantined++
			case !t.IsInput(l.Said.Topic):
				f.Foreign++
			case len(first) < mostAsked:
				copied := *l
				first = append(first, &copied)
			}
		}
	})
	if err != nil || !ask || o.Kind != Replay || o.Options.Stale == "ignore" || len(first) == 0 {
		return f, err
	}
	return f, d.askStale(ctx, o, t, plan, first, f)
}

// askWithin bounds what a dry run asks a backend: whoever waits for it looks at a page.
const askWithin = 5 * time.Second

func (d *Desk) askStale(ctx context.Context, o Order, t *dlq.Topic, plan replay.Plan, letters []*dlq.Letter, f *Foresight) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	o.Options.To = replay.ToSource // the backends alone are needed, not the pipeline to them
	end, err := d.cfg.Prepare(ctx, o.Options, &plan)
	if err != nil {
		return err
	}
	defer end()
	if plan.Stale == nil {
		return nil
	}
	silent := plan.Stale.Silent
	plan.Stale.Silent = func(err error) { f.Silent = err.Error(); silent(err) }
	f.Asked = len(letters)
	err = replay.Preview(ctx, t, plan, letters, func(l *dlq.Letter, warning string) { f.Stale = append(f.Stale, Stale{l.Position, warning}) })
	if err != nil {
		f.Silent, f.Asked = err.Error(), 0
	}
	return nil
}
