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
	EventsDelivered(n int, took time.Duration)
	Buried(disposition, code string)
	Warned(code string)
	Held(topic string, partition int32, reason string) // an empty reason: released
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
	To              Deliverer
	DeadLetters     DeadLetters
	Observer        Observer // default: nobody
	Group           string   // consumer group, for the letters
	MaxInFlight     int      // attempts at the destination at once, over all partitions; default 8
	MaxMessageBytes int      // key, value and headers; larger records are not decoded; default 32 MiB
	Backoff         BackoffConfig
	ExhaustAttempts int           // a record is poison by 5xx after so many attempts, …; default 8
	ExhaustAfter    time.Duration // … over at least this long, while others succeed; default 2 min
	Log             *zap.Logger   // default: none
}

// Hold is a partition that waits, and why.
type Hold struct {
	Topic     string
	Partition int32
	Reason    string
	Since     time.Time
}

// Pipeline is a consumer.Handler. Make it with New.
type Pipeline struct {
	Config
	backend *gate
	letters *gate
	slots   chan struct{} // one per attempt in flight

	mu    sync.Mutex // guards holds and last
	holds map[place]Hold
	last  *openlineage.Event // the last terminal event delivered, a harmless write to test the backend with
}

type place struct {
	topic     string
	partition int32
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
	cfg.MaxInFlight = orDefault(cfg.MaxInFlight, 8)
	cfg.MaxMessageBytes = orDefault(cfg.MaxMessageBytes, 32<<20)
	cfg.ExhaustAttempts = orDefault(cfg.ExhaustAttempts, 8)
	cfg.ExhaustAfter = orDefault(cfg.ExhaustAfter, 2*time.Minute)
	cfg.Backoff.Initial = orDefault(cfg.Backoff.Initial, 200*time.Millisecond)
	cfg.Backoff.Max = orDefault(cfg.Backoff.Max, 30*time.Second)
	return &Pipeline{
		Config:  cfg,
		backend: newGate("the destination", cfg.Backoff, cfg.Log),
		letters: newGate("the dead-letter topic", cfg.Backoff, cfg.Log),
		slots:   make(chan struct{}, cfg.MaxInFlight),
		holds:   make(map[place]Hold),
	}
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
	defer p.release(place{recs[0].Topic, recs[0].Partition})
	items := make([]*item, len(recs))
	for i, rec := range recs {
		if ctx.Err() != nil {
			items = items[:i]
			break
		}
		items[i] = p.prepare(rec)
	}
	if batch, ok := p.To.(BatchDeliverer); ok {
		p.deliverBatch(ctx, batch, items)
	}
	p.settleLanes(ctx, items)

	settled := 0
	for settled < len(items) && items[settled].settled {
		settled++
	}
	if settled < len(recs) {
		return settled, ctx.Err()
	}
	return settled, nil
}

// settleLanes settles items side by side where their keys differ, and in order where they are equal.
func (p *Pipeline) settleLanes(ctx context.Context, items []*item) {
	var order []string
	lanes := make(map[string][]*item)
	for _, it := range items {
		if it.settled {
			continue
		}
		if lanes[it.key] == nil {
			order = append(order, it.key)
		}
		lanes[it.key] = append(lanes[it.key], it)
	}
	var wg sync.WaitGroup
	limit := make(chan struct{}, p.MaxInFlight)
	for _, key := range order {
		limit <- struct{}{} // a lane ends at the latest with ctx, so this never waits for good
		wg.Go(func() {
			defer func() { <-limit }()
			for _, it := range lanes[key] {
				// What follows on this key waits: it may not overtake.
				if !p.settle(ctx, it) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// Held lists the partitions that wait, in no order.
func (p *Pipeline) Held() []Hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Hold, 0, len(p.holds))
	for _, h := range p.holds {
		out = append(out, h)
	}
	return out
}

func (p *Pipeline) hold(at place, reason string) {
	p.mu.Lock()
	h, ok := p.holds[at]
	if ok && h.Reason == reason {
		p.mu.Unlock()
		return
	}
	if !ok {
		h = Hold{Topic: at.topic, Partition: at.partition, Since: time.Now()}
	}
	h.Reason = reason
	p.holds[at] = h
	p.mu.Unlock()
	p.Observer.Held(at.topic, at.partition, reason)
}

func (p *Pipeline) release(at place) {
	p.mu.Lock()
	_, ok := p.holds[at]
	delete(p.holds, at)
	p.mu.Unlock()
	if ok {
		p.Observer.Held(at.topic, at.partition, "")
	}
}

// nobody observes nothing.
type nobody struct{}

func (nobody) RecordsIn(string, int)              {}
func (nobody) EventsDelivered(int, time.Duration) {}
func (nobody) Buried(string, string)              {}
func (nobody) Warned(string)                      {}
func (nobody) Held(string, int32, string)         {}
