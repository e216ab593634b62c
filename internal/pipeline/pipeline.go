// Package pipeline settles records: it decodes, maps and delivers them, tries again what the backend could not take,
// holds the partition while it cannot, and buries what is wrong by its own fault.
//
// A record is settled when its events are acknowledged by the destination, or its dead letter by the broker. One call
// of Handle settles one partition's batch; the call stack is the journey.
package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Mapper turns a decoded message into runs. Its error is the message's fault.
type Mapper interface {
	Map(msg *gx.Message, in mapper.Input) ([]openlineage.Run, error)
}

// Deliverer makes one attempt at one destination. A *fault.Error says whose fault a failure is; an error of ctx is
// nobody's; any other error counts as a bug. It is called from many goroutines at once.
type Deliverer interface {
	Deliver(ctx context.Context, event openlineage.Event) error
}

// BatchDeliverer is a Deliverer that keeps the order of many events in flight by itself (Kafka's idempotent producer).
// It answers with one error an event, nil for acknowledged.
type BatchDeliverer interface {
	Deliverer
	DeliverAll(ctx context.Context, events []openlineage.Event) []error
}

// Checker is a Deliverer that can tell beforehand which events it would refuse, so that nothing is half delivered.
type Checker interface {
	Check(ctx context.Context, event openlineage.Event) error
}

// DeadLetters buries a record and returns when the broker has acknowledged the letter.
type DeadLetters interface {
	Bury(ctx context.Context, rec *kgo.Record, letter deadletter.Letter) error
}

// Observer is told what happens, for metrics. It is called from many goroutines at once and must not block.
type Observer interface {
	RecordsIn(topic string, n int)
	EventsDelivered(destination string, n int, took time.Duration)
	Buried(disposition, code string)
	Warned(code string)
	Held(topic string, partition int32, destination, code string) // a partition waits, or waits for another reason
	Released(topic string, partition int32, destination string)   // it goes on
}

// BackoffConfig bounds the pauses between attempts; each is drawn between zero and the growing bound (full jitter).
type BackoffConfig struct {
	Initial time.Duration // default 200 ms
	Max     time.Duration // default 30 s
}

// Config is what a Pipeline needs. Zero numbers mean their defaults.
type Config struct {
	Decode          func(value []byte) (*gx.Message, error) // default: gx.Decode
	Mapper          Mapper
	To              []Destination // one or more; a record is settled when all have it
	DeadLetters     DeadLetters
	Next            func(after *kgo.Record, fits func(*kgo.Record) bool) *kgo.Record // the first record that fits of those that wait behind one on its partition; nil: not known
	Observer        Observer                                                         // default: nobody
	Group           string                                                           // consumer group, for the letters
	MaxInFlight     int                                                              // records of one partition side by side, of different keys; default 64
	MaxMessageBytes int                                                              // key, value and headers; larger records are not decoded; default 32 MiB
	Backoff         BackoffConfig
	ExhaustAttempts int           // a record is poison by 5xx after so many attempts, …; default 8
	ExhaustAfter    time.Duration // … over at least this long, while others succeed; default 2 min
	Log             *zap.Logger   // default: none
}

// Pipeline is a consumer.Handler. Make it with New.
type Pipeline struct {
	Config
	outlets []*outlet
	batches bool // an outlet takes many events at once
	letters *gate
	burying chan struct{} // one per letter in flight

	mu    sync.Mutex // guards holds
	holds map[holdKey]*held
}

// New fills in the defaults.
func New(cfg Config) *Pipeline {
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Decode == nil {
		cfg.Decode = gx.Decode
	}
	cfg.MaxInFlight = orDefault(cfg.MaxInFlight, 64)
	cfg.MaxMessageBytes = orDefault(cfg.MaxMessageBytes, 32<<20)
	cfg.ExhaustAttempts = orDefault(cfg.ExhaustAttempts, 8)
	cfg.ExhaustAfter = orDefault(cfg.ExhaustAfter, 2*time.Minute)
	cfg.Backoff.Initial = orDefault(cfg.Backoff.Initial, 200*time.Millisecond)
	cfg.Backoff.Max = orDefault(cfg.Backoff.Max, 30*time.Second)
	p := &Pipeline{
		Config:  cfg,
		letters: newGate(lettersName, cfg.Backoff, cfg.Log),
		burying: make(chan struct{}, cfg.MaxInFlight),
		holds:   make(map[holdKey]*held),
	}
	for i, d := range cfg.To {
		o := newOutlet(p, i, d)
		p.outlets = append(p.outlets, o)
		p.batches = p.batches || o.batch != nil
	}
	return p
}

// Limits is how many attempts at once each destination gets now, by its name.
func (p *Pipeline) Limits() map[string]int {
	out := make(map[string]int, len(p.outlets))
	for _, o := range p.outlets {
		out[o.Name] = o.limit.allowed()
	}
	return out
}

func orDefault[T int | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// Handle settles a partition's batch and returns how many records, from the first on, are settled: all of them, or
// fewer when ctx ended. Its error is always that of ctx.
func (p *Pipeline) Handle(ctx context.Context, recs []*kgo.Record) (int, error) {
	p.Observer.RecordsIn(recs[0].Topic, len(recs))
	items := make([]*item, len(recs))
	for i, rec := range recs {
		items[i] = p.newItem(rec)
	}
	if p.batches {
		p.settleBatch(ctx, items)
	} else {
		p.inLanes(ctx, items, p.settle)
	}

	settled := 0
	for settled < len(items) && items[settled].settled {
		settled++
	}
	if settled < len(recs) {
		return settled, ctx.Err()
	}
	return settled, nil
}

// inLanes lets items settle side by side where their keys differ, and in order where they are equal. settle reports false
// only when ctx ended.
func (p *Pipeline) inLanes(ctx context.Context, items []*item, settle func(context.Context, *item) bool) {
	var order []string
	lanes := make(map[string][]*item)
	for _, it := range items {
		if it.rec.Key == nil {
			p.decode(it) // a record without a key takes that of its first event
		}
		if lanes[it.key] == nil {
			order = append(order, it.key)
		}
		lanes[it.key] = append(lanes[it.key], it)
		it.lanes = lanes
	}
	var wg sync.WaitGroup
	limit := make(chan struct{}, p.MaxInFlight)
	for _, key := range order {
		limit <- struct{}{} // a lane ends at the latest with ctx, so this never waits for good
		wg.Go(func() {
			defer func() { <-limit }()
			for _, it := range lanes[key] {
				// What follows on this key waits: it may not overtake.
				if ctx.Err() != nil || !settle(ctx, it) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// nobody observes nothing.
type nobody struct{}

func (nobody) RecordsIn(string, int)                      {}
func (nobody) EventsDelivered(string, int, time.Duration) {}
func (nobody) Buried(string, string)                      {}
func (nobody) Warned(string)                              {}
func (nobody) Held(string, int32, string, string)         {}
func (nobody) Released(string, int32, string)             {}
