// Package pipeline settles records: it decodes and maps a record, delivers its events to every destination, and buries what is
// wrong by its own fault. A Guard of package outage stands between a record and each destination.
//
// A record is settled when its events are acknowledged by the destinations, or its dead letter by the broker. One call
// of Settle settles one record; the call stack is the journey. Start saves that call where nothing has to be waited for.
package pipeline

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Prepared is a record that is ready to be settled. The alias is written out where records are read too, so that neither
// package needs the other.
type Prepared = interface {
	Lanes() []uint64 // hashes of what it must stay in order with: its key, and the datasets that its events name; none: no order
	Bytes() int      // what it holds in memory beside the record itself
}

// Turn is a record's place in its lanes.
type Turn = interface {
	// Pass lets the records behind it in its lanes begin: whoever took this record keeps their order.
	Pass()
	// First waits until every record before it in its lanes is settled. again: one of them was written again after this one began. An error is ctx's.
	First(ctx context.Context) (again bool, err error)
	// Again tells the records behind it that it is written again after Pass.
	Again()
	// While ends when nothing more is to begin: at a stop, or when another takes the partition over. A record that waits for its turn, or for a destination that is
	// away, is stopped then; one that was begun goes on until Settle's ctx ends.
	While() context.Context
	// Owned says until when the record is surely this process's to deliver (zero: for ever). If it is not now, again is closed when it is again.
	Owned(now time.Time) (until time.Time, again <-chan struct{})
}

// Mapper turns a decoded message into runs. Its error is the message's fault.
type Mapper interface {
	Map(msg *gx.Message, in mapper.Input) ([]openlineage.Run, error)
}

// Filter chooses which results are taken.
type Filter interface {
	Takes(rec *kgo.Record) bool                         // whether anything of the record can be taken; if not, it is not even read
	Choose(msg *gx.Message, rec *kgo.Record) (left int) // takes out of the message what is left out
}

// Rules are how a record becomes events.
type Rules struct {
	Decode func(value []byte) (*gx.Message, error)
	Mapper Mapper
	Filter Filter // nil: every result is taken
}

// Deliverer makes one attempt at one destination. A *fault.Error says whose fault a failure is; an error of ctx is
// nobody's; any other error counts as a bug. It is called from many goroutines at once.
type Deliverer interface {
	Deliver(ctx context.Context, event openlineage.Event) error
}

// Sender is a Deliverer that keeps the order of what it is handed, with many events in flight (Kafka's idempotent producer).
// done is called once, with what Deliver would return; also when ctx ends first.
type Sender interface {
	Send(ctx context.Context, event openlineage.Event, done func(error))
}

// Checker is a Deliverer that can tell beforehand which events it would refuse, so that nothing is half delivered.
type Checker interface {
	Check(ctx context.Context, event openlineage.Event) error
	// Sure reports whether Check would refuse nothing, where that is known without a question: nearly every event is such.
	Sure(event openlineage.Event) bool
}

// DeadLetters buries a record and returns when the broker has acknowledged the letter.
type DeadLetters interface {
	Bury(ctx context.Context, rec *kgo.Record, letter deadletter.Letter) error
}

// Orders are those of operators to bury records that wait.
type Orders interface {
	// Watch calls condemned, perhaps at once, if the record is ordered to be buried. end ends that.
	Watch(topic string, partition int32, offset int64, condemned func(why string)) (end func())
}

// Observer is told what happens, for metrics and the log. It is called from many goroutines at once and must not block.
type Observer interface {
	RecordsIn(topic string, n int)
	EventsDelivered(destination string, n int, took time.Duration)
	Buried(letter deadletter.Letter)
	Warned(code string, run *openlineage.Run) // run was mapped with something changed or not known
	Filtered(topic string, n int)             // n results were left out
}

// Settled is told of each record that is settled, with its runs: none of one that could not be mapped. It is called from many goroutines at once, must not
// block, and must not change the runs. One of them may be that which brings all acknowledgements, so it must be quick: to read an event is too much, but for those
// that pass through, which are never started.
type Settled func(rec *kgo.Record, runs []openlineage.Run, buried bool)

// Config is what settling needs, however it is done. Zero values mean their defaults.
type Config struct {
	Decode          func(value []byte) (*gx.Message, error) // default: gx.Decode
	Mapper          Mapper
	Filter          Filter       // default: every result is taken
	Rules           func() Rules // asked for each record, which keeps what it was told; default: the three above
	MaxMessageBytes int          // key, value and headers; larger records are not decoded; default 32 MiB
	Group           string       // consumer group, for the letters
	MaxInFlight     int          // attempts at once at the dead letters, and at a destination that names no number of its own; default 64
	Backoff         outage.Backoff
	ExhaustAttempts int           // a record is poison by 5xx after so many attempts, …; default 8
	ExhaustAfter    time.Duration // … and pauses between them of this length in all, while others succeed; default 2 min
	Orders          Orders        // default: none
	Observer        Observer      // default: nobody
	Settled         Settled       // default: nobody
	Log             *zap.Logger   // default: none
}

