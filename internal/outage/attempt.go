package outage

import (
	"context"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Answer is how an attempt ended for good.
type Answer uint8

// The answers. Of Stopped nothing is known: ctx ended first.
const (
	Stopped Answer = iota
	Taken
	Refused   // it is the message's own fault, or a bug
	Exhausted // the destination does not take this one, although it takes others
)

// Outcome is how an attempt ended for good.
type Outcome struct {
	Answer Answer
	Fault  *fault.Error  // of Refused and Exhausted
	Took   time.Duration // of Taken and Refused: how long the last attempt lasted
}

// Holder is a record on its way to one destination: where it stands, and how often it failed. One goroutine at a time has it.
type Holder struct {
	Topic     string
	Partition int32
	Offset    int64

	hold  *held // the hold of its partition, while it waits
	tries tries
	under link
}

// Attempts is how often the destination did not take it, and when that was first; zero if it never failed.
func (h *Holder) Attempts() (n int, first time.Time) { return h.tries.attempts, h.tries.first }

// Owner knows whether a record is still this process's.
type Owner = interface {
	// Owned says until when it surely is (zero: for ever). If it is not now, again is closed when it is again.
	Owned(now time.Time) (until time.Time, again <-chan struct{})
}

// Attempt is what is to be tried, and for whom.
type Attempt struct {
	For *Holder
	// Try makes one attempt. A *fault.Error says whose fault a failure is; any other error is a bug, unless ctx has ended.
	Try func(ctx context.Context) error
	// Ready, where there is one, is called before the record waits in an outage, and before it is tried again. An error of it is ctx's.
	Ready func(ctx context.Context) error
	// Event is what is written, where it is one event; once it is taken it may be written again, so its body must stay as it is.
	Event *openlineage.Event
	// Minimal makes a harmless event of the same run; nil if it has none.
	Minimal func() openlineage.Event
	// GoesOn says that it goes on with what an earlier attempt has begun: the end of a run whose START was taken, or the next run of its record.
	GoesOn bool
	// While ends when nothing more is to begin: what waits for its turn stops then. What is under way, and what GoesOn with it, does not, until ctx ends, but
	// for a destination that is away. nil: ctx alone.
	While context.Context //nolint:containedctx // an attempt has two ends
	// Owner, where there is one, is asked before each attempt, and Try gets a lease that ends when the record may be another's. What fails while it may be tells
	// nothing of the destination: this process stood still, or has lost the network.
	Owner Owner
	// Ends says that it ends a run whose START was taken. Owner does not keep it then: it harms nobody, and leaves no run open.
	Ends bool
	// Begun is what Start gave for it, where it was begun by that: then Try says first how that ended.
	Begun Pass
	// Asks says that nothing is written: such an attempt proves nothing about the destination when it goes well.
	Asks bool
}

// owned is Owner's, where there is one.
func (a *Attempt) owned(now time.Time) (until time.Time, again <-chan struct{}) {
	if a.Owner == nil {
		return time.Time{}, nil
	}
	return a.Owner.Owned(now)
}

// mayBegin is owned for what is about to begin.
func (a *Attempt) mayBegin(now time.Time) (until time.Time, again <-chan struct{}) {
	if a.Ends {
		return time.Time{}, nil
	}
	return a.owned(now)
}

// wait waits until the record is surely this process's again, and holds its partition meanwhile. While ends it also for what goes on.
func (g *Guard) wait(ctx context.Context, a *Attempt, again <-chan struct{}) error {
	if a.For != nil {
		defer g.holds.doubt(a.For)()
	}
	waiting, free := until(ctx, a.While)
	defer free()
	select {
	case <-again:
		return nil
	case <-waiting.Done():
		return waiting.Err()
	}
}

// once makes one attempt. A panic in a destination is our bug, not the process's end.
func once(ctx context.Context, try func(context.Context) error) (shown result, f *fault.Error) {
	err := attempt(ctx, try)
	switch {
	case err == nil:
		return taken, nil
	case ctx.Err() != nil: // asked before blame: a stop is nobody's fault
		return nothing, nil //nolint:nilerr // what failed because of the stop is no failure
	}
	f = fault.Of(err)
	if f.Kind == fault.Backend {
		return away, f
	}
	return refused, f
}

func attempt(ctx context.Context, try func(context.Context) error) (err error) {
	defer fault.Recover(&err)
	return try(ctx)
}
