// Package outage stands between a record and a destination that may be away. A Guard, one a destination, makes an attempt until the
// destination answers for good: it holds records in an outage, lets one at a time probe it, keeps to the number of attempts at once
// that the destination bears, and tells an outage from a record that the destination alone does not take.
package outage

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lease"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Backoff bounds the pauses between attempts; each is drawn between zero and the growing bound (full jitter).
type Backoff struct {
	Initial time.Duration // default 200 ms
	Max     time.Duration // default 30 s
}

// Config is what a Guard needs. Zero values mean their defaults.
type Config struct {
	Name            string // of the destination, as holds and logs name it
	MaxInFlight     int    // attempts at once, over all partitions; 0: no bound
	Adaptive        bool   // below MaxInFlight, find how many attempts at once the destination bears: for what answers one by one
	Backoff         Backoff
	ExhaustAttempts int           // a record is poison by unclear answers after so many attempts, …; default 8
	ExhaustAfter    time.Duration // … and pauses between them of this length in all, while others succeed; default 2 min
	NeverRefuses    bool          // whatever fails is an outage: for dead letters, without which a record may not be settled

	// Pace waits for the turn of an attempt that writes, where the destination is to get so many in a time. The wait is no part of the attempt: it tells nothing
	// of what the destination bears, and no partition is held by it. Its error is ctx's. nil: no attempt waits.
	Pace func(ctx context.Context) error
	// Write makes one attempt to write a harmless event, to see whether the destination takes any. nil: nothing can be written.
	Write func(ctx context.Context, ev openlineage.Event) error
	Log   *zap.Logger // default: none
}

// Guard guards one destination. It is safe for concurrent use. Make it with New.
type Guard struct {
	cfg   Config
	gate  *gate
	limit *limit // of the attempts in flight; nil: there is none
	holds holds
	under underway
	last  atomic.Pointer[openlineage.Event] // the last terminal event that was taken
}

// New fills in the defaults.
func New(cfg Config) *Guard {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	cfg.ExhaustAttempts = orDefault(cfg.ExhaustAttempts, 8)
	cfg.ExhaustAfter = orDefault(cfg.ExhaustAfter, 2*time.Minute)
	cfg.Backoff.Initial = orDefault(cfg.Backoff.Initial, 200*time.Millisecond)
	cfg.Backoff.Max = orDefault(cfg.Backoff.Max, 30*time.Second)
	g := &Guard{cfg: cfg, gate: newGate(cfg.Name, cfg.Backoff, cfg.Log), holds: holds{by: make(map[place]*held)}}
	if cfg.MaxInFlight > 0 {
		g.limit = newLimit(cfg.MaxInFlight, cfg.Adaptive)
		g.gate.ended = g.limit.restart
	}
	return g
}

func orDefault[T int | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// Limit is how many attempts at once the destination gets now; 0 if there is no bound.
func (g *Guard) Limit() int {
	if g.limit == nil {
		return 0
	}
	return g.limit.allowed()
}

// Make makes the attempt until the destination answers for good, however long it is away.
func (g *Guard) Make(ctx context.Context, a Attempt) Outcome {
	defer g.holds.release(a.For)
	for {
		p := a.Begun.pass
		if a.Begun = (Pass{}); p.g == nil {
			var err error
			if p, err = g.enter(ctx, &a); err != nil {
				return Outcome{Answer: Stopped}
			}
			g.under.add(a.For, p.began)
		}
		shown, f := once(lease.Until(ctx, p.until), a.Try)
		g.under.remove(a.For)
		if f != nil && g.cfg.NeverRefuses {
			shown = away
		}
		switch shown {
		case nothing:
			p.end(nothing, nil)
			return Outcome{Answer: Stopped}
		case taken:
			return g.taken(&a, p)
		case refused:
			p.end(refused, nil)
			return Outcome{Answer: Refused, Fault: f, Took: time.Since(p.began)}
		}
		out, again := g.failed(ctx, &a, p, f)
		if !again {
			return out
		}
		if a.Ready != nil && a.Ready(ctx) != nil {
			return Outcome{Answer: Stopped}
		}
	}
}

// taken takes an attempt that went well.
func (g *Guard) taken(a *Attempt, p pass) Outcome {
	took := time.Since(p.began)
	if a.Asks {
		p.end(nothing, nil)
		return Outcome{Answer: Taken, Took: took}
	}
	p.end(taken, nil)
	if a.Event != nil && a.Event.Type.Terminal() {
		g.last.Store(a.Event)
	}
	return Outcome{Answer: Taken, Took: took}
}

// enter waits until an attempt may be made. Who probes an outage needs no place in flight: all of them may be held by attempts that
// hang. Neither does what does not write: its time would say nothing of the destination.
func (g *Guard) enter(ctx context.Context, a *Attempt) (pass, error) {
	while := a.While
	if a.GoesOn {
		while = nil
	}
	if err := over(ctx, while); err != nil {
		return pass{}, err
	}
	for {
		probe := false
		if g.gate.closed.Load() {
			if a.Ready != nil {
				if err := a.Ready(ctx); err != nil {
					return pass{}, err
				}
			}
			if a.For != nil {
				g.holds.add(a.For, time.Now())
			}
			waiting, free := until(ctx, a.While)
			var err error
			probe, err = g.gate.wait(waiting)
			free()
			if err != nil {
				return pass{}, err
			}
			if !probe {
				continue
			}
		}
		p := pass{g: g, probe: probe, placed: !probe && !a.Asks && g.limit != nil}
		if p.placed {
			if err := g.limit.acquire(ctx, while, a.GoesOn); err != nil {
				return pass{}, err
			}
		}
		if g.cfg.Pace != nil && !a.Asks {
			waiting, free := until(ctx, while)
			err := g.cfg.Pace(waiting)
			free()
			if err != nil {
				p.end(nothing, nil)
				return pass{}, err
			}
		}
		p.began = time.Now()
		end, again := a.mayBegin(p.began) // asked last: the process may have stood still while it waited
		if p.until = end; again == nil && (probe || a.Asks || !g.gate.closed.Load()) {
			return p, nil
		}
		p.end(nothing, nil) // if an outage began while this one waited for its place, it takes its turn like the others
		if again != nil {
			if err := g.wait(ctx, a, again); err != nil {
				return pass{}, err
			}
		}
	}
}

// over is the end of ctx, or of while where there is one.
func over(ctx, while context.Context) error {
	if while != nil && while.Err() != nil {
		return while.Err()
	}
	return ctx.Err()
}

// until ends with ctx, and with while where there is one. free lets go of it.
func until(ctx, while context.Context) (waiting context.Context, free func()) {
	if while == nil {
		return ctx, func() {}
	}
	waiting, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(while, cancel)
	return waiting, func() { unhook(); cancel() }
}

// pass is the right to make one attempt. It is ended once, with what the attempt showed.
type pass struct {
	g      *Guard
	probe  bool // of an outage: no other attempt is made meanwhile
	placed bool // it has a place in flight
	began  time.Time
	until  time.Time // when the record may be another's; zero: never
}

// result is what one attempt shows of the destination.
type result uint8

const (
	nothing result = iota // a stop, or a question
	taken                 // it takes writes
	refused               // it is there
	apart                 // it takes others, and only this record waits
	away                  // it is away, for all that is known
)

// end gives the right back; f is the fault where the destination is away.
func (p pass) end(shown result, f *fault.Error) {
	if p.placed {
		took := time.Since(p.began)
		if shown != taken && shown != refused {
			took = 0 // only such answers tell how much the destination bears
		}
		p.g.limit.release(took)
	}
	p.g.gate.leave(p.probe, shown, f)
}