func (cfg Config) withDefaults() Config {
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	if cfg.Settled == nil {
		cfg.Settled = func(*kgo.Record, []openlineage.Run, bool) {}
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Decode == nil {
		cfg.Decode = gx.Decode
	}
	if cfg.Rules == nil {
		rules := Rules{cfg.Decode, cfg.Mapper, cfg.Filter}
		cfg.Rules = func() Rules { return rules }
	}
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = 64
	}
	if cfg.MaxMessageBytes <= 0 {
		cfg.MaxMessageBytes = 32 << 20
	}
	return cfg
}

// guard is a Guard with the settings that all have alike.
func (cfg Config) guard(name string) outage.Config {
	return outage.Config{Name: name, Backoff: cfg.Backoff, ExhaustAttempts: cfg.ExhaustAttempts, ExhaustAfter: cfg.ExhaustAfter, Log: cfg.Log}
}

// Pipeline settles records one by one, each at least once: a consumer.Handler. Make it with New.
type Pipeline struct {
	preparer
	outlets []*outlet
	senders int // outlets that keep order by themselves: where there are any, records pass
	letters DeadLetters
	burying *outage.Guard
}

// lettersName is what holds, metrics and logs call the dead letters, beside the destinations' names.
const lettersName = "dead_letters"

// New settles to one or more destinations: a record is settled when all have it.
func New(cfg Config, to []Destination, letters DeadLetters) *Pipeline {
	cfg = cfg.withDefaults()
	guard := cfg.guard(lettersName)
	guard.MaxInFlight, guard.NeverRefuses = cfg.MaxInFlight, true
	p := &Pipeline{preparer: preparer{cfg}, letters: letters, burying: outage.New(guard)}
	for _, d := range to {
		o := newOutlet(p, d)
		p.outlets = append(p.outlets, o)
		if o.sender != nil {
			p.senders++
		}
	}
	return p
}

// Limits is how many attempts at once each destination gets now, by its name; those without a bound are not among them.
func (p *Pipeline) Limits() map[string]int {
	out := make(map[string]int, len(p.outlets))
	for _, o := range p.outlets {
		if n := o.guard.Limit(); n > 0 {
			out[o.Name] = n
		}
	}
	return out
}

// Holds lists the partitions that wait, by topic, partition and destination.
func (p *Pipeline) Holds() []outage.Hold {
	holds := p.burying.Holds()
	for _, o := range p.outlets {
		holds = append(holds, o.guard.Holds()...)
	}
	outage.Sort(holds)
	return holds
}

// Prepare decodes and maps a record. Many are prepared at once; it needs no order.
func (p *Pipeline) Prepare(rec *kgo.Record) Prepared {
	r := p.prepare(rec)
	p.Observer.RecordsIn(rec.Topic, 1)
	p.warn(r)
	return r
}

// PrepareUnread is Prepare for a record that was not read, since its compressed batch inflates too far; more is how many further ones of the
// batch it stands for. It is buried as a reference letter.
func (p *Pipeline) PrepareUnread(rec *kgo.Record, more int64) Prepared {
	p.Observer.RecordsIn(rec.Topic, 1+int(more))
	return p.unread(rec, more)
}

// Settle brings a prepared record to every destination, or buries it. With an error the record is not settled: ctx has ended, or turn.While has while it waited.
func (p *Pipeline) Settle(ctx context.Context, ready Prepared, turn Turn) error {
	r := ready.(*prepared)
	if r.sending == nil {
		r.begin(p, turn)
	}
	if !p.journey(ctx, r, turn) || !p.bury(ctx, r, turn) {
		return cmp.Or(ctx.Err(), context.Canceled)
	}
	p.settled(r)
	return nil
}

// settled tells of a record that is settled, and lets go of what is not needed any more.
func (p *Pipeline) settled(r *prepared) {
	p.Settled(r.rec, r.runs, r.bad != nil)
	r.runs = nil
}

// byHand is an operator's order to bury the record in hand.
type byHand struct{ why string }

func (o *byHand) Error() string { return "buried by hand: " + o.why }

// journey brings a record to every destination, or finds out why it is to be buried: its own fault, or an operator's order. It reports false only
// when it was stopped.
func (p *Pipeline) journey(ctx context.Context, r *prepared, turn Turn) bool {
	if p.Orders == nil || p.senders == len(p.outlets) { // toward Kafka no single record waits
		return p.check(ctx, r, turn) && p.deliver(ctx, r, turn)
	}
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := p.Orders.Watch(r.rec.Topic, r.rec.Partition, r.rec.Offset, func(why string) { cancel(&byHand{why}) })
	arrived := p.check(work, r, turn) && p.deliver(work, r, turn)
	end()
	given, ordered := errors.AsType[*byHand](context.Cause(work))
	if arrived || !ordered || ctx.Err() != nil {
		return arrived
	}
	r.stage, r.bad = deadletter.StageDeliver, fault.MessageError(fault.Rejected, deadletter.CodeBuriedByHand, "%v", given)
	return p.inTurn(ctx, turn)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) RecordsIn(string, int)                      {}
func (nobody) EventsDelivered(string, int, time.Duration) {}
func (nobody) Buried(deadletter.Letter)                   {}
func (nobody) Warned(string, *openlineage.Run)            {}
func (nobody) Filtered(string, int)                       {}
