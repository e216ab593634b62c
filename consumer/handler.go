package consumer

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Prepared is a record that is ready to be settled. It is an alias, so that a Handler names it without importing this package.
type Prepared = interface {
	// Lanes are hashes of what the record must stay in order with: its key, the datasets that it speaks of. Records of one
	// partition that share a lane settle in the partition's order; those that share none settle side by side. Equal
	// hashes of unequal names only wait for each other.
	Lanes() []uint64
	// Bytes is what it holds in memory beside the record itself.
	Bytes() int
}

// Turn is a record's place in its lanes, for a Handler that writes to something that keeps order by itself, such as an
// idempotent producer. A Handler that never calls it has each record settled before the next of its lanes begins.
type Turn = interface {
	// Pass lets the records behind this one in its lanes begin before it is settled: the caller has handed it over in order.
	Pass()
	// First waits until every record before this one in its lanes is settled. again says that one of them was written
	// again after this one began: then this one must be, too, or the older would be the last. The error is ctx's, or says that one of them
	// was given up, so that this one will never be first.
	First(ctx context.Context) (again bool, err error)
	// Again says, after Pass and after First, that this record is about to be written again.
	Again()
	// While ends when nothing more is to begin: at a stop, a rebalance, a loss. What waits (for a destination that is away, for its turn there) stops
	// then, with an error of Settle; what is under way goes on until it is done, or ctx ends at the end of the grace.
	While() context.Context
	// Owned says until when the partition is surely this member's (zero: for ever). If it is not now, again is closed when it is again: another member may have
	// taken it over, and this one would be told last. Nothing may be begun then that the other may have ended before. Of a lost partition again stays open: see While.
	Owned(now time.Time) (until time.Time, again <-chan struct{})
}

// Handler settles records. Both verbs are called from many goroutines at once.
type Handler interface {
	// Prepare does what needs no order and no I/O. It is called once a record, for as many at once as there are cores.
	Prepare(rec *kgo.Record) Prepared
	// Settle is called when every record before p in its lanes is settled or has called Pass. nil: p is settled, and its
	// offset may be committed. It may take as long as it needs (an outage): the group membership does not depend on it.
	// When ctx ends it must return soon, with an error unless p is settled all the same. An error before turn.While has ended ends the Consumer.
	Settle(ctx context.Context, p Prepared, turn Turn) error
}

// Unread is a batch that could not be read since it inflates to more than Config.MaxInflated. A Handler that has this
// method is given its records, as far as they are known: topic, partition and offset.
type Unread interface {
	// PrepareUnread is Prepare for a record of such a batch. more is how many further records of the batch it also stands for.
	PrepareUnread(rec *kgo.Record, more int64) Prepared
}

// Starter is a Handler that can settle records without a goroutine for each: it begins one and is called back, by whatever it writes to, when that is acknowledged.
type Starter interface {
	Handler
	// Starts reports whether Start may begin any record.
	Starts() bool
	// Start begins to settle p if nothing has to be waited for, and reports whether it did: then turn.Done or turn.GoOn is called once, perhaps
	// before Start returns. What was not started is for Settle. Like Settle it is called when every record before p in its lanes is settled or has
	// passed, and an error is for Settle to find.
	Start(ctx context.Context, p Prepared, turn Started) bool
	// TakeBack makes a record that was started one for Settle, which can be stopped. It reports false of one that was not started, and if Done or
	// GoOn was called, or is at once.
	TakeBack(p Prepared) bool
}

// Started is the Turn of a record that is started.
type Started = interface {
	Turn
	// Leads reports whether First would return at once, and say false.
	Leads() bool
	// Done says that the record is settled. Only who leads may be.
	Done()
	// GoOn says that Settle is to go on with it.
	GoOn()
}
