package pipeline

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// gate stands before one destination. While the destination answers, everybody passes. While it does not, one attempt
// at a time passes, after a growing pause, in turn over all who wait: so that one bad record can't be the only witness
// against its backend. An outage is three log lines: its start, a change of its text, its end.
type gate struct {
	name string
	log  *zap.Logger

	mu        sync.Mutex // guards all below
	down      bool
	text      string // of the error that closed the gate
	since     time.Time
	pauses    *backoff.ExponentialBackOff
	next      time.Time // when the next attempt may pass
	probing   bool      // an attempt is under way
	queue     []*ticket // who waits, in turn
	changed   chan struct{}
	code      string // of that error
	successes uint64 // answers that took an event

	ended func() // called when an outage ends, with mu held; nil: nobody
}

// ticket is a place in the queue. It is not empty, since pointers to empty values may be equal.
type ticket struct{ _ byte }

func newGate(name string, cfg BackoffConfig, log *zap.Logger) *gate {
	pauses := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(cfg.Initial),
		backoff.WithMaxInterval(cfg.Max),
		backoff.WithMultiplier(2),
		// Half the interval either way around half of it is full jitter: anything from zero to the bound.
		backoff.WithRandomizationFactor(1),
		backoff.WithMaxElapsedTime(0),
	)
	return &gate{name: name, log: log, pauses: pauses, changed: make(chan struct{})}
}

// enter waits until an attempt may pass. waiting is called when it has to wait, with the error's code and text; it must not block.
// Whoever enters calls leave once, with the outcome.
func (g *gate) enter(ctx context.Context, waiting func(code, text string)) (probe bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if !g.down {
		return false, nil
	}
	t := new(ticket)
	g.queue = append(g.queue, t)
	defer func() {
		g.queue = slices.DeleteFunc(g.queue, func(q *ticket) bool { return q == t })
		g.wakeAll()
	}()
	for g.down {
		var timer <-chan time.Time
		if g.queue[0] == t && !g.probing {
			wait := time.Until(g.next)
			if wait <= 0 {
				g.probing = true
				return true, nil
			}
			timer = time.After(wait)
		}
		changed, code, text := g.changed, g.code, g.text
		g.mu.Unlock()
		waiting(code, text)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timer:
		}
		g.mu.Lock()
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// leave takes the outcome of an attempt: nil, or whose fault it was. An answer that blames the message shows that the
// destination is there, but only a success counts as one. cancelled attempts say nothing.
func (g *gate) leave(probe bool, outcome *fault.Error, cancelled bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if probe {
		g.probing = false
	}
	switch {
	case cancelled:
	case outcome == nil, outcome.Kind != fault.Backend:
		if outcome == nil {
			g.successes++
		}
		g.reopen()
	default:
		g.close(probe, outcome)
	}
	if probe {
		g.wakeAll()
	}
}

// reopen lets everybody pass again. The caller holds mu.
func (g *gate) reopen() {
	if !g.down {
		return
	}
	g.down = false
	g.pauses.Reset()
	g.log.Info("outage ended", zap.String("of", g.name), zap.Duration("lasted", time.Since(g.since).Round(time.Millisecond)))
	g.wakeAll()
	if g.ended != nil {
		g.ended()
	}
}

// closed reports whether an outage is on.
func (g *gate) closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.down
}

// close starts an outage, or prolongs it after a probe. The caller holds mu.
func (g *gate) close(probe bool, outcome *fault.Error) {
	text := outcome.Error()
	switch {
	case !g.down:
		g.down, g.since = true, time.Now()
		g.log.Warn("outage: partitions hold until it ends; nothing is lost", zap.String("of", g.name),
			zap.String("error", text), zap.String("hint", outcome.Hint))
	case !probe:
		return // attempts that were under way when the gate closed change nothing
	case text != g.text:
		g.log.Warn("outage goes on with another error", zap.String("of", g.name),
			zap.String("error", text), zap.String("hint", outcome.Hint))
	}
	g.text, g.code = text, outcome.Code
	g.next = time.Now().Add(max(g.pause(), outcome.RetryAfter))
}

// pause is the next pause: anything from zero to a bound that doubles. The caller holds mu.
func (g *gate) pause() time.Duration { return g.pauses.NextBackOff() / 2 }

// count is how many events the destination has taken.
func (g *gate) count() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.successes
}

// alone reports whether nobody else waits at a closed gate.
func (g *gate) alone() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.queue) == 0
}

// wakeAll lets every waiter look again. The caller holds mu.
func (g *gate) wakeAll() {
	close(g.changed)
	g.changed = make(chan struct{})
}
