package dlq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
)

// An order is an operator's word that a record that waits is to be buried. It lies in the ledger, under a key of its own, for whichever process holds
// the record; after a day it counts no more, for its offset may be another record's by then.
const (
	orderKey    = "bury/"
	orderCounts = 24 * time.Hour
	orderEvery  = 3 * time.Second
)

// Ordered is the outcome in the audit of a record that an operator had buried.
const Ordered Outcome = "bury_ordered"

type order struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Order writes the order to bury the record at TOPIC/PARTITION/OFFSET, and who gave it, to ledger and audit.
func (t *Topic) Order(ctx context.Context, client *kgo.Client, record, by, reason string) error {
	at, ok := parsePlace(record)
	if !ok {
		return fmt.Errorf("%q is no TOPIC/PARTITION/OFFSET such as gx.validation-results/3/1042", record)
	}
	if err := t.ensureTopics(ctx); err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	value, err1 := json.Marshal(order{by, now, reason})
	line, err2 := json.Marshal(Audit{At: now, By: by, Topic: t.Name, TopicID: t.ID, Outcome: Ordered, Source: at.String(), Reason: reason})
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return client.ProduceSync(ctx,
		&kgo.Record{Topic: t.Name + LedgerSuffix, Key: []byte(orderKey + at.String()), Value: value},
		&kgo.Record{Topic: t.Name + AuditSuffix, Key: []byte(at.String()), Value: line}).FirstErr()
}

// Orders follows the orders for records that wait. It is safe for concurrent use.
type Orders struct {
	client  *kgo.Client
	letters func(topic string) string // the dead-letter topic of an input topic
	cfg     Config

	mu      sync.Mutex // guards what follows
	known   map[place]order
	waiting map[place]func(why string)

	next map[string]map[int32]int64 // of each ledger; for Poll alone
}

// NewOrders makes one. The client stays the caller's.
func NewOrders(client *kgo.Client, letters func(topic string) string, cfg Config) *Orders {
	return &Orders{client: client, letters: letters, cfg: cfg, known: make(map[place]order), waiting: make(map[place]func(string)), next: make(map[string]map[int32]int64)}
}

// Watch calls condemned, perhaps at once, if the record is ordered to be buried. end ends that.
func (o *Orders) Watch(topic string, partition int32, offset int64, condemned func(why string)) (end func()) {
	at := place{topic, partition, offset}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting[at] = condemned
	if given, ok := o.known[at]; ok && time.Since(given.At) < orderCounts {
		condemned(given.why())
	}
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.waiting, at)
	}
}

func (g order) why() string { return fmt.Sprintf("%s (%s)", g.Reason, g.By) }

// Follow looks for orders as long as records wait, until stop is called, which waits for it. held are the topics of those records.
func (o *Orders) Follow(ctx context.Context, held func() []string, failed func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(orderEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := o.Poll(ctx, held()); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
	}()
	return func() { cancel(); <-done }
}

// Poll reads what orders have come for records of the topics.
func (o *Orders) Poll(ctx context.Context, topics []string) error {
	var ledgers []string
	for _, topic := range topics {
		if name := o.letters(topic); !slices.Contains(ledgers, name) {
			ledgers = append(ledgers, name)
		}
	}
	for _, name := range ledgers {
		if err := o.poll(ctx, name); err != nil && !errors.Is(err, ErrNoTopic) {
			return fmt.Errorf("looking for orders to bury: %w", err)
		}
	}
	return nil
}

func (o *Orders) poll(ctx context.Context, name string) error {
	t, err := Open(ctx, o.client, name, o.cfg)
	if err != nil {
		return err
	}
	o.cfg.inflate = t.reader.Inflater()
	extent, err := t.extent(ctx, name+LedgerSuffix)
	if err != nil {
		return err
	}
	next := o.next[name]
	if next == nil {
		next = make(map[int32]int64)
		o.next[name] = next
	}
	for p, span := range extent {
		if next[p] > span.To {
			next[p] = 0 // it was made anew
		}
	}
	return t.reader.advance(ctx, name+LedgerSuffix, extent, next, func(rec *kgo.Record) error { o.take(rec); return nil }, func(*ranges.LargeBatch) error { return nil })
}

// take takes an order in, if it is one.
func (o *Orders) take(rec *kgo.Record) {
	given, at, ok := parseOrder(rec)
	if !ok || time.Since(given.At) > orderCounts {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known[at] = given
	if condemned := o.waiting[at]; condemned != nil {
		condemned(given.why())
	}
}

func parseOrder(rec *kgo.Record) (given order, at place, ok bool) {
	text, ok := strings.CutPrefix(string(rec.Key), orderKey)
	if !ok || len(rec.Value) == 0 || len(rec.Value) > maxEntryBytes {
		return given, at, false
	}
	at, ok = parsePlace(text)
	return given, at, ok && json.Unmarshal(rec.Value, &given) == nil
}

// counts reports whether a ledger record is an order that may still be asked for.
func counts(rec *kgo.Record) bool {
	given, _, ok := parseOrder(rec)
	return ok && time.Since(given.At) < orderCounts
}
